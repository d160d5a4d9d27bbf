//! The vendor's JSON. Requests are as its pages show them, dialect by dialect; answers are looked
//! through field by field, since no two pages agree on them.

use otpmux_http::Answer;
use serde::Serialize;
use serde_json::{Map, Value};

/// `POST /otp/send`. What is unset is left out: the server refuses an empty `templateId`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Send<'a> {
    pub phone_number: &'a str,
    /// The code's place in dialect b.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp: Option<&'a str>,
    /// The code's place in transport mode and dialect c.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Variables<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_id: Option<&'a str>,
    /// Required in dialect b, documented in a, advised in c. The server drops it.
    pub idempotency_key: String,
}

/// What templates may show. The server drops every other key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variables<'a> {
    /// Text: a number would lose its leading zeros.
    pub otp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_name: Option<&'a str>,
    /// Whole minutes, as text like every variable. Known to the server, not to the documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<String>,
}

/// `POST /otp/verify`.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(crate) enum Verify<'a> {
    /// Dialects a and c. In c the value is that of `data.otpRequestId`.
    RequestId { request_id: &'a str, otp_code: &'a str },
    /// Dialect b.
    OtpRequestId { otp_request_id: &'a str, otp: &'a str },
}

/// `POST /otp/resend`, dialect b.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resend<'a> {
    pub otp_request_id: &'a str,
}

/// Any answer that is a JSON object. Not a derived struct: those also take an array, and read its
/// first element as their first field.
pub(crate) struct Envelope(Map<String, Value>);

impl Envelope {
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        answer.parse().map(Self)
    }

    /// `data`, where it is there at all; it may be null.
    pub(crate) fn data(&self) -> Option<&Value> {
        self.0.get("data")
    }

    /// A text in `data` that is not empty.
    pub(crate) fn data_text(&self, key: &str) -> Option<&str> {
        text(self.data()?.get(key))
    }

    /// It says that it worked. Some tutorials leave the flag out.
    pub(crate) fn says_yes(&self) -> bool {
        self.0.get("success") == Some(&Value::Bool(true))
    }

    /// It says that it did not work, whatever its status: an error, or a flag that is not true.
    pub(crate) fn says_no(&self) -> bool {
        let there = |key| self.0.get(key).filter(|value| !value.is_null());
        there("error").is_some() || (there("success").is_some() && !self.says_yes())
    }

    /// The vendor's id of the call: the envelope's `requestId`, which no verify takes.
    pub(crate) fn id_of_call(&self) -> Option<&str> {
        text(self.0.get("requestId")).filter(|_| self.is_envelope())
    }

    /// The `requestId` of an answer without envelope, as in one tutorial of dialect a: there it is
    /// what verify takes.
    pub(crate) fn bare_request_id(&self) -> Option<&str> {
        text(self.0.get("requestId")).filter(|_| !self.is_envelope())
    }

    fn is_envelope(&self) -> bool {
        self.0.contains_key("data") || self.0.contains_key("statusCode")
    }

    /// The tries that are left, in `data` or beside it.
    pub(crate) fn guesses_left(&self) -> Option<u32> {
        let data = self.data().and_then(|data| data.get("attemptsLeft"));
        let number = data.or_else(|| self.0.get("attemptsLeft"))?.as_u64()?;
        number.try_into().ok()
    }

    /// `error.code`.
    pub(crate) fn code(&self) -> Option<&str> {
        text(self.0.get("error")?.get("code"))
    }

    /// What the vendor says about a failure: `error.message` in the server, `message` in the
    /// tutorials (a text or a list of texts), or `error` itself. Not fit to be shown as it is.
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
