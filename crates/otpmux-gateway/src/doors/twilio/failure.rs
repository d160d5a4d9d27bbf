//! Answers that are not a success, in Twilio's form.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use otpmux::errors::CodeError;
use otpmux::{Blame, Error, ErrorKind};
use serde::Serialize;

use otpmux::errors::seconds_rounded_up as seconds;

/// The page with the codes.
const MORE: &str = "https://otpmux.github.io/otpmux/doors/twilio-verify/#errors";

/// A failure as an answer.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    code: u32,
    message: String,
    more_info: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<Details>>,
}

/// What otpmux knows beside the code.
#[derive(Debug, Default, Serialize)]
struct Details {
    /// What is known about the message: `not_sent`, `rejected` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    certainty: Option<&'static str>,
    /// The limit that is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    /// Seconds to wait before another try.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        let (message, status) = (message.into(), status.as_u16());
        Self { code, message, more_info: MORE, status, details: None }
    }

    fn waiting(mut self, wait: Option<Duration>) -> Self {
        if let Some(wait) = wait {
            self.details.get_or_insert_default().retry_after = Some(seconds(wait));
        }
        self
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Authenticate: the password must be an API key of this gateway";
        Self::new(StatusCode::UNAUTHORIZED, 20003, message)
    }

    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let message = "Too many requests: this API key has made as many as it may";
        Self::new(StatusCode::TOO_MANY_REQUESTS, 20429, message).waiting(Some(wait))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 20404, "The requested resource was not found")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 20004, "Method not allowed")
    }

    pub(super) fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, 20403, message)
    }

    /// Twilio has no code for this status, nor for the two below.
    pub(super) fn not_a_form() -> Self {
        let message = "Send a form, with `Content-Type: application/x-www-form-urlencoded`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, message)
    }

    pub(super) fn too_large(most: usize) -> Self {
        let message = format!("The body is longer than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 413, message)
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, 408, "The body did not come in time")
    }

    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("Missing required parameter {parameter}");
        Self::new(StatusCode::BAD_REQUEST, 60200, message)
    }

    /// A parameter with a value that cannot be used. The message never repeats the value.
    pub(super) fn invalid(parameter: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("Invalid parameter `{parameter}`: {why}");
        Self::new(StatusCode::BAD_REQUEST, 60200, message)
    }

    /// The text cannot be a code, so no guess was counted.
    pub(super) fn not_a_code(error: CodeError) -> Self {
        Self::invalid("Code", format_args!("{error}; nothing was checked"))
    }

    pub(super) fn too_many_checks(wait: Option<Duration>) -> Self {
        let message = "Max check attempts reached";
        Self::new(StatusCode::TOO_MANY_REQUESTS, 60202, message).waiting(wait)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use ErrorKind as K;
        let ours = error.blame() != Blame::Provider;
        let policy = error.blame() == Blame::Policy;
        let (status, code, title) = match error.kind() {
            // The country or the kind of number is not served.
            K::Unsupported if policy => {
                (StatusCode::FORBIDDEN, 60605, "Verification delivery attempt blocked")
            }
            K::FraudSuspected => {
                (StatusCode::FORBIDDEN, 60410, "Verification delivery attempt blocked")
            }
            K::InvalidRecipient | K::Unsupported => {
                (StatusCode::BAD_REQUEST, 60200, "Invalid parameter")
            }
            K::InvalidRequest | K::KeyReused | K::Conflict if ours => {
                (StatusCode::BAD_REQUEST, 60200, "Invalid parameter")
            }
            // Neither a limit by name nor a vendor's: that of resends of one verification.
            K::RateLimited if ours && error.limit().is_none() && error.provider().is_none() => {
                (StatusCode::TOO_MANY_REQUESTS, 60203, "Max send attempts reached")
            }
            K::RateLimited if ours => (StatusCode::TOO_MANY_REQUESTS, 20429, "Too many requests"),
            K::NotFound | K::Forbidden if ours => {
                (StatusCode::NOT_FOUND, 20404, "The requested resource was not found")
            }
            K::Configuration | K::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, 20500, "Internal server error")
            }
            _ => (StatusCode::SERVICE_UNAVAILABLE, 20503, "Service unavailable"),
        };
        let message = match error.detail() {
            "" => title.to_owned(),
            detail => format!("{title}: {detail}"),
        };
        let mut failure = Self::new(status, code, message);
        failure.details = Some(Box::new(Details {
            certainty: Some(error.certainty().as_str()),
            limit: error.limit(),
            retry_after: error.retry_after().map(seconds),
        }));
        failure
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // A struct of texts and numbers always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.details.and_then(|details| details.retry_after) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static(r#"Basic realm="otpmux", charset="UTF-8""#);
            headers.insert(WWW_AUTHENTICATE, how);
        }
        response
    }
}
