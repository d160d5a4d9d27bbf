//! A request as a vendor receives it, and its outcome.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use url::form_urlencoded;

/// A whole request. `path` has no prefix of the emulator.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the value after the scheme of the `Authorization` header.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (given, value) = self.header("authorization")?.split_once(' ')?;
        given.eq_ignore_ascii_case(scheme).then_some(value.trim())
    }

    /// Returns user and password of the `Authorization` header.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let decoded = BASE64_STANDARD.decode(self.authorization("Basic")?).ok()?;
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// Returns the fields of the body, if it is a form.
    pub(crate) fn form(&self) -> Option<Form> {
        let media = self.header("content-type").and_then(|value| value.split(';').next())?;
        let is_form = media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded");
        is_form.then(|| Form(form_urlencoded::parse(&self.body).into_owned().collect()))
    }

    pub(crate) fn is_json(&self) -> bool {
        let media = self.header("content-type").and_then(|value| value.split(';').next());
        media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
    }

    /// Returns the body if it is a JSON object.
    pub(crate) fn object(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok().filter(Value::is_object)
    }

    /// Returns the first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// Returns `page` and `limit` of the query: from 1, by default 1 and 20, at most 100 per page.
    pub(crate) fn page(&self) -> (usize, usize) {
        let number = |name: &str, default: usize| {
            let given = self.query(name).and_then(|text| text.parse::<usize>().ok());
            given.filter(|number| *number > 0).unwrap_or(default)
        };
        (number("page", 1), number("limit", 20).min(100))
    }

    pub(crate) fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.path == path
    }
}

/// The fields of a form.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Returns the first value of a field; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string())
    }

    pub(crate) fn bytes(status: u16, media: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// Returns an error of the emulator itself.
    pub(crate) fn error(status: u16, text: &str) -> Self {
        Self::json(status, &json!({ "error": text }))
    }

    /// Sets a header; replaces one of the same name.
    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// How a connection ends without an answer.
#[derive(Debug)]
pub(crate) enum Rupture {
    Reset,
    Close,
    Raw(&'static [u8]),
}

/// Outcome of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Reply),
    Rupture(Rupture),
}
