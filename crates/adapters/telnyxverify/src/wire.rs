//! Telnyx's JSON, as its API reference and its SDK describe it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /verifications/sms`, `/call` and `/whatsapp`.
#[derive(Serialize)]
pub(crate) struct Create<'a> {
    /// With the `+`.
    pub phone_number: &'a str,
    pub verify_profile_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_secs: Option<u64>,
}

/// Body of `POST /verifications/{id}/actions/verify`: one of the two.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verify<'a> {
    Code(&'a str),
    /// `accepted` or `rejected`; only for a code that was in the request.
    Status(&'static str),
}

/// The envelope of every success.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub data: T,
}

/// A verification. Its answer repeats a code that was in the request.
#[derive(Deserialize)]
pub(crate) struct Verification {
    pub id: Option<String>,
    pub status: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Verified {
    pub response_code: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct AccountBalance {
    pub balance: String,
    pub currency: Option<String>,
}

/// The body of an error.
#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub errors: Vec<OneError>,
}

#[derive(Deserialize)]
pub(crate) struct OneError {
    pub code: Option<Value>,
    pub title: Option<Value>,
    pub source: Option<Value>,
}
