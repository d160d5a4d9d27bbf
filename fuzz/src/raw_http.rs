//! HTTP/1.1 by hand, over one loopback connection that is kept: what is sent need not be valid.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A client of one server.
#[derive(Debug)]
pub(crate) struct RawClient {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

/// The head and the body of a message.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("an answer without a status: {:?}", self.head))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl RawClient {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends the bytes and reads one answer. `None` when the server closes the connection instead.
    pub(crate) async fn exchange(&mut self, bytes: &[u8]) -> Option<Message> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await.expect("the server listens"),
        };
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let answer = read_message(&mut stream).await?;
        if answer.header("connection") != Some("close") && answer.header("content-length").is_some()
        {
            self.stream = Some(stream);
        }
        Some(answer)
    }
}

/// Reads one message to its end. Of a stream of events, reads the head alone.
pub(crate) async fn read_message(stream: &mut TcpStream) -> Option<Message> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let message = Message { head: String::from_utf8_lossy(&bytes).into_owned(), body: Vec::new() };
    let length = message.header("content-length").and_then(|length| length.parse::<usize>().ok());
    if let Some(length) = length {
        while body.len() < length {
            if stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        body.truncate(length);
    }
    Some(Message { body, ..message })
}

/// A request with a body of known length. Line endings are left out of its headers.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let path: String = path.chars().filter(char::is_ascii_graphic).collect();
    let mut head = vec![format!("{method} {path} HTTP/1.1"), "host: localhost".to_owned()];
    for (name, value) in headers {
        head.push(format!("{name}: {}", value.replace(|c: char| c.is_ascii_control(), "")));
    }
    let head = format!("{}\r\ncontent-length: {}\r\n\r\n", head.join("\r\n"), body.len());
    [head.as_bytes(), body].concat()
}
