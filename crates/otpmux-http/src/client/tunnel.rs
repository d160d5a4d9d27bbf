//! Tunnels through a proxy: `CONNECT`, and the failures of a proxy.
//!
//! Written here because the library does not return the status of a refusal.

use std::borrow::Cow;
use std::fmt;
use std::io;

use http::Uri;
use http::header::HeaderValue;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The longest head of a proxy's answer.
const MAX_HEAD: usize = 8 << 10;

/// Why there is no connection through the proxy. The vendor has received nothing.
#[derive(Debug)]
pub(crate) enum ProxyError {
    /// It speaks neither HTTP nor HTTPS.
    Scheme,
    /// It was not reached.
    NoConnection(Box<dyn std::error::Error + Send + Sync>),
    /// It answered with this status.
    Refused(u16),
    /// It closed the connection, or its answer is not HTTP.
    NoAnswer(io::Error),
}

impl ProxyError {
    /// Returns what happened and what to do. Contains nothing of the proxy's URL, which may have a login.
    pub(crate) fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Scheme => "the proxy in HTTPS_PROXY or ALL_PROXY is neither http nor https".into(),
            Self::NoConnection(_) => "no connection to the proxy in HTTPS_PROXY or ALL_PROXY".into(),
            Self::Refused(407) => "the proxy refuses the login (status 407); correct user:password@ in HTTPS_PROXY \
                                   or ALL_PROXY"
                .into(),
            Self::Refused(status @ (502..=504)) => {
                format!("the proxy does not reach the vendor (status {status})").into()
            }
            Self::Refused(status) => format!(
                "the proxy refuses a connection to the vendor (status {status}); permit its host there, or list it \
                 in NO_PROXY"
            )
            .into(),
            Self::NoAnswer(_) => "the proxy closed the connection, or its answer is not HTTP".into(),
        }
    }
}

/// Asks the proxy at the other end of this connection for a tunnel. `login` is the value of
/// `Proxy-Authorization`.
pub(super) async fn open<Stream: Read + Write + Unpin>(
    stream: Stream,
    to: &Uri,
    login: Option<&HeaderValue>,
) -> Result<Stream, ProxyError> {
    let mut stream = TokioIo::new(stream);
    let (host, port) = (to.host().unwrap_or_default(), to.port_u16().unwrap_or(443));
    let mut request =
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(login) = login {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(login.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.map_err(ProxyError::NoAnswer)?;
    stream.flush().await.map_err(ProxyError::NoAnswer)?;
    match read_status(&mut stream).await.map_err(ProxyError::NoAnswer)? {
        200..=299 => Ok(stream.into_inner()),
        status => Err(ProxyError::Refused(status)),
    }
}

/// Reads the head of the answer, and no byte after it, which would be the vendor's.
async fn read_status(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<u16> {
    let mut head = Vec::with_capacity(128);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    status(&head).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn status(head: &[u8]) -> Option<u16> {
    let (version, rest) = head.split_at_checked(9)?;
    let (status, rest) = rest.split_at_checked(3)?;
    let is_http = matches!(version, b"HTTP/1.1 " | b"HTTP/1.0 ")
        && matches!(rest.first(), Some(b' ' | b'\r'));
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    (is_http && status >= 200).then_some(status)
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail())
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoConnection(error) => Some(&**error),
            Self::NoAnswer(error) => Some(error),
            Self::Scheme | Self::Refused(_) => None,
        }
    }
}
