use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::wire::ErrorAnswer;

/// The table: Prelude's code first, because its pages do not say which status a code has.
fn reading(status: u16, code: &str, says_when: bool) -> Reading {
    // A fault stays unknown, whatever its body says.
    if status >= 500 {
        return Reading::of_status(status, says_when);
    }
    match code {
        "invalid_api_key" | "invalid_api_token" | "missing_api_token" | "missing_api_key" => {
            Reading::provider(ErrorKind::Unauthenticated)
        }
        "insufficient_balance" => Reading::provider(ErrorKind::InsufficientFunds),
        "suspended_account" => Reading::provider(ErrorKind::Forbidden),
        "invalid_phone_number" | "invalid_line_type" => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        // The vendor does not go there; another one may.
        "unsupported_country" | "channel_not_enabled_in_region" => {
            Reading::provider(ErrorKind::Unsupported)
        }
        // Not enabled for the account: no send of this kind works.
        "custom_code_not_allowed" | "email_verification_not_allowed" => {
            Reading::provider(ErrorKind::Configuration)
        }
        "blocked" => Reading::policy(ErrorKind::FraudSuspected),
        _ => match status {
            // Template, sender and options are the operator's: another vendor has its own.
            400 | 422 => Reading::provider(ErrorKind::InvalidRequest),
            // Neither call looks an id up: base_url is wrong.
            404 => Reading::provider(ErrorKind::Unavailable),
            _ => Reading::of_status(status, says_when),
        },
    }
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer) -> Error {
    let body: ErrorAnswer = answer.parse().unwrap_or_default();
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let code = text(&body.code).unwrap_or_default();
    let reading = reading(answer.status(), &code, answer.retry_after().is_some());
    let message = text(&body.message).unwrap_or_default();
    let mut error = answer.error(reading).with_detail(answer.public_text(&message));
    if let Some(code) = answer.public_code(&code) {
        error = error.with_vendor_code(code);
    }
    if let Some(id) = text(&body.request_id).and_then(|id| answer.public_id(&id)) {
        error = error.with_request_id(id);
    }
    error
}
