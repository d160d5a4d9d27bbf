//! Prelude's JSON, as its API reference and its SDK describe it.

use std::collections::BTreeMap;

use otpmux_core::Recipient;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
pub(crate) struct Target<'a> {
    /// `phone_number` or `email_address`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// With the `+`.
    pub value: &'a str,
}

impl<'a> Target<'a> {
    pub(crate) fn new(recipient: &'a Recipient) -> Self {
        let email = matches!(recipient, Recipient::Email(_));
        let kind = if email { "email_address" } else { "phone_number" };
        Self { kind, value: recipient.expose() }
    }
}

/// Body of `POST /v2/verification`.
#[derive(Serialize)]
pub(crate) struct Create<'a> {
    pub target: Target<'a>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    pub options: Options<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<&'static str, String>,
    /// The id that Prelude's SDK in the app or page has returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatch_id: Option<&'a str>,
}

#[derive(Default, Serialize)]
pub(crate) struct Options<'a> {
    /// `message` or `voice`: `auto` may answer with a silent verification, which has no code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_channel: Option<&'static str>,
    /// Not together with `custom_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_size: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<&'a str>,
}

impl Options<'_> {
    fn is_empty(&self) -> bool {
        self.method.is_none()
            && self.preferred_channel.is_none()
            && self.code_size.is_none()
            && self.custom_code.is_none()
            && self.locale.is_none()
            && self.sender_id.is_none()
            && self.template_id.is_none()
            && self.variables.is_none()
            && self.callback_url.is_none()
    }
}

/// Returned with every webhook.
#[derive(Serialize)]
pub(crate) struct Metadata<'a> {
    /// At most 64 characters.
    pub correlation_id: &'a str,
}

/// Body of `POST /v2/verification/check`.
#[derive(Serialize)]
pub(crate) struct Check<'a> {
    pub target: Target<'a>,
    pub code: &'a str,
}

/// The answer to a create. Fields without a use may have any type: an unexpected one must not make
/// a success unknown.
#[derive(Deserialize)]
pub(crate) struct CreateAnswer {
    pub id: Option<String>,
    pub status: Option<String>,
    pub method: Option<Value>,
    pub reason: Option<Value>,
    pub request_id: Option<Value>,
}

/// The answer to a check.
#[derive(Deserialize)]
pub(crate) struct CheckAnswer {
    pub status: Option<String>,
    pub id: Option<Value>,
}

/// The body of an error.
#[derive(Default, Deserialize)]
pub(crate) struct ErrorAnswer {
    pub code: Option<Value>,
    pub message: Option<Value>,
    pub request_id: Option<Value>,
}
