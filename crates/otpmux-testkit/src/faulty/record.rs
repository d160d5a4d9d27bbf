use std::fmt;
use std::net::SocketAddr;

/// Connection as the server saw it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Connection {
    /// The client's address.
    pub peer: SocketAddr,
    /// All bytes that were read.
    pub bytes: Vec<u8>,
    /// The requests whose head, at least, was read whole.
    pub requests: Vec<Request>,
    /// How many bytes were written.
    pub written: u64,
    /// Whether the server has played all its steps, or the client has closed.
    pub ended: bool,
}

impl Connection {
    pub(super) fn new(peer: SocketAddr) -> Self {
        Self { peer, bytes: Vec::new(), requests: Vec::new(), written: 0, ended: false }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("bytes", &String::from_utf8_lossy(&self.bytes))
            .field("requests", &self.requests.len())
            .field("written", &self.written)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Request that was received, perhaps not to its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query, as on the wire.
    pub target: String,
    /// The headers, in order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty until it is whole.
    pub body: Vec<u8>,
    /// Whether the body has the length of `Content-Length`: a vendor would act on this request.
    pub whole: bool,
}

impl Request {
    /// Returns the value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses a request: `None` while its head is not whole, otherwise the request and the number
    /// of bytes read.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let head_len = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&bytes[..head_len]).into_owned();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut request = Self {
            method: first.next().unwrap_or_default(),
            target: first.next().unwrap_or_default(),
            headers,
            body: Vec::new(),
            whole: false,
        };
        let length = request.header("content-length").and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(0);
        let mut taken = head_len;
        if let Some(body) = bytes[head_len..].get(..length) {
            request.body = body.to_vec();
            request.whole = true;
            taken += length;
        }
        Some((request, taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_last_byte() {
        let wire = b"POST /send?a=%2B HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET";
        let end = wire.len() - 3;
        assert!(Request::parse(&wire[..end - 3]).is_none());
        assert!(!Request::parse(&wire[..end - 1]).unwrap().0.whole);
        let (request, taken) = Request::parse(wire).unwrap();
        assert_eq!((request.whole, taken), (true, end));
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/send?a=%2B"));
        assert_eq!((request.header("host"), request.text().as_str()), (Some("x"), "{}"));
    }
}
