//! Twilio's JSON, as its OpenAPI file (`twilio_verify_v2.json`, `twilio_api_v2010.json`) has it.

use serde::Deserialize;
use serde_json::Value;

/// A verification: the answer to a start, a fetch and an update. Only the fields with a use; those
/// without an effect on success may have any type, because Twilio adds fields and words without
/// notice.
#[derive(Deserialize)]
pub(crate) struct Verification {
    pub sid: Option<String>,
    /// `pending`, `approved`, `canceled`, `max_attempts_reached`, `deleted`, `failed`, `expired`;
    /// an open list.
    pub status: Option<Value>,
}

/// The answer to a check. Its field `valid` is legacy: only `status` decides.
#[derive(Deserialize)]
pub(crate) struct VerificationCheck {
    pub sid: Option<Value>,
    pub status: Option<Value>,
}

/// The body of an error.
#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub code: Option<Value>,
    pub message: Option<Value>,
}

impl ErrorAnswer {
    /// Returns Twilio's error code.
    pub(crate) fn code(&self) -> Option<u64> {
        self.code.as_ref()?.as_u64()
    }

    /// Returns the vendor's text. Do not show it unchanged.
    pub(crate) fn text(&self) -> &str {
        self.message.as_ref().and_then(Value::as_str).unwrap_or_default()
    }
}

/// The balance of the account.
#[derive(Deserialize)]
pub(crate) struct BalanceAnswer {
    pub balance: Option<Value>,
    pub currency: Option<String>,
}
