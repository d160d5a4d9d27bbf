//! The vendor's JSON, as the published definitions 0.0.18 and 1.0.1 of Verify v2 have it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Body of `POST /v2/verify`. Optional fields are omitted, not sent as `null`.
#[derive(Serialize)]
pub(crate) struct Start<'a> {
    pub brand: &'a str,
    pub workflow: Vec<Step<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<&'a str>,
    /// Seconds for each step, 15 to 900.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_timeout: Option<u64>,
    /// Returned in the receipts; 1 to 40 letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_length: Option<u8>,
    /// 4 to 10 characters, as text: leading zeros count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraud_check: Option<bool>,
}

/// A step of the workflow.
#[derive(Serialize)]
pub(crate) struct Step<'a> {
    pub channel: &'a str,
    /// A number without `+` or `00`, or an e-mail address.
    pub to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    /// India's registration of the company (DLT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<&'a str>,
    /// India's registration of the text (DLT).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reuse_code: Option<bool>,
}

/// The answer to a start.
#[derive(Deserialize)]
pub(crate) struct Started {
    pub request_id: Option<String>,
}

/// Body of a check.
#[derive(Serialize)]
pub(crate) struct Check<'a> {
    pub code: &'a str,
}

/// The answer to a check.
#[derive(Deserialize)]
pub(crate) struct Checked {
    pub request_id: Option<Value>,
    pub status: Option<Value>,
}

/// The body of an error (`application/problem+json`). Definitions disagree on the content type and
/// on `detail` or `details`: neither decides anything.
#[derive(Deserialize)]
pub(crate) struct Problem {
    /// A URL; its fragment names the error.
    #[serde(rename = "type")]
    pub kind: Option<Value>,
    pub title: Option<Value>,
    pub detail: Option<Value>,
    pub details: Option<Value>,
    /// The id of the call, for Vonage's support.
    pub instance: Option<Value>,
    /// The invalid parameters of a start; the older definition spells it with a hyphen.
    #[serde(alias = "invalid-parameters")]
    pub invalid_parameters: Option<Value>,
}

impl Problem {
    /// Returns the name of the error: `invalid-code` of `https://../verify#invalid-code`.
    pub(crate) fn name(&self) -> &str {
        let kind = text(self.kind.as_ref());
        kind.rsplit_once('#').map_or("", |(_, name)| name)
    }

    /// Returns the vendor's text. Do not show it unchanged.
    pub(crate) fn text(&self) -> &str {
        let texts = [&self.detail, &self.details, &self.title];
        texts.into_iter().map(|it| text(it.as_ref())).find(|it| !it.is_empty()).unwrap_or_default()
    }

    /// Returns whether the number or address of a step is one of the invalid parameters.
    pub(crate) fn refuses_recipient(&self) -> bool {
        let list = self.invalid_parameters.as_ref().and_then(Value::as_array);
        list.into_iter().flatten().any(|one| {
            let name = one["name"].as_str().unwrap_or_default();
            name.rsplit('.').next() == Some("to")
        })
    }
}

/// The balance of the account.
#[derive(Deserialize)]
pub(crate) struct AccountBalance {
    pub value: Option<Value>,
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// A webhook about a step (`event`) or about the whole request (`summary`).
#[derive(Deserialize)]
pub(crate) struct Webhook {
    pub request_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub status: Option<String>,
    pub client_ref: Option<Value>,
    pub finalized_at: Option<Value>,
    pub triggered_at: Option<Value>,
}
