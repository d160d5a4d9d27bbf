use bytes::{BufMut, Bytes, BytesMut};

/// HTTP answer to write as bytes. Not checked: it may be wrong on purpose.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    length: u64,
}

impl Reply {
    /// Returns an answer without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), length: 0 }
    }

    /// Returns an answer with a JSON content type and any body.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status).with_header("content-type", "application/json").with_body(body)
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body, and `Content-Length` to its length.
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.length = self.body.len() as u64;
        self
    }

    /// Sets `Content-Length` to another value than the body's length.
    pub fn with_length(mut self, length: u64) -> Self {
        self.length = length;
        self
    }

    /// Returns the bytes for the wire.
    pub fn to_bytes(&self) -> Bytes {
        let mut wire = BytesMut::new();
        wire.put(format!("HTTP/1.1 {} Made Up\r\n", self.status).as_bytes());
        for (name, value) in &self.headers {
            wire.put(format!("{name}: {value}\r\n").as_bytes());
        }
        wire.put(format!("content-length: {}\r\n\r\n", self.length).as_bytes());
        wire.put(&*self.body);
        wire.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_given() {
        let reply = Reply::json(200, "{}").with_length(99);
        assert_eq!(
            reply.to_bytes(),
            "HTTP/1.1 200 Made Up\r\ncontent-type: application/json\r\n\
             content-length: 99\r\n\r\n{}"
        );
    }
}
