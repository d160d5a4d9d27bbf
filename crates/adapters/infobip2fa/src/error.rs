use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::wire::{ErrorAnswer, ServiceException};

/// The endpoints that a status means different things at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Send,
    Resend,
    Verify,
    Balance,
}

/// The table: status, endpoint and what the body says.
fn reading(status: u16, endpoint: Endpoint, said: &Said, says_when: bool) -> Reading {
    match (status, endpoint) {
        (400, _) if said.about_recipient => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        // The application's limit for one number: another vendor must not be a way around it.
        (400..=499, Endpoint::Send | Endpoint::Resend) if said.number_limit => {
            Reading::policy(ErrorKind::RateLimited)
        }
        // Application, template and sender are the operator's: another vendor has its own.
        (400, Endpoint::Send | Endpoint::Resend) => Reading::provider(ErrorKind::InvalidRequest),
        // A send looks nothing up: base_url is wrong.
        (404, Endpoint::Send | Endpoint::Balance) => Reading::provider(ErrorKind::Unavailable),
        // The PIN is gone; another vendor can send a new one.
        (404, Endpoint::Resend) => Reading::provider(ErrorKind::NotFound),
        _ => Reading::of_status(status, says_when),
    }
}

#[derive(Default)]
struct Said {
    about_recipient: bool,
    number_limit: bool,
}

impl Said {
    fn of(error: &ServiceException) -> Self {
        let field = error.validation_errors.as_ref();
        let text = error.text.as_ref().and_then(Value::as_str).unwrap_or_default();
        let text = text.to_ascii_lowercase();
        Self {
            about_recipient: field.is_some_and(|fields| fields.get("to").is_some()),
            number_limit: text.contains("limit") && text.contains("phone number"),
        }
    }
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body: Option<ErrorAnswer> = answer.parse();
    let exception = body.map(|body| body.request_error.service_exception);
    let said = exception.as_ref().map(Said::of).unwrap_or_default();
    let says_when = answer.retry_after().is_some();
    let mut error = answer.error(reading(answer.status(), endpoint, &said, says_when));
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    if let Some(exception) = exception {
        if let Some(words) = text(&exception.text) {
            error = error.with_detail(answer.public_text(&words));
        }
        if let Some(code) = text(&exception.message_id)
            && let Some(code) = answer.public_code(&code)
        {
            error = error.with_vendor_code(code);
        }
    }
    error
}

/// Returns whether an error is one of Infobip and not of a proxy.
pub(crate) fn is_the_vendors(answer: &Answer) -> bool {
    answer.parse::<ErrorAnswer>().is_some()
}
