use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use otpmux_core::{Error, ErrorKind, ProviderId, Secret, plain_words};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Reading;

/// A vendor's answer: a status, and a body that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub(crate) provider: ProviderId,
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Body,
    pub(crate) hidden: Hidden,
}

/// The body of an answer, which may repeat any value of the request.
pub(crate) struct Body(pub(crate) Bytes);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// The headers of an answer, which may repeat any value of the request too.
#[derive(Default)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} headers", self.0.len())
    }
}

/// The values of a request that must not be shown from the vendor's answer.
pub(crate) struct Hidden {
    pub(crate) secrets: Arc<[Secret]>,
    pub(crate) values: Vec<Box<str>>,
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("•••")
    }
}

impl Hidden {
    fn is_in(&self, text: &str) -> bool {
        let secrets = self.secrets.iter().map(Secret::expose);
        let mut values = self.values.iter().map(AsRef::as_ref).chain(secrets);
        values.any(|value: &str| {
            // The vendor may return a phone number with other separators or without its plus. This
            // does not apply to codes: they are short, so a long id may contain one by chance.
            let bare = value.trim_start_matches('+');
            !bare.is_empty() && (text.contains(bare) || bare.len() >= 7 && is_spread(bare, text))
        })
    }
}

/// Whether the digits of a text contain this value.
fn is_spread(value: &str, text: &str) -> bool {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    digits.windows(value.len()).any(|part| part == value.as_bytes())
}

impl Answer {
    /// Creates an answer, for an adapter's tests. It hides no values.
    pub fn new(
        provider: ProviderId,
        status: u16,
        retry_after: Option<Duration>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let hidden = Hidden { secrets: Arc::new([]), values: Vec::new() };
        let headers = Headers::default();
        Self { provider, status, headers, retry_after, body: Body(body.into().into()), hidden }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns whether the status is 200 to 299. That alone never means success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the `Retry-After` header, capped at one day.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns a header of the answer, by its name in lower case; `None` if it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.0.get(name)?.to_str().ok()
    }

    /// Returns the bytes of the body.
    pub fn bytes(&self) -> &[u8] {
        &self.body.0
    }

    /// Returns the body as text; `None` if it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body.0).ok()
    }

    /// Returns the body as JSON of any form; `None` if it is not JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body.0).ok()
    }

    /// Returns the body as a JSON object of a known form; `None` if it does not fit. An array never
    /// fits: deserialisers would fill a struct by position, and so read meaning into an
    /// undocumented answer.
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        let body = self.body.0.trim_ascii_start();
        if body.first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice(body).ok()
    }

    /// Returns the error for a row of an adapter's table. As a protection against mistakes in the
    /// table, `NotSent` is replaced by `Rejected`, because a vendor that answers has received the
    /// request.
    pub fn error(&self, reading: Reading) -> Error {
        let certainty = reading.certainty.max(otpmux_core::Certainty::Rejected);
        let error = Error::new(reading.kind, certainty, reading.blame)
            .with_provider(self.provider.clone())
            .with_status(self.status);
        match self.retry_after {
            Some(after) => error.with_retry_after(after),
            None => error,
        }
    }

    /// Returns the error for an answer that the vendor does not document: its effect is unknown.
    pub fn protocol_error(&self, detail: &'static str) -> Error {
        self.error(Reading::unknown(ErrorKind::Protocol)).with_detail(detail)
    }

    /// Returns a vendor's id that may be shown to operators; `None` if it is not an id, or repeats
    /// a value of the request.
    pub fn public_id(&self, text: &str) -> Option<String> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
            && !self.hidden.is_in(text);
        fits.then(|| text.to_owned())
    }

    /// Returns a vendor's error code that may be shown; `None` if it might be another value. Four
    /// digits are enough for a one-time code, which an answer may hold even if this request did
    /// not.
    pub fn public_code<'a>(&self, code: &'a str) -> Option<&'a str> {
        let few_digits = code.bytes().filter(u8::is_ascii_digit).count() < 4;
        (few_digits && self.public_id(code).is_some()).then_some(code)
    }

    /// Returns a vendor's text, reduced to plain words; empty if it repeats a value of the request
    /// in a form that this would keep.
    pub fn public_text(&self, text: &str) -> String {
        let plain = plain_words(text);
        if self.hidden.is_in(&plain) { String::new() } else { plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer {
            provider: ProviderId::new("p").unwrap(),
            status: 400,
            headers: Headers::default(),
            retry_after: None,
            body: Body(Bytes::from_static(b"{\"to\":\"+14155550123\"}")),
            hidden: Hidden {
                secrets: Arc::new([Secret::new("swordfish")]),
                values: vec!["+14155550123".into(), "004217".into()],
            },
        }
    }

    #[test]
    fn text_that_repeats_the_request_is_hidden() {
        let answer = answer();
        assert_eq!(answer.public_id("11f951d5-32d1").as_deref(), Some("11f951d5-32d1"));
        for bad in ["req-14155550123", "1415-5550-123", "otp_004217", "swordfish", "a b", ""] {
            assert_eq!(answer.public_id(bad), None, "{bad}");
        }
        assert_eq!(answer.public_code("OTP_EXPIRED"), Some("OTP_EXPIRED"));
        assert_eq!(answer.public_code("E9921"), None, "might be a code");
        assert_eq!(answer.public_text("Bad number +1 415"), "Bad number …");
        assert_eq!(answer.public_text("Unknown key swordfish."), "");
        assert!(!format!("{answer:?}").contains("4155"));
    }

    #[test]
    fn a_code_inside_a_long_id_by_chance_is_no_leak() {
        let id = "req_0a0b4c2d1e7f8a9b";
        assert_eq!(answer().public_id(id).as_deref(), Some(id));
    }

    #[test]
    fn a_shape_is_never_read_from_an_array() {
        #[derive(serde::Deserialize)]
        struct Shape {
            ok: bool,
        }
        let answer = |body: &'static str| {
            let provider = ProviderId::new("p").unwrap();
            Answer::new(provider, 200, None, body)
        };
        assert!(answer(" \n{\"ok\":true}").parse::<Shape>().unwrap().ok);
        for body in ["[true]", "true", "", "{\"ok\":true", "{\"ok\":1}"] {
            assert!(answer(body).parse::<Shape>().is_none(), "{body}");
        }
    }

    #[test]
    fn an_answer_is_never_read_as_not_sent() {
        use otpmux_core::{Blame, Certainty};
        let row = Reading::new(ErrorKind::Unavailable, Certainty::NotSent, Blame::Provider);
        assert_eq!(answer().error(row).certainty(), Certainty::Rejected);
    }
}
