//! Problems (RFC 9457): the answers of the API that are not a success.

mod pages;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use otpmux::config::ConfigErrors;
use otpmux::errors::seconds_rounded_up;
use otpmux::{Blame, Certainty, Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use pages::{BASE, PAGES, page};

/// A problem as an answer.
#[derive(Debug)]
pub(crate) struct Problem(Box<Content>);

/// A problem. `type` is stable and meant for programs; the texts are for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Content {
    /// The type: a stable URI, and the address of a page with the cause and what to do. The gateway
    /// serves the same page at `/problems/` followed by the last part of the type.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "https://otpmux.github.io/otpmux/problems/rate_limited")]
    kind: String,
    /// The title of the type.
    #[schema(example = "Too many requests")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 429)]
    status: u16,
    /// What is wrong with this request.
    detail: Cow<'static, str>,
    /// What is known about the message: `not_sent`, `rejected` (the vendor refused it), or
    /// `unknown` (it may have been sent). For a verify, what is known about the code: `not_sent`
    /// (it was not checked), `rejected` (the vendor refused to check it), or `unknown` (it may have
    /// been checked, and used up if it was right).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "not_sent")]
    certainty: Option<&'static str>,
    /// On whose side the cause is: `caller`, `policy` (a limit or a protection), `provider`,
    /// `recipient`, or `internal` (the gateway itself: its store, its keys, its configuration).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "policy")]
    blame: Option<&'static str>,
    /// The provider that the problem is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The limit that is reached, if it is a limit of otpmux: `recipient`, `ip`, `provider` and so
    /// on, as in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "recipient")]
    limit: Option<&'static str>,
    /// Seconds to wait before another try. The header `Retry-After` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Each mistake of an invalid request, or of a configuration that was not applied.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// One mistake. Its texts never repeat what was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Mistake {
    /// The location: a field of the body, such as `client.ip`, a header, or a key of the
    /// configuration; empty for the body as a whole.
    #[schema(example = "ttl")]
    field: String,
    /// The kind of mistake.
    code: Code,
    /// What is wrong, and what is expected.
    #[schema(example = "must be a whole number of seconds from 30 to 600; this is a string")]
    message: String,
}

/// A kind of mistake; these values are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MistakeCode)]
pub(crate) enum Code {
    /// The body is not JSON.
    NotJson,
    /// A required field is missing.
    Missing,
    /// A field is unknown.
    UnknownField,
    /// A field occurs twice.
    DuplicateField,
    /// A value has another JSON type.
    WrongType,
    /// A number is outside its range, or there are too many entries.
    OutOfRange,
    /// A string does not have the required form.
    WrongFormat,
    /// The API key may not set this field, or not to this value.
    NotAllowed,
    /// A configuration is invalid.
    Configuration,
}

impl Mistake {
    pub(crate) fn new(field: impl Into<String>, code: Code, message: impl Into<String>) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// Whether it is a mistake of this field within another one.
    pub(crate) fn is_of(&self, within: &str, name: &str) -> bool {
        self.field.strip_prefix(within) == Some(name)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "the body" } else { &self.field };
        write!(f, "{field}: {}", self.message)
    }
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        debug_assert!(page(kind).is_some(), "{kind} has no page");
        Self(Box::new(Content {
            kind: format!("{BASE}{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            certainty: None,
            blame: None,
            provider: None,
            limit: None,
            retry_after: None,
            errors: Vec::new(),
        }))
    }

    /// The request is invalid; nothing was done.
    pub(crate) fn of_mistakes(errors: Vec<Mistake>) -> Self {
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        let detail = texts.join("; ");
        let mut problem =
            Self::new(StatusCode::BAD_REQUEST, "invalid_request", "Invalid request", detail);
        problem.0.certainty = Some(Certainty::NotSent.as_str());
        problem.0.blame = Some(Blame::Caller.as_str());
        problem.0.errors = errors;
        problem
    }

    /// Like [`of_mistakes`](Self::of_mistakes), for one mistake.
    pub(crate) fn invalid(field: &'static str, code: Code, message: impl Into<String>) -> Self {
        Self::of_mistakes(vec![Mistake::new(field, code, message)])
    }

    /// The text cannot be a code, so no verification was looked up, and no guess was counted.
    pub(crate) fn not_a_code(error: otpmux::errors::CodeError) -> Self {
        let mistake = Mistake::new("code", Code::WrongFormat, error.to_string());
        let detail = format!("{mistake}; nothing was checked and no guess was counted");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let mut problem = Self::new(status, "not_a_code", "Not a code", detail);
        problem.0.errors = vec![mistake];
        problem.0.certainty = Some(Certainty::NotSent.as_str());
        problem.0.blame = Some(Blame::Caller.as_str());
        problem
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not authenticated",
            "send a valid API key as `Authorization: Bearer KEY`",
        )
    }

    pub(crate) fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests",
            "this API key has made as many requests as it may",
        );
        problem.0.retry_after = Some(seconds_rounded_up(wait));
        problem
    }

    pub(crate) fn not_found() -> Self {
        let detail = "no such path; `/docs` of the gateway lists the paths";
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    pub(crate) fn no_such_verification() -> Self {
        let detail = "no pending verification has this id; send a new code";
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    pub(crate) fn no_such_event() -> Self {
        let detail = "no such event waits, or no endpoint or type has this name";
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    pub(crate) fn no_such_delivery() -> Self {
        let detail = "no pending delivery has this id; create a new delivery";
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    pub(crate) fn no_such_provider() -> Self {
        let detail = "no provider of this name takes receipts; see `receipts` in its configuration";
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// A receipt that is not the vendor's. Says no more than that to a stranger.
    pub(crate) fn forged_receipt() -> Self {
        let detail = "the receipt is not signed by its vendor, or is too old; check the provider's \
            `receipt_secret`, `public_url`, and the clock";
        let mut problem =
            Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not authenticated", detail);
        problem.0.certainty = Some(Certainty::NotSent.as_str());
        problem.0.blame = Some(Blame::Caller.as_str());
        problem
    }

    pub(crate) fn unreadable_receipt() -> Self {
        let detail = "the receipt cannot be read; compare it with the vendor's documentation";
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::new(status, "invalid_request", "Invalid request", detail);
        problem.0.certainty = Some(Certainty::NotSent.as_str());
        problem.0.blame = Some(Blame::Caller.as_str());
        problem
    }

    pub(crate) fn too_many_receipts(wait: Duration) -> Self {
        let mut problem = Self::too_many_requests(wait);
        problem.0.detail = "this provider has sent as many receipts as it may".into();
        problem
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this path does not accept this method; `/docs` of the gateway lists both";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method_not_allowed", "Method not allowed", detail)
    }

    pub(crate) fn too_large(most: usize) -> Self {
        let detail = format!("the body is longer than {most} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Body too large", detail)
    }

    pub(crate) fn not_json() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "send JSON, with `Content-Type: application/json`";
        Self::new(status, "unsupported_media_type", "Not JSON", detail)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "the body did not come in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Body too slow", detail)
    }

    /// An internal failure; `certainty` says what is known about a message.
    pub(crate) fn internal(certainty: Certainty) -> Self {
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Internal error",
            "the gateway failed; its log says more",
        );
        problem.0.certainty = Some(certainty.as_str());
        problem.0.blame = Some(Blame::Internal.as_str());
        problem
    }

    /// A configuration that was not applied; the old one stays active.
    pub(crate) fn refused_configuration(errors: &ConfigErrors) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "configuration",
            "Wrong configuration",
            "the configuration was not taken; the one before stays in force",
        );
        let mistake = |error: &otpmux::config::settings::ConfigError| {
            Mistake::new(error.path(), Code::Configuration, error.message())
        };
        problem.0.errors = errors.iter().map(mistake).collect();
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = status(&error);
        let detail = match error.detail() {
            "" => title.to_owned(),
            detail => detail.to_owned(),
        };
        let mut problem = Self::new(status, error.kind().as_str(), title, detail);
        problem.0.certainty = Some(error.certainty().as_str());
        problem.0.blame = Some(error.blame().as_str());
        problem.0.provider = error.provider().map(ToString::to_string);
        problem.0.limit = error.limit();
        problem.0.retry_after = error.retry_after().map(seconds_rounded_up);
        problem
    }
}

/// Returns the HTTP status: 4xx if the request must change, 5xx if the same request may succeed
/// later.
pub(crate) fn status(error: &Error) -> (StatusCode, &'static str) {
    use ErrorKind as K;
    let ours = error.blame() != Blame::Provider;
    match error.kind() {
        // The request is well formed, but invalid for this recipient or for this vendor.
        K::InvalidRequest if ours && error.provider().is_some() => {
            (StatusCode::UNPROCESSABLE_ENTITY, "Cannot be sent like this")
        }
        K::InvalidRequest if ours => (StatusCode::BAD_REQUEST, "Invalid request"),
        K::InvalidRecipient => (StatusCode::UNPROCESSABLE_ENTITY, "Recipient cannot be reached"),
        K::Unsupported => (StatusCode::UNPROCESSABLE_ENTITY, "Not supported"),
        K::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key reused"),
        K::NotFound if ours => (StatusCode::NOT_FOUND, "Not found"),
        K::Conflict if ours => (StatusCode::CONFLICT, "Conflict"),
        K::Forbidden if ours => (StatusCode::FORBIDDEN, "Not allowed"),
        K::FraudSuspected => (StatusCode::FORBIDDEN, "Refused as suspicious"),
        K::RateLimited if ours => (StatusCode::TOO_MANY_REQUESTS, "Too many messages"),
        K::Timeout => (StatusCode::GATEWAY_TIMEOUT, "Vendor too slow"),
        K::Store => (StatusCode::SERVICE_UNAVAILABLE, "Store out of reach"),
        K::Configuration | K::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "No vendor took the message"),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of texts and numbers always serialises.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
