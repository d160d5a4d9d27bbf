use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use otpmux::Secret;
use otpmux::http::signature::{Encoding, ReceiptSecrets, StandardWebhook, check_standard_webhook};
use otpmux::provider::{Clock as _, Entropy as _, OsEntropy, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The variable with the key: other users of the machine could see an argument.
const SECRET: &str = "OTPMUX_EVENTS_SECRET";
/// The longest request: bodies have at most 20 kB.
const LONGEST: usize = 64 * 1024;
/// How long a sender may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
#[command(after_help = "\
The key is in OTPMUX_EVENTS_SECRET; without it, a new one is made and shown. An event whose signature
does not fit is printed with a mark and answered with 401, so that the gateway sends it again.")]
pub(crate) struct Args {
    /// The address to listen on; only addresses of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

/// A request that was read.
struct Request {
    head: String,
    body: Vec<u8>,
}

pub(super) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    if !args.listen.ip().is_loopback() {
        return Failure::usage("--listen: must be an address of this machine").report(output);
    }
    let (secret, is_new) = match std::env::var(SECRET) {
        Ok(secret) => (secret, false),
        Err(_) => match new_secret() {
            Ok(secret) => (secret, true),
            Err(failure) => return failure.report(output),
        },
    };
    let listener = TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;
    output.note(format!(
        "Waiting for events. In the configuration:\n\n[[events]]\nname = \"listen\"\n\
         url = \"http://{address}/\"\nsecret = \"env:{SECRET}\"\nallow_loopback = true\n"
    ))?;
    if is_new {
        output.note(format!("For the gateway: export {SECRET}={secret}\n"))?;
    }
    let secrets = ReceiptSecrets::new(Secret::new(secret));
    loop {
        let (mut stream, _) = listener.accept().await?;
        // One at a time: a developer reads them one after the other.
        let read = timeout(PATIENCE, read(&mut stream)).await;
        let Ok(Ok(Some(request))) = read else { continue };
        let is_signed = request.is_signed(&secrets);
        request.print(is_signed, output)?;
        let status = if is_signed { "204 No Content" } else { "401 Unauthorized" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        // The sender may have gone; then it sends the event again.
        let _ = timeout(PATIENCE, stream.write_all(answer.as_bytes())).await;
    }
}

fn new_secret() -> Result<String, Failure> {
    let mut key = [0; 32];
    OsEntropy.fill(&mut key).map_err(|error| Failure::here(error.to_string()))?;
    Ok(format!("whsec_{}", Encoding::Base64.encode(&key)))
}

/// Reads one request; `None` if it is none.
async fn read(stream: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(request) = Request::of(&bytes) {
            return Ok(Some(request));
        }
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        if count == 0 || bytes.len() + count > LONGEST {
            return Ok(None);
        }
        bytes.extend_from_slice(&part[..count]);
    }
}

impl Request {
    /// A whole request.
    fn of(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut request = Self { head, body: Vec::new() };
        let length = request.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        request.body = bytes.get(end + 4..(end + 4).checked_add(length)?)?.to_vec();
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn is_signed(&self, secrets: &ReceiptSecrets) -> bool {
        let headers = StandardWebhook {
            id: self.header("webhook-id"),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        check_standard_webhook(secrets, headers, &self.body, SystemClock.now()).is_ok()
    }

    fn print(&self, is_signed: bool, output: &mut Output) -> io::Result<()> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        if output.is_json() {
            let id = self.header("webhook-id");
            return output.json(&json!({ "id": id, "signed": is_signed, "event": body }));
        }
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let mark = if is_signed { "" } else { "  SIGNATURE DOES NOT FIT" };
        let (at, event) = (text(&body["timestamp"]), text(&body["type"]));
        output.line(format!("{at}  {event}{mark}"))?;
        for (name, value) in body["data"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            output.line(format!("    {name}: {value}"))?;
        }
        Ok(())
    }
}
