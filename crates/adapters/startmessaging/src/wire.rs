//! The vendor's JSON. Requests follow its pages, dialect by dialect; answers are read field by
//! field, since no two pages agree on them.

use otpmux_http::Answer;
use serde::Serialize;
use serde_json::{Map, Value};

/// Body of `POST /otp/send`. Unset fields are omitted: the server refuses an empty `templateId`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Send<'a> {
    pub phone_number: &'a str,
    /// The code in dialect b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp: Option<&'a str>,
    /// The code in transport mode and dialect c.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Variables<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<&'a str>,
    /// Required in dialect b, documented in a, recommended in c. The server ignores it.
    pub idempotency_key: String,
}

/// Values for templates. The server ignores every other key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variables<'a> {
    /// Text: a number would lose its leading zeros.
    pub otp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<&'a str>,
    /// Whole minutes, as text like every variable. The server knows it; the documentation does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
}

/// Body of `POST /otp/verify`.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(crate) enum Verify<'a> {
    /// Dialects a and c. In c the value is that of `data.otpRequestId`.
    RequestId { request_id: &'a str, otp_code: &'a str },
    /// Dialect b.
    OtpRequestId { otp_request_id: &'a str, otp: &'a str },
}

/// Body of `POST /otp/resend`, dialect b.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resend<'a> {
    pub otp_request_id: &'a str,
}

/// Any answer that is a JSON object. Not a derived struct: that would also accept an array, with
/// its first element as the first field.
pub(crate) struct Envelope(Map<String, Value>);

impl Envelope {
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        answer.parse().map(Self)
    }

    /// Returns `data`, which may be null; `None` if it is absent.
    pub(crate) fn data(&self) -> Option<&Value> {
        self.0.get("data")
    }

    /// Returns a text in `data` that is not empty.
    pub(crate) fn data_text(&self, key: &str) -> Option<&str> {
        text(self.data()?.get(key))
    }

    /// Returns whether it reports success. Some tutorials omit the flag.
    pub(crate) fn says_yes(&self) -> bool {
        self.0.get("success") == Some(&Value::Bool(true))
    }

    /// Returns whether it denies success, whatever its status: an error, or a flag that is not
    /// true.
    pub(crate) fn says_no(&self) -> bool {
        let there = |key| self.0.get(key).filter(|value| !value.is_null());
        there("error").is_some() || (there("success").is_some() && !self.says_yes())
    }

    /// Returns the vendor's id of the call: the envelope's `requestId`, which no verify takes.
    pub(crate) fn id_of_call(&self) -> Option<&str> {
        text(self.0.get("requestId")).filter(|_| self.is_envelope())
    }

    /// Returns the `requestId` of an answer without envelope, as in one tutorial of dialect a:
    /// verify takes this one.
    pub(crate) fn bare_request_id(&self) -> Option<&str> {
        text(self.0.get("requestId")).filter(|_| !self.is_envelope())
    }

    fn is_envelope(&self) -> bool {
        self.0.contains_key("data") || self.0.contains_key("statusCode")
    }

    /// Returns the remaining guesses, in `data` or beside it.
    pub(crate) fn guesses_left(&self) -> Option<u32> {
        let data = self.data().and_then(|data| data.get("attemptsLeft"));
        let number = data.or_else(|| self.0.get("attemptsLeft"))?.as_u64()?;
        number.try_into().ok()
    }

    /// Returns `error.code`.
    pub(crate) fn code(&self) -> Option<&str> {
        text(self.0.get("error")?.get("code"))
    }

    /// Returns the vendor's text about a failure: `error.message` in the server, `message` in the
    /// tutorials (a text or a list of texts), or `error` itself. Do not show it unchanged.
    pub(crate) fn words(&self) -> String {
        let error = self.0.get("error");
        let message = error.and_then(|error| error.get("message"));
        [message, self.0.get("message"), error].into_iter().find_map(joined).unwrap_or_default()
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

fn joined(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
