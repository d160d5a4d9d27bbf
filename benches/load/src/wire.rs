//! HTTP/1.1 with minimal work, since the load shares its core with Redis: persistent connections,
//! one write and mostly one read for a message, no allocation once buffers have grown.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Kind of the incoming messages.
#[derive(Clone, Copy)]
enum Incoming {
    Requests,
    Answers,
}

/// One end of a connection.
pub(crate) struct Peer {
    stream: TcpStream,
    incoming: Incoming,
    input: Vec<u8>,
    /// How much of the input has been processed.
    done: usize,
    output: Vec<u8>,
}

/// Received message. A request has no status.
pub(crate) struct Message<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

struct Frame {
    status: u16,
    body: Range<usize>,
}

impl Peer {
    /// Returns the client's end of a new connection.
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        Self::new(TcpStream::connect(to).await?, Incoming::Answers)
    }

    /// Returns the server's end of a connection.
    pub(crate) fn accepted(stream: TcpStream) -> Result<Self> {
        Self::new(stream, Incoming::Requests)
    }

    fn new(stream: TcpStream, incoming: Incoming) -> Result<Self> {
        stream.set_nodelay(true)?;
        let room = || Vec::with_capacity(4096);
        Ok(Self { stream, incoming, input: room(), done: 0, output: room() })
    }

    /// Sends a message; its head lacks only the last line, the length of its body.
    pub(crate) async fn send(&mut self, head: &[&[u8]], body: &[&[u8]]) -> Result<()> {
        let length: usize = body.iter().map(|part| part.len()).sum();
        self.output.clear();
        for part in head {
            self.output.extend_from_slice(part);
        }
        std::io::Write::write_fmt(
            &mut self.output,
            format_args!("content-length: {length}\r\n\r\n"),
        )?;
        for part in body {
            self.output.extend_from_slice(part);
        }
        self.stream.write_all(&self.output).await
    }

    /// Returns the next message; `None` if the other end has closed between two.
    pub(crate) async fn receive(&mut self) -> Result<Option<Message<'_>>> {
        self.input.drain(..self.done);
        self.done = 0;
        let frame = loop {
            if !self.input.is_empty()
                && let Some(frame) = self.frame()?
            {
                break frame;
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                let between = self.input.is_empty();
                return if between { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        };
        self.done = frame.body.end;
        Ok(Some(Message { status: frame.status, body: &self.input[frame.body] }))
    }

    /// Returns the first message of the input, if it is complete.
    fn frame(&self) -> Result<Option<Frame>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let (parsed, status, headers) = match self.incoming {
            Incoming::Requests => {
                let mut request = httparse::Request::new(&mut headers);
                (request.parse(&self.input), 0, request.headers)
            }
            Incoming::Answers => {
                let mut answer = httparse::Response::new(&mut headers);
                let parsed = answer.parse(&self.input);
                (parsed, answer.code.unwrap_or(0), answer.headers)
            }
        };
        let Ok(parsed) = parsed else { return Err(bad("no HTTP")) };
        let httparse::Status::Complete(head) = parsed else { return Ok(None) };
        let length = headers.iter().find(|it| it.name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|it| str::from_utf8(it.value).ok()?.parse::<usize>().ok());
        let Some(length) = length else { return Err(bad("a message of no known length")) };
        let body = head..head + length;
        Ok((body.end <= self.input.len()).then_some(Frame { status, body }))
    }
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}
