use std::time::Duration;

use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading};

use crate::wire::Problem;

/// The calls at which the same answer means different things.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Start,
    Check,
    Cancel,
    /// The move to the next step.
    Next,
    Balance,
}

/// The name of an expired token, which the adapter replaces.
pub(crate) const JWT_EXPIRED: &str = "jwt-expired";

/// The table: the name of the error at the end of its `type`, and for those without one the status.
fn reading(status: u16, name: &str, endpoint: Endpoint, problem: Option<&Problem>) -> Reading {
    match (status, name, endpoint) {
        (401, JWT_EXPIRED, _) => Reading::provider(ErrorKind::Unavailable),
        // A verification to this number is in progress: Vonage cannot start another one; another
        // vendor may. At the move to the next step: none is left (the SDKs), or Vonage has not yet
        // copied the request to all its machines (definition 1.0.1).
        (409, "conflict" | "", Endpoint::Start)
        | (409, "concurrent", _)
        | (409, _, Endpoint::Next) => Reading::provider(ErrorKind::Conflict),
        // The present step takes no code; or silent authentication is not possible in this network.
        (409, _, Endpoint::Check) | (400, "no-code", _) | (412, _, _) => {
            Reading::provider(ErrorKind::Unsupported)
        }
        (422 | 400, _, Endpoint::Start) if problem.is_some_and(Problem::refuses_recipient) => {
            Reading::new(
                ErrorKind::InvalidRecipient,
                otpmux_core::Certainty::Rejected,
                otpmux_core::Blame::Recipient,
            )
        }
        // The other parameters come from this adapter and its settings: another vendor may do
        // better.
        (422, "invalid-params" | "", Endpoint::Start) if problem.is_some() => {
            Reading::provider(ErrorKind::InvalidRequest)
        }
        // A start looks up nothing: base_url is wrong.
        (404, _, Endpoint::Start | Endpoint::Balance) => {
            Reading::provider(ErrorKind::Configuration)
        }
        _ => Reading::of_status(status, false),
    }
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let problem: Option<Problem> = answer.parse();
    let name = problem.as_ref().map(Problem::name).unwrap_or_default();
    let status = answer.status();
    let mut reading = reading(status, name, endpoint, problem.as_ref());
    if status == 503 && answer.retry_after().is_some() {
        reading = Reading::of_status(status, true);
    }
    let mut error = answer.error(reading);
    let Some(problem) = &problem else { return error };
    error = if status == 401 && name == JWT_EXPIRED {
        // The next try has a new token, so a retry is worth its time.
        error.with_retry_after(Duration::ZERO).with_detail(
            "Vonage says that the token has expired; the next call has a new one; if this repeats, \
             the clock of this machine is wrong",
        )
    } else {
        error.with_detail(answer.public_text(problem.text()))
    };
    if let Some(name) = answer.public_code(name) {
        error = error.with_vendor_code(name);
    }
    match problem.instance.as_ref().and_then(|id| answer.public_id(id.as_str()?)) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Blame, Certainty, ProviderId};

    use super::*;

    #[test]
    fn the_table() {
        use Blame::{Caller, Provider, Recipient};
        use Certainty::{Rejected, Unknown};
        use Endpoint::{Check, Next, Start};
        use ErrorKind as K;
        for (status, name, endpoint, kind, certainty, blame) in [
            (400, "no-code", Check, K::Unsupported, Rejected, Provider),
            (401, "unauthorized", Start, K::Unauthenticated, Rejected, Provider),
            (401, "jwt-expired", Start, K::Unavailable, Rejected, Provider),
            (402, "low-balance", Start, K::InsufficientFunds, Rejected, Provider),
            (404, "not-found", Start, K::Configuration, Rejected, Provider),
            (409, "concurrent", Start, K::Conflict, Rejected, Provider),
            (409, "conflict", Start, K::Conflict, Rejected, Provider),
            (409, "conflict", Check, K::Unsupported, Rejected, Provider),
            (409, "conflict", Next, K::Conflict, Rejected, Provider),
            (412, "precondition-failed", Start, K::Unsupported, Rejected, Provider),
            (422, "invalid-params", Start, K::InvalidRequest, Rejected, Provider),
            (422, "invalid-params", Check, K::InvalidRequest, Rejected, Caller),
            (429, "throttled", Start, K::RateLimited, Rejected, Provider),
            (500, "internal-error", Start, K::Unavailable, Unknown, Provider),
            (503, "concurrent", Start, K::Unavailable, Unknown, Provider),
        ] {
            let body = format!(r#"{{"type":"https://x.example/verify#{name}","title":"x"}}"#);
            let answer = Answer::new(ProviderId::new("p").unwrap(), status, None, body);
            let error = error(&answer, endpoint);
            let got = (error.kind(), error.certainty(), error.blame());
            assert_eq!(got, (kind, certainty, blame), "{status} {name}");
        }
        let body = r#"{"type":"https://x.example/verify#invalid-params",
            "invalid_parameters":[{"name":"workflow[0].to","reason":"x"}]}"#;
        let answer = Answer::new(ProviderId::new("p").unwrap(), 422, None, body);
        let error = error(&answer, Start);
        assert_eq!((error.kind(), error.blame()), (K::InvalidRecipient, Recipient));
    }

    /// One definition requires `details`, its own example has `detail`.
    #[test]
    fn an_expired_token_is_replaced_whatever_the_field_of_the_text_is() {
        for field in ["detail", "details"] {
            let body = format!(
                r#"{{"type":"https://developer.vonage.com/api-errors#jwt-expired",
                    "title":"Unauthorized","{field}":"x","instance":"abc"}}"#
            );
            let answer = Answer::new(ProviderId::new("p").unwrap(), 401, None, body);
            let error = error(&answer, Endpoint::Start);
            assert_eq!(error.retry_after(), Some(Duration::ZERO));
            assert!(error.detail().contains("new one"), "{error}");
        }
    }
}
