use std::borrow::Cow;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use serde::Serialize;

/// A request: its endpoint, and the values of it that must never be shown.
#[derive(Clone)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) endpoint: Cow<'static, str>,
    pub(crate) path: String,
    pub(crate) query: Vec<(Cow<'static, str>, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) hidden: Vec<Box<str>>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

impl Call {
    /// Creates a `POST` with a JSON body. `endpoint` is the path below the base URL, beginning with
    /// `/`, as logs show it.
    pub fn post(endpoint: impl Into<Cow<'static, str>>, body: &impl Serialize) -> Self {
        Self::new(Method::POST, endpoint.into()).with_json(body)
    }

    /// Creates a `PUT` with a JSON body.
    pub fn put(endpoint: impl Into<Cow<'static, str>>, body: &impl Serialize) -> Self {
        Self::new(Method::PUT, endpoint.into()).with_json(body)
    }

    /// Creates a `POST` with a form as its body.
    pub fn post_form<'a>(
        endpoint: impl Into<Cow<'static, str>>,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        Self::new(Method::POST, endpoint.into()).with_body(FORM, body)
    }

    /// Creates a `POST` with this body.
    ///
    /// # Errors
    ///
    /// The content type holds characters that are invalid in a header.
    pub fn post_bytes(
        endpoint: impl Into<Cow<'static, str>>,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Self, InvalidHeaderValue> {
        let content_type = HeaderValue::from_str(content_type)?;
        Ok(Self::new(Method::POST, endpoint.into()).with_body(content_type, body))
    }

    /// Creates a `GET`.
    pub fn get(endpoint: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::GET, endpoint.into())
    }

    /// Creates a `DELETE`.
    pub fn delete(endpoint: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Method::DELETE, endpoint.into())
    }

    /// Creates a call of any method, without a body.
    pub fn request(method: Method, endpoint: impl Into<Cow<'static, str>>) -> Self {
        Self::new(method, endpoint.into())
    }

    fn new(method: Method, endpoint: Cow<'static, str>) -> Self {
        Self {
            method,
            path: endpoint.clone().into_owned(),
            endpoint,
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            hidden: Vec::new(),
        }
    }

    fn with_json(self, body: &impl Serialize) -> Self {
        // The adapters' bodies are plain structs of texts and numbers, which always serialise;
        // otherwise the vendor rejects the `null`.
        self.with_body(JSON, serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec()))
    }

    fn with_body(mut self, content_type: HeaderValue, body: impl Into<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = Some(Bytes::from(body.into()));
        self
    }

    /// Replaces `{id}` in the path with a value, percent-encoded as one segment.
    pub fn with_id(self, id: &str) -> Self {
        self.with_segment("id", id)
    }

    /// Replaces `{name}` in the path with a value, percent-encoded as one segment.
    pub fn with_segment(mut self, name: &str, value: &str) -> Self {
        let segment: String = match value {
            // In a URL, `.` and `..` refer to other paths, even if encoded. Encoded twice, they are
            // an id that the vendor does not know.
            "." | ".." => value.replace('.', "%252E"),
            _ => value
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect(),
        };
        self.path = self.path.replace(&format!("{{{name}}}"), &segment);
        self
    }

    /// Sets another path than the endpoint; logs still show the endpoint.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Adds a query parameter.
    pub fn with_query(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
    ) -> Self {
        self.query.push((key.into(), value.into()));
        self
    }

    /// Sets a header of this call, such as `idempotency-key`. It replaces an earlier one of the same
    /// name.
    ///
    /// # Errors
    ///
    /// The name or the value holds characters that are invalid in a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, http::Error> {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
        Ok(self)
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the headers that were set, with the content type.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the bytes of the body, for a signature over them; empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    /// Hides a code, recipient or other value of this request: the vendor may repeat it in its
    /// answer, and it must never be shown.
    pub fn hiding(mut self, value: &str) -> Self {
        self.hidden.push(value.into());
        self
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} {})", self.method, self.endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_keeps_every_character() {
        let call = Call::post_form("/sms", [("To", "+14155550123"), ("Body", "a&b=c é")]);
        assert_eq!(call.body(), b"To=%2B14155550123&Body=a%26b%3Dc+%C3%A9");
        assert_eq!(call.headers()["content-type"], "application/x-www-form-urlencoded");
    }

    #[test]
    fn parts_of_a_path_are_filled_by_name() {
        let call = Call::get("/services/{service}/checks/{id}");
        let call = call.with_segment("service", "VA1").with_id("{service}");
        assert_eq!(call.path, "/services/VA1/checks/%7Bservice%7D");
    }

    #[test]
    fn an_id_stays_one_segment() {
        let call = Call::get("/messages/{id}").with_id("../x?y=1#é");
        assert_eq!(call.path, "/messages/%2E%2E%2Fx%3Fy%3D1%23%C3%A9");
        assert_eq!(format!("{call:?}"), "Call(GET /messages/{id})");
    }
}
