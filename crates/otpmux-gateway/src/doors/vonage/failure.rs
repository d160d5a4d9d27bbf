//! Answers that are not a success, in Vonage's form.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use otpmux::errors::seconds_rounded_up;
use otpmux::{Blame, Error, ErrorKind};
use serde::Serialize;

use crate::http::RequestId;

/// A failure as an answer. Clients log it as a whole, so nothing in it is personal.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    status: StatusCode,
    /// The last part of the type, which clients may compare.
    kind: &'static str,
    title: &'static str,
    detail: String,
    invalid: Vec<Invalid>,
    wait: Option<Duration>,
}

/// A field with a value that cannot be used. The reason never repeats the value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Invalid {
    pub(super) name: String,
    pub(super) reason: String,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    r#type: String,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    invalid_parameters: &'a [Invalid],
}

impl Failure {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, kind, title, detail: detail.into(), invalid: Vec::new(), wait: None }
    }

    pub(super) fn unauthenticated() -> Self {
        let detail = "send an API key of this gateway as the secret, or a token that the \
                      application's key has signed";
        Self::new(StatusCode::UNAUTHORIZED, "#unauthorized", "Unauthorized", detail)
    }

    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let detail = "this API key has made as many requests as it may";
        let status = StatusCode::TOO_MANY_REQUESTS;
        let failure = Self::new(status, "#throttled", "Rate Limit Hit", detail);
        Self { wait: Some(wait), ..failure }
    }

    pub(super) fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "#not-found", "Not Found", detail)
    }

    pub(super) fn no_such_request() -> Self {
        Self::not_found("the request was not found, has expired, or has been verified already")
    }

    pub(super) fn conflict(detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, "/verify#conflict", "Conflict", detail)
    }

    pub(super) fn method_not_allowed() -> Self {
        let detail = "this path does not accept this method";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "#method-not-allowed", "Method Not Allowed", detail)
    }

    pub(super) fn not_json() -> Self {
        let detail = "send JSON, with `Content-Type: application/json`";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "#unsupported-media-type", "Unsupported Media Type", detail)
    }

    pub(super) fn too_large(most: usize) -> Self {
        let detail = format!("the body is longer than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "#too-large", "Body Too Large", detail)
    }

    pub(super) fn too_slow() -> Self {
        let detail = "the body did not come in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "#timeout", "Body Too Slow", detail)
    }

    pub(super) fn invalid(invalid: Vec<Invalid>) -> Self {
        let detail = "the value of one or more parameters is invalid; nothing was sent";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let failure = Self::new(status, "#invalid-params", "Invalid params", detail);
        Self { invalid, ..failure }
    }

    pub(super) fn wrong_code() -> Self {
        let detail = "the code does not match the one that was sent";
        Self::new(StatusCode::BAD_REQUEST, "/verify#invalid-code", "Invalid Code", detail)
    }

    pub(super) fn too_many_guesses(wait: Option<Duration>) -> Self {
        let detail = "wrong codes were given too many times";
        let failure = Self::new(StatusCode::GONE, "/verify#expired", "Invalid Code", detail);
        Self { wait, ..failure }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use ErrorKind as K;
        let ours = error.blame() != Blame::Provider;
        let (status, kind, title) = match error.kind() {
            K::NotFound if ours => return Self::no_such_request(),
            K::Forbidden if ours => (StatusCode::FORBIDDEN, "#forbidden", "Forbidden"),
            K::FraudSuspected => (StatusCode::FORBIDDEN, "#forbidden", "Forbidden"),
            K::InvalidRecipient | K::Unsupported => {
                (StatusCode::UNPROCESSABLE_ENTITY, "#invalid-params", "Invalid params")
            }
            K::InvalidRequest if ours => {
                (StatusCode::UNPROCESSABLE_ENTITY, "#invalid-params", "Invalid params")
            }
            // The same `client_ref` for another request, or while the first is under way.
            K::KeyReused | K::Conflict if ours => {
                (StatusCode::CONFLICT, "/verify#conflict", "Conflict")
            }
            K::RateLimited if ours => {
                (StatusCode::TOO_MANY_REQUESTS, "#throttled", "Rate Limit Hit")
            }
            K::Configuration | K::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "#internal-error", "Internal Error")
            }
            _ => (StatusCode::SERVICE_UNAVAILABLE, "#service-unavailable", "Service Unavailable"),
        };
        let detail = if error.detail().is_empty() { title } else { error.detail() };
        let failure =
            Self::new(status, kind, title, format!("{detail} ({})", error.certainty().as_str()));
        Self { wait: error.retry_after(), ..failure }
    }
}

impl IntoResponse for Failure {
    /// The body is written by [`with_instance`], which knows the request.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of each failure, with the id of its request.
pub(super) async fn with_instance(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let instance = id.as_ref().map_or("", |RequestId(id)| id.to_str().unwrap_or_default());
    let body = Body {
        title: failure.title,
        r#type: format!("https://developer.vonage.com/api-errors{}", failure.kind),
        detail: &failure.detail,
        instance,
        invalid_parameters: &failure.invalid,
    };
    // A struct of texts always serialises.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = (failure.status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(wait) = failure.wait {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds_rounded_up(wait)));
    }
    if failure.status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic, Bearer"));
    }
    response
}
