use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use otpmux::errors::seconds_rounded_up;
use serde_json::json;

/// An answer that is not a success, in Twilio's form.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    code: u32,
    message: String,
    /// Seconds to wait before another try.
    retry_after: Option<u64>,
}

impl Failure {
    fn new(status: StatusCode, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Authenticate: the password is an API key of this gateway";
        Self::new(StatusCode::UNAUTHORIZED, 20003, message)
    }

    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let message = "Too many requests: this API key has made as many as it may";
        let mut failure = Self::new(StatusCode::TOO_MANY_REQUESTS, 20429, message);
        failure.retry_after = Some(seconds_rounded_up(wait));
        failure
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 20404, "The requested resource was not found")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, 20004, "Method not allowed")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { status, code, message, retry_after } = self;
        let body = json!({
            "code": code,
            "message": message,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status.as_u16(),
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static(r#"Basic realm="otpmux", charset="UTF-8""#);
            headers.insert(WWW_AUTHENTICATE, how);
        }
        response
    }
}
