use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::wire::{ErrorAnswer, OneError};

/// The endpoints that a status means different things at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Create,
    /// With the id of a verification in its path.
    ById,
    Balance,
}

/// The table. Telnyx lists codes of all its products, and none of Verify.
fn reading(status: u16, endpoint: Endpoint, about_number: bool, says_when: bool) -> Reading {
    match (status, endpoint) {
        (400 | 422, Endpoint::Create) if about_number => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        // The profile is the operator's, its list of countries too: another vendor has its own.
        (400 | 422, Endpoint::Create) => Reading::provider(ErrorKind::InvalidRequest),
        // A create looks the profile up, and nothing else.
        (404, Endpoint::Create | Endpoint::Balance) => Reading::provider(ErrorKind::Unavailable),
        _ => Reading::of_status(status, says_when),
    }
}

/// Returns the first error of the body.
pub(crate) fn first(answer: &Answer) -> Option<OneError> {
    let body: ErrorAnswer = answer.parse()?;
    body.errors.into_iter().next()
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let said = first(answer);
    let pointer = said.as_ref().and_then(|error| error.source.as_ref()?["pointer"].as_str());
    let about_number = pointer.is_some_and(|pointer| pointer.ends_with("/phone_number"));
    let says_when = answer.retry_after().is_some();
    let mut error = answer.error(reading(answer.status(), endpoint, about_number, says_when));
    if let Some(said) = said {
        let text = |value: Option<Value>| match value? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        if let Some(title) = text(said.title) {
            error = error.with_detail(answer.public_text(&title));
        }
        // Telnyx's codes have five digits, as codes of users do: only the known form of theirs.
        if let Some(code) = text(said.code).filter(|code| is_code(code)) {
            error = error.with_vendor_code(&code);
        }
    }
    error
}

/// Returns whether a text is one of Telnyx's error codes: five digits that begin with `10`, `20`,
/// `40`, `50`, `85` or `90`.
fn is_code(text: &str) -> bool {
    let digits = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && ["10", "20", "40", "50", "85", "90"].iter().any(|start| text.starts_with(start))
}
