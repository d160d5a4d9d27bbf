use std::time::Duration;

use bytes::Bytes;

use super::{Reply, gzip_bomb};

/// One step of the server on a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Waits for [`FaultyServer::release`](super::FaultyServer::release).
    Wait,
    /// Waits until bytes have arrived, without reading them.
    Notice,
    /// Reads one whole request; if the client closes before, the connection has ended.
    Read,
    /// Writes these bytes.
    Write(Bytes),
    /// Writes these bytes one at a time, with a pause after each.
    Trickle {
        /// The bytes to write.
        bytes: Bytes,
        /// The pause, by tokio's clock.
        pause: Duration,
    },
    /// Writes this many spaces, without holding them all in memory.
    Spaces(u64),
    /// Repeats from the connection's first step.
    Again,
    /// Reads everything until the client closes, and writes nothing.
    Silence,
    /// Closes the connection. Also happens after the last step.
    Close,
    /// Resets the connection (TCP RST).
    Reset,
}

/// The server's steps on each connection: the first list on the first connection, and so on; the
/// last list on all further ones.
#[derive(Clone, Debug)]
pub struct Play {
    pub(super) connections: Vec<Vec<Step>>,
}

impl Play {
    /// Plays the same steps on every connection.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { connections: vec![steps.into_iter().collect()] }
    }

    /// Adds another play for the connections after those of this one.
    pub fn then(mut self, next: Self) -> Self {
        self.connections.extend(next.connections);
        self
    }

    /// Accepts and closes at once.
    pub fn accept_then_close() -> Self {
        Self::new([Step::Close])
    }

    /// Accepts and resets at once.
    pub fn accept_then_reset() -> Self {
        Self::new([Step::Reset])
    }

    /// Resets as soon as bytes have arrived, without reading them.
    pub fn notice_then_reset() -> Self {
        Self::new([Step::Notice, Step::Reset])
    }

    /// Reads the request, then closes.
    pub fn read_then_close() -> Self {
        Self::new([Step::Read, Step::Close])
    }

    /// Reads the request, then resets.
    pub fn read_then_reset() -> Self {
        Self::new([Step::Read, Step::Reset])
    }

    /// Reads everything and never answers. For a TLS client, a handshake that hangs.
    pub fn silence() -> Self {
        Self::new([Step::Silence])
    }

    /// Answers every request of a connection, and keeps it open.
    pub fn answer(reply: &Reply) -> Self {
        Self::new([Step::Read, Step::Write(reply.to_bytes()), Step::Again])
    }

    /// Answers one request, then closes.
    pub fn answer_then_close(reply: &Reply) -> Self {
        Self::new([Step::Read, Step::Write(reply.to_bytes()), Step::Close])
    }

    /// Reads the request, then begins a header that never ends, byte by byte.
    pub fn slow_header() -> Self {
        let endless = "HTTP/1.1 200 OK\r\nx-slow: ".to_owned() + &"x".repeat(100_000);
        let bytes = endless.into();
        let pause = Duration::from_millis(10);
        Self::new([Step::Read, Step::Trickle { bytes, pause }])
    }

    /// Reads the request, then closes in the middle of the answer's header.
    pub fn cut_header() -> Self {
        let half = Bytes::from_static(b"HTTP/1.1 200 OK\r\ncontent-ty");
        Self::new([Step::Read, Step::Write(half), Step::Close])
    }

    /// Reads the request, then closes before the end of the answer's body. The written part is
    /// valid JSON.
    pub fn cut_body() -> Self {
        let reply = Reply::json(200, r#"{"success":true}"#).with_length(1_000);
        Self::answer_then_close(&reply)
    }

    /// Reads the request, then writes bytes that are not HTTP.
    pub fn not_http() -> Self {
        let banner = Bytes::from_static(b"220 mail.example ESMTP ready\r\n");
        Self::new([Step::Read, Step::Write(banner), Step::Close])
    }

    /// Reads the request, then answers with this many spaces, and a correct `Content-Length`.
    pub fn huge_body(length: u64) -> Self {
        let head = Reply::json(200, "").with_length(length).to_bytes();
        Self::new([Step::Read, Step::Write(head), Step::Spaces(length), Step::Close])
    }

    /// Reads the request, then answers with a small body that unpacks to `unpacked` bytes.
    pub fn gzip_bomb(unpacked: usize) -> Self {
        let reply = Reply::json(200, gzip_bomb(unpacked)).with_header("content-encoding", "gzip");
        Self::answer(&reply)
    }

    /// Reads the request, then redirects the client.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::answer(&Reply::new(status).with_header("location", location))
    }
}

impl From<&Reply> for Play {
    fn from(reply: &Reply) -> Self {
        Self::answer(reply)
    }
}
