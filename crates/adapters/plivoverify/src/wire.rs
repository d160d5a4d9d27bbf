//! Plivo's JSON, as its API reference and its SDK describe it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /Account/{id}/Verify/Session/`.
#[derive(Serialize)]
pub(crate) struct Create<'a> {
    /// With the `+`.
    pub recipient: &'a str,
    /// `sms` or `voice`.
    pub channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_uuid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_length: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<&'a str>,
    /// Only together with `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
}

/// Body of `POST /Account/{id}/Verify/Session/{uuid}/`.
#[derive(Serialize)]
pub(crate) struct Validate<'a> {
    pub otp: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct CreateAnswer {
    pub session_uuid: Option<String>,
    pub api_id: Option<Value>,
}

#[derive(Deserialize)]
pub(crate) struct ValidateAnswer {
    pub message: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Session {
    #[serde(default)]
    pub attempt_details: Vec<Attempt>,
}

#[derive(Deserialize)]
pub(crate) struct Attempt {
    pub status: Option<String>,
}

/// The body of an error. `error` is a text, or an object with one.
#[derive(Default, Deserialize)]
pub(crate) struct ErrorAnswer {
    pub error: Option<Value>,
    pub message: Option<Value>,
    pub api_id: Option<Value>,
}

impl ErrorAnswer {
    /// Returns the vendor's text. Do not show it unchanged.
    pub(crate) fn text(&self) -> &str {
        let error = self.error.as_ref();
        let nested = || error.and_then(|error| error["message"].as_str());
        let text = error.and_then(Value::as_str).or_else(nested);
        text.or_else(|| self.message.as_ref()?.as_str()).unwrap_or_default()
    }
}
