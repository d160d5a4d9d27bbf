use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};

/// What a call says about its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is at work.
    Success,
    /// It is not.
    Failure(ErrorKind, Option<Duration>),
    /// It will not be, until somebody looks after the account.
    OpensAtOnce(ErrorKind, Option<Duration>),
    /// Nothing.
    Ignored,
}

/// Reads what the end of a call says about its provider. What depends on one request alone must
/// open nothing: whoever can ask for codes could have a provider left alone.
pub(super) fn classify<T>(result: &Result<T, Error>) -> Outcome {
    use ErrorKind as K;
    let Err(error) = result else { return Outcome::Success };
    let (kind, hint) = (error.kind(), error.retry_after());
    if error.blame() == Blame::Internal {
        return Outcome::Ignored;
    }
    if error.blame() != Blame::Provider {
        // Only who has read a request can refuse it.
        let at_work = error.certainty() == Certainty::Rejected;
        return if at_work { Outcome::Success } else { Outcome::Ignored };
    }
    match (kind, error.certainty()) {
        // Our own side failed before anything left.
        (K::Configuration, Certainty::NotSent) => Outcome::Ignored,
        _ if is_of_the_account(kind) => Outcome::OpensAtOnce(kind, hint),
        // Too much, or not at all: that is no illness.
        (K::RateLimited | K::Unsupported | K::CircuitOpen, _)
        // Our own side failed before anything left.
        | (K::Store | K::Internal, Certainty::NotSent)
        // About this request or recipient, though another vendor may do better.
        | (
            K::InvalidRequest | K::InvalidRecipient | K::NotFound | K::Conflict | K::KeyReused
            | K::FraudSuspected,
            Certainty::NotSent | Certainty::Rejected,
        ) => Outcome::Ignored,
        _ => Outcome::Failure(kind, hint),
    }
}

/// Whether a failure tells of credentials, permission or money: of the account, not of the vendor.
pub(super) fn is_of_the_account(kind: ErrorKind) -> bool {
    use ErrorKind::{Configuration, Forbidden, InsufficientFunds, Unauthenticated};
    // With `Configuration`, the vendor does something else than it was asked for, for every user.
    matches!(kind, Unauthenticated | Forbidden | InsufficientFunds | Configuration)
}

/// Whether a failure of this kind may be that of the process that saw it: nothing came back, so that
/// its own network may be what is broken.
pub(super) fn may_be_ones_own(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Timeout | ErrorKind::Transport)
}
