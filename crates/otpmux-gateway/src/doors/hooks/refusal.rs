//! Why a request to a hook was not carried out, before it gets the form that its caller reads.

use std::time::Duration;

use http::StatusCode;
use otpmux::errors::seconds_rounded_up;
use otpmux::{Blame, Certainty, Error, ErrorKind};

use crate::body::Unread;
use crate::problem;

/// A refusal. Its texts are for logs of the caller and for its users: nothing personal is in them.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// The type of the problem, as at the HTTP API.
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// Seconds to wait.
    pub(super) retry_after: Option<u64>,
    /// Whether the same request may succeed if it is repeated at once.
    pub(super) repeat: bool,
    /// Whether the message is for the user of the caller, and not for its operator.
    pub(super) for_user: bool,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, kind, message, retry_after: None, repeat: false, for_user: false }
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "the request does not prove that it comes from the configured caller, or is \
                       too old; check the secret and the clock";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no hook here")
    }

    pub(super) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method_not_allowed", "a hook takes POST only")
    }

    pub(super) fn unsupported_media_type(urlencoded: bool) -> Self {
        let message = if urlencoded {
            "send JSON or a form, with the Content-Type of it"
        } else {
            "send JSON, with `Content-Type: application/json`"
        };
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// The body cannot be read.
    pub(super) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    /// A value of the body is missing or not of its form.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_request", message)
    }

    pub(super) fn invalid_recipient() -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let message = "This is not a valid telephone number or e-mail address.";
        Self { for_user: true, ..Self::new(status, "invalid_recipient", message) }
    }

    /// The body did not come whole.
    pub(super) fn of_body(unread: Unread) -> Self {
        let (status, kind, message) = match unread {
            Unread::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too long")
            }
            Unread::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body did not come in time")
            }
            Unread::Cut => {
                (StatusCode::BAD_REQUEST, "invalid_request", "the body ended before its end")
            }
        };
        Self::new(status, kind, message)
    }

    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let message = "this hook has made as many requests as it may";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        // The bucket refills all the time, so a later try within a short time may have room.
        let repeat = wait < Duration::from_secs(1);
        Self { retry_after: Some(seconds_rounded_up(wait)), repeat, ..refusal }
    }

    pub(super) fn internal() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "the gateway failed; its log says more")
    }
}

impl From<&Error> for Refusal {
    fn from(error: &Error) -> Self {
        use ErrorKind as K;
        let (status, _) = problem::status(error);
        let wait = error.retry_after().map(seconds_rounded_up);
        let ours = error.blame() != Blame::Provider;
        let message = match error.kind() {
            K::InvalidRecipient => "This number or address cannot get messages.".to_owned(),
            K::RateLimited if ours => match wait {
                Some(wait) => format!("Too many codes were requested. Wait {wait} seconds."),
                None => "Too many codes were requested. Wait before the next one.".to_owned(),
            },
            K::Forbidden | K::FraudSuspected if ours => {
                "Messages to this number or address are not allowed.".to_owned()
            }
            K::InvalidRequest | K::Unsupported if ours => {
                "The code cannot be sent in this way.".to_owned()
            }
            K::Conflict | K::KeyReused if ours => {
                "Another request has the same name; the code was not sent again.".to_owned()
            }
            _ => "The code could not be sent. Try again later.".to_owned(),
        };
        // Another gateway may reach the store.
        let repeat = error.kind() == K::Store && error.certainty() == Certainty::NotSent;
        Self {
            retry_after: wait,
            repeat,
            for_user: true,
            ..Self::new(status, error.kind().as_str(), message)
        }
    }
}
