use otpmux_core::{Blame, Certainty, ErrorKind};

/// The meaning of an unsuccessful answer: one row of an adapter's error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a row states all three; a fourth would change every table"
)]
pub struct Reading {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// What is known about the effect.
    pub certainty: Certainty,
    /// The side that caused it.
    pub blame: Blame,
}

impl Reading {
    /// Returns a row.
    pub const fn new(kind: ErrorKind, certainty: Certainty, blame: Blame) -> Self {
        Self { kind, certainty, blame }
    }

    /// Returns a row for a rejection without effect whose cause is the vendor: another vendor may
    /// do better.
    pub const fn provider(kind: ErrorKind) -> Self {
        Self::new(kind, Certainty::Rejected, Blame::Provider)
    }

    /// Returns a row for a rejection without effect that every vendor would repeat.
    pub const fn caller(kind: ErrorKind) -> Self {
        Self::new(kind, Certainty::Rejected, Blame::Caller)
    }

    /// Returns a row for a limit or a protection, which another vendor must not bypass.
    pub const fn policy(kind: ErrorKind) -> Self {
        Self::new(kind, Certainty::Rejected, Blame::Policy)
    }

    /// Returns a row for an answer that does not show what the vendor did.
    pub const fn unknown(kind: ErrorKind) -> Self {
        Self::new(kind, Certainty::Unknown, Blame::Provider)
    }

    /// Returns the meaning of a status at a vendor that documents nothing more about it.
    ///
    /// `retry_after` is whether the answer has this header: a 503 with it is a rejection; any other
    /// 503 may come from a proxy whose backend has carried out the request.
    pub const fn of_status(status: u16, retry_after: bool) -> Self {
        match status {
            401 => Self::provider(ErrorKind::Unauthenticated),
            402 => Self::provider(ErrorKind::InsufficientFunds),
            403 => Self::provider(ErrorKind::Forbidden),
            404 => Self::caller(ErrorKind::NotFound),
            405 | 501 => Self::provider(ErrorKind::Unsupported),
            408 => Self::unknown(ErrorKind::Timeout),
            409 | 425 => Self::caller(ErrorKind::Conflict),
            429 => Self::provider(ErrorKind::RateLimited),
            503 if retry_after => Self::provider(ErrorKind::Unavailable),
            // 303 (see other): the request was carried out, and its result is elsewhere.
            303 | 500..=599 => Self::unknown(ErrorKind::Unavailable),
            300..=399 => Self::provider(ErrorKind::Unavailable),
            400..=499 => Self::caller(ErrorKind::InvalidRequest),
            // 1xx, 2xx that an adapter could not read, and numbers that are not HTTP statuses.
            _ => Self::unknown(ErrorKind::Protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table() {
        use Blame::{Caller, Provider};
        use Certainty::{Rejected, Unknown};
        use ErrorKind as K;
        for (status, hint, kind, certainty, blame) in [
            (200, false, K::Protocol, Unknown, Provider),
            (302, false, K::Unavailable, Rejected, Provider),
            (303, false, K::Unavailable, Unknown, Provider),
            (400, false, K::InvalidRequest, Rejected, Caller),
            (401, false, K::Unauthenticated, Rejected, Provider),
            (402, false, K::InsufficientFunds, Rejected, Provider),
            (403, false, K::Forbidden, Rejected, Provider),
            (404, false, K::NotFound, Rejected, Caller),
            (408, false, K::Timeout, Unknown, Provider),
            (409, false, K::Conflict, Rejected, Caller),
            (422, false, K::InvalidRequest, Rejected, Caller),
            (429, true, K::RateLimited, Rejected, Provider),
            (500, false, K::Unavailable, Unknown, Provider),
            (502, true, K::Unavailable, Unknown, Provider),
            (503, false, K::Unavailable, Unknown, Provider),
            (503, true, K::Unavailable, Rejected, Provider),
            (504, false, K::Unavailable, Unknown, Provider),
            (999, false, K::Protocol, Unknown, Provider),
        ] {
            let expected = Reading::new(kind, certainty, blame);
            assert_eq!(Reading::of_status(status, hint), expected, "{status} {hint}");
        }
    }
}
