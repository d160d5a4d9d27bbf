use bytes::Bytes;
use http::Method;
use http::header::{HeaderName, HeaderValue, InvalidHeaderValue};
use serde::Serialize;

/// A request: its endpoint, and the values of it that must never be shown.
#[derive(Clone)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) endpoint: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) hidden: Vec<Box<str>>,
}

impl Call {
    /// Creates a `POST` with a JSON body. `endpoint` is the path below the base URL, beginning with
    /// `/`, as logs show it.
    pub fn post(endpoint: &'static str, body: &impl Serialize) -> Self {
        // The adapters' bodies are plain structs of texts and numbers, which always serialise;
        // otherwise the vendor rejects the `null`.
        let body = serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec());
        Self { body: Some(body.into()), ..Self::new(Method::POST, endpoint) }
    }

    /// Creates a `GET`.
    pub fn get(endpoint: &'static str) -> Self {
        Self::new(Method::GET, endpoint)
    }

    /// Creates a `DELETE`.
    pub fn delete(endpoint: &'static str) -> Self {
        Self::new(Method::DELETE, endpoint)
    }

    fn new(method: Method, endpoint: &'static str) -> Self {
        Self {
            method,
            endpoint,
            path: endpoint.to_owned(),
            query: Vec::new(),
            header: None,
            body: None,
            hidden: Vec::new(),
        }
    }

    /// Replaces `{id}` in the path with a value, percent-encoded as one segment.
    pub fn with_id(mut self, id: &str) -> Self {
        let segment: String = match id {
            // In a URL, `.` and `..` refer to other paths, even if encoded. Encoded twice, they are
            // an id that the vendor does not know.
            "." | ".." => id.replace('.', "%252E"),
            _ => id
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect(),
        };
        self.path = self.path.replace("{id}", &segment);
        self
    }

    /// Sets another path than the endpoint; logs still show the endpoint.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Adds a query parameter.
    pub fn with_query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    /// Sets a header of this call, such as `idempotency-key`; its name is in lower case.
    ///
    /// # Errors
    ///
    /// The value holds characters that are invalid in a header.
    pub fn with_header(
        mut self,
        name: &'static str,
        value: &str,
    ) -> Result<Self, InvalidHeaderValue> {
        self.header = Some((HeaderName::from_static(name), HeaderValue::from_str(value)?));
        Ok(self)
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
    fn an_id_stays_one_segment() {
        let call = Call::get("/messages/{id}").with_id("../x?y=1#é");
        assert_eq!(call.path, "/messages/%2E%2E%2Fx%3Fy%3D1%23%C3%A9");
        assert_eq!(format!("{call:?}"), "Call(GET /messages/{id})");
    }
}
