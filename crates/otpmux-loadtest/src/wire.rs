//! HTTP/1.1 with as little work as it takes, for the load shares its core with Redis: kept
//! connections, one write and mostly one read for a message, no allocation once buffers have grown.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Which messages come in.
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
    /// What of the input is done with.
    done: usize,
    output: Vec<u8>,
}

/// A message that has come in. A request has no status.
pub(crate) struct Message<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

struct Frame {
    status: u16,
    body: Range<usize>,
}

impl Peer {
    /// The client's end of a new connection.
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self> {
        Self::new(TcpStream::connect(to).await?, Incoming::Answers)
    }

    /// The server's end of one.
    pub(crate) fn accepted(stream: TcpStream) -> Result<Self> {
        Self::new(stream, Incoming::Requests)
    }

    fn new(stream: TcpStream, incoming: Incoming) -> Result<Self> {
        stream.set_nodelay(true)?;
        let room = || Vec::with_capacity(4096);
        Ok(Self { stream, incoming, input: room(), done: 0, output: room() })
    }

    /// Sends a message whose head lacks its last line, the length of its body.
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

    /// The next message; `None` when the other end has closed between two.
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

    /// The first message of the input, if it is there as a whole.
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
