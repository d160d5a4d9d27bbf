use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::wire::ErrorAnswer;

/// The endpoints that a status means different things at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Create,
    /// With the id of a session in its path.
    BySession,
}

/// The table. Plivo documents the meaning of each status, and no texts.
fn reading(status: u16, endpoint: Endpoint, says_when: bool) -> Reading {
    match (status, endpoint) {
        // Application and locale are the operator's: another vendor has its own.
        (400, Endpoint::Create) => Reading::provider(ErrorKind::InvalidRequest),
        // A create looks the application up, and nothing else.
        (404, Endpoint::Create) => Reading::provider(ErrorKind::Unavailable),
        _ => Reading::of_status(status, says_when),
    }
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body: ErrorAnswer = answer.parse().unwrap_or_default();
    let says_when = answer.retry_after().is_some();
    let error = answer.error(reading(answer.status(), endpoint, says_when));
    let error = error.with_detail(answer.public_text(body.text()));
    let id = body.api_id.as_ref().and_then(Value::as_str).and_then(|id| answer.public_id(id));
    match id {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}
