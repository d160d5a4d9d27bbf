//! The vendor's JSON, as its send and verify pages document it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /send`. Optional fields are omitted, not sent as `null`.
#[derive(Serialize)]
pub(crate) struct Send<'a> {
    /// `sms`, `email` or `voice`.
    pub channel: &'a str,
    pub recipient: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'a str>,
    /// Documented for e-mail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// Seconds, 60 to 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// 4 to 10 digits, as text: leading zeros count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
}

/// The answer to a send. Every field is optional, and those without a use may have any type: an
/// unexpected one must not make a success unknown, which would cause a second message.
#[derive(Deserialize)]
pub(crate) struct SendAnswer {
    pub success: Option<bool>,
    pub verification_id: Option<String>,
    pub expires_at: Option<Value>,
    pub request_id: Option<Value>,
}

/// Body of `POST /verify`. It has no recipient.
#[derive(Serialize)]
pub(crate) struct Verify<'a> {
    pub verification_id: &'a str,
    pub code: &'a str,
}

/// The answer to a verify: `success` is also true for a wrong code; only `verified` decides.
#[derive(Deserialize)]
pub(crate) struct VerifyAnswer {
    pub success: Option<bool>,
    pub verified: Option<bool>,
    pub message: Option<Value>,
}

/// The body of every answer except 200. It has no machine-readable code.
#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub error: Option<Value>,
    pub request_id: Option<Value>,
    /// Seconds; documented for the limit per recipient and for the lockout, not for the key's
    /// limit.
    pub retry_after: Option<Value>,
}

impl ErrorAnswer {
    /// Returns the vendor's text. Do not show it unchanged.
    pub(crate) fn text(&self) -> &str {
        self.error.as_ref().and_then(Value::as_str).unwrap_or_default()
    }
}
