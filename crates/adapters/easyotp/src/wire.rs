//! The vendor's JSON, as documented on its send and verify pages.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /send`. Optional fields are left out rather than sent as `null`.
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

/// The answer to a send. Every field is optional to the reader, and those that nothing depends on may
/// have any type: a strange one must not turn a success into a doubt, and so into a second message.
#[derive(Deserialize)]
pub(crate) struct SendAnswer {
    pub success: Option<bool>,
    pub verification_id: Option<String>,
    pub expires_at: Option<Value>,
    pub request_id: Option<Value>,
}

/// `POST /verify`. The recipient is not part of it.
#[derive(Serialize)]
pub(crate) struct Verify<'a> {
    pub verification_id: &'a str,
    pub code: &'a str,
}

/// The answer to a verify: `success` is true for a wrong code, too, and only `verified` decides.
#[derive(Deserialize)]
pub(crate) struct VerifyAnswer {
    pub success: Option<bool>,
    pub verified: Option<bool>,
    pub message: Option<Value>,
}

/// The body of every answer but a 200. There is no machine code in it.
#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub error: Option<Value>,
    pub request_id: Option<Value>,
    /// Seconds; promised for the limit per recipient and for the lockout, not for the key's limit.
    pub retry_after: Option<Value>,
}

impl ErrorAnswer {
    /// The vendor's text. Not fit to be shown as it is.
    pub(crate) fn text(&self) -> &str {
        self.error.as_ref().and_then(Value::as_str).unwrap_or_default()
    }
}
