//! A server on loopback that records one request, and answers it or passes it on to the emulator.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// No request of a definition is longer.
const MAX_BYTES: usize = 1 << 20;

/// Where the answer comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// It is made up.
    MadeUp(Answer),
    /// The emulated vendor at this address gives it.
    Vendor(SocketAddr),
}

/// The server's answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A recorded request.
pub(super) struct Request {
    /// Method and path.
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A server that listens.
pub(super) struct Recorder(TcpListener);

impl Recorder {
    pub(super) async fn start() -> io::Result<Self> {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map(Self)
    }

    pub(super) fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}", self.0.local_addr()?))
    }

    /// Waits for one request, and answers it.
    pub(super) async fn record(&self, source: &Source) -> io::Result<(Request, Answer)> {
        let (mut stream, _) = self.0.accept().await?;
        let (bytes, request) = read(&mut stream).await?;
        let answer = match source {
            Source::MadeUp(answer) => answer.clone(),
            Source::Vendor(vendor) => pass_on(*vendor, &bytes).await?,
        };
        let mut head = format!("HTTP/1.1 {} Answer\r\nconnection: close\r\n", answer.status);
        // A write to a string does not fail.
        for (name, value) in &answer.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "content-length: {}\r\n\r\n{}", answer.body.len(), answer.body);
        stream.write_all(head.as_bytes()).await?;
        stream.shutdown().await?;
        Ok((request, answer))
    }
}

/// Headers of an answer that say where its body ends, or are about its connection.
const FRAMING: [&str; 4] = ["connection", "content-length", "transfer-encoding", "date"];

/// Asks an emulated vendor, which answers with a body of known length.
async fn pass_on(vendor: SocketAddr, request: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(vendor).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if let Some(parts) = parse(&bytes) {
            break parts;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other("the emulator ended its answer early"));
        }
    };
    let status = head.line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status =
        status.ok_or_else(|| io::Error::other("the emulator answered without a status"))?;
    let headers = head.headers.into_iter();
    let headers = headers.filter(|(name, _)| !FRAMING.contains(&name.as_str())).collect();
    Ok(Answer { status, headers, body })
}

async fn read(stream: &mut TcpStream) -> io::Result<(Vec<u8>, Request)> {
    let mut bytes = Vec::new();
    loop {
        if let Some((Head { line, headers }, body)) = parse(&bytes) {
            let line = line.trim_end_matches(" HTTP/1.1").to_owned();
            return Ok((bytes, Request { line, headers, body }));
        }
        if bytes.len() > MAX_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other("the request has no end"));
        }
    }
}

struct Head {
    /// The first line.
    line: String,
    headers: Vec<(String, String)>,
}

/// Returns head and body of a request or an answer if it is complete.
fn parse(bytes: &[u8]) -> Option<(Head, String)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let body = bytes.get(end + 4..end + 4 + length)?;
    Some((Head { line, headers }, String::from_utf8_lossy(body).into_owned()))
}
