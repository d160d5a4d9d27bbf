use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that gives its reader at most one line at a time.
///
/// The SMTP client reads through a buffer that it keeps when TLS begins. Whatever an attacker on
/// the way appends to the answer to `STARTTLS` would stay in that buffer, and would be read as if
/// the server had said it under TLS. Here it stays below the buffer, so the TLS handshake reads it
/// and fails.
pub(crate) struct LineStream {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
}

const BUFFER: usize = 4096;

impl LineStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new(), at: 0 }
    }
}

impl AsyncRead for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.at == this.buffer.len() {
            this.at = 0;
            this.buffer.resize(BUFFER, 0);
            let mut read = ReadBuf::new(&mut this.buffer);
            let result = Pin::new(&mut this.stream).poll_read(cx, &mut read);
            let filled = read.filled().len();
            this.buffer.truncate(filled);
            ready!(result)?;
        }
        let rest = this.buffer.get(this.at..).unwrap_or_default();
        let line = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
        let count = line.min(out.remaining());
        out.put_slice(&rest[..count]);
        this.at += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl fmt::Debug for LineStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineStream(..)")
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_read_ends_with_its_line() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(addr), listener.accept());
        let (mut server, _) = server.unwrap();
        server.write_all(b"220 go\r\n250 injected\r\nrest").await.unwrap();
        drop(server);
        let mut stream = LineStream::new(client.unwrap());
        let mut lines = Vec::new();
        let mut out = [0; 64];
        loop {
            match stream.read(&mut out).await.unwrap() {
                0 => break,
                count => lines.push(String::from_utf8_lossy(&out[..count]).into_owned()),
            }
        }
        assert_eq!(lines.concat(), "220 go\r\n250 injected\r\nrest");
        assert_eq!(lines[0], "220 go\r\n");
        assert!(lines.iter().all(|line| line.find('\n').is_none_or(|at| at + 1 == line.len())));
    }
}
