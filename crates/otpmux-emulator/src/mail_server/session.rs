use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use url::form_urlencoded;

use super::login::{Dialogue, Login};
use super::terms::Terms;
use super::{CONNECT, RCPT};
use crate::dispatch;
use crate::exchange::{Call, Outcome, Reply, Rupture};
use crate::input::MOST_BODY_BYTES;
use crate::mail::SEND;
use crate::shared::Shared;
use crate::vendor_api::VendorApi;
use crate::vendors::Vendor;

/// The longest line of a command, and of a message.
const MOST_LINE_BYTES: u64 = 4096;

/// How a conversation ends.
#[derive(Debug)]
pub(super) enum End {
    Closed,
    StartTls,
    Rupture(Rupture),
}

/// One conversation, from its greeting or from the beginning of TLS.
#[derive(Debug)]
pub(super) struct Session<'a> {
    vendor: Vendor,
    shared: &'a Shared,
    is_encrypted: bool,
    is_logged_in: bool,
    has_sender: bool,
    recipients: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(vendor: Vendor, shared: &'a Shared, is_encrypted: bool) -> Self {
        let recipients = Vec::new();
        Self { vendor, shared, is_encrypted, is_logged_in: false, has_sender: false, recipients }
    }

    pub(super) async fn greet<S>(self, stream: &mut BufReader<S>) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let greeting = match self.fault_at(CONNECT).await {
            None => Reply::bytes(220, "text/plain", "mail.emulator.test ready"),
            Some(Outcome::Reply(reply)) => reply,
            Some(Outcome::Rupture(how)) => return End::Rupture(how),
        };
        let refuses = greeting.status >= 400;
        if say(stream, &greeting).await.is_none() || refuses {
            return End::Closed;
        }
        self.talk(stream).await
    }

    pub(super) async fn talk<S>(mut self, stream: &mut BufReader<S>) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            let Some(line) = line(stream).await else { return End::Closed };
            let (verb, words) = line.split_once(' ').unwrap_or((&line, ""));
            let text = match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.features(),
                "STARTTLS" if !self.is_encrypted && self.account().offer_tls => {
                    return match write(stream, "220 2.0.0 Ready to start TLS\r\n").await {
                        Some(()) => End::StartTls,
                        None => End::Closed,
                    };
                }
                "AUTH" => match self.log_in(words, stream).await {
                    Some(text) => text.to_owned(),
                    None => return End::Closed,
                },
                "MAIL" => self.begin(words).to_owned(),
                "RCPT" => match self.add(words).await {
                    Outcome::Reply(reply) => text_of(&reply),
                    Outcome::Rupture(how) => return End::Rupture(how),
                },
                "DATA" if self.recipients.is_empty() => "503 5.5.1 RCPT first\r\n".to_owned(),
                "DATA" => match self.take(stream).await {
                    Some(Outcome::Reply(reply)) => text_of(&reply),
                    Some(Outcome::Rupture(how)) => return End::Rupture(how),
                    None => return End::Closed,
                },
                "RSET" => {
                    self.reset();
                    "250 2.0.0 Ok\r\n".to_owned()
                }
                "NOOP" => "250 2.0.0 Ok\r\n".to_owned(),
                "QUIT" => {
                    let _ = write(stream, "221 2.0.0 Bye\r\n").await;
                    return End::Closed;
                }
                _ => "502 5.5.2 Command not recognized\r\n".to_owned(),
            };
            if write(stream, &text).await.is_none() {
                return End::Closed;
            }
        }
    }

    fn features(&mut self) -> String {
        self.reset();
        let account = self.account();
        let offers_tls = account.offer_tls && !self.is_encrypted;
        let offers_login = self.is_encrypted || !account.require_tls;
        let mut lines = vec!["mail.emulator.test", "8BITMIME", "ENHANCEDSTATUSCODES"];
        lines.extend(offers_tls.then_some("STARTTLS"));
        lines.extend(offers_login.then_some("AUTH PLAIN LOGIN"));
        let last = lines.len() - 1;
        let line = |(place, line): (usize, &&str)| {
            format!("250{}{line}\r\n", if place == last { ' ' } else { '-' })
        };
        lines.iter().enumerate().map(line).collect::<Vec<_>>().concat()
    }

    async fn log_in<S>(&mut self, words: &str, stream: &mut BufReader<S>) -> Option<&'static str>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let account = self.account();
        if account.require_tls && !self.is_encrypted {
            return Some("538 5.7.11 Encryption required for this way to log in\r\n");
        }
        let (mut dialogue, mut next) = Dialogue::begin(words, &account);
        while let Login::Ask(text) = next {
            write(stream, &format!("334 {text}\r\n")).await?;
            next = dialogue.go_on(&line(stream).await?, &account);
        }
        Some(match next {
            Login::Right => {
                self.is_logged_in = true;
                "235 2.7.0 Authentication successful\r\n"
            }
            Login::Unknown => "504 5.5.4 Mechanism not offered\r\n",
            Login::Wrong | Login::Ask(_) => "535 5.7.8 Authentication credentials invalid\r\n",
        })
    }

    fn begin(&mut self, words: &str) -> &'static str {
        let account = self.account();
        if account.require_tls && !self.is_encrypted {
            return "530 5.7.0 Must issue a STARTTLS command first\r\n";
        }
        if account.require_login && !self.is_logged_in {
            return "530 5.7.0 Authentication required\r\n";
        }
        if path(words, "FROM:").is_none() {
            return "501 5.1.7 Bad sender address\r\n";
        }
        if self.has_sender {
            return "503 5.5.1 Nested MAIL command\r\n";
        }
        self.has_sender = true;
        "250 2.1.0 Ok\r\n"
    }

    async fn add(&mut self, words: &str) -> Outcome {
        let reply =
            |status, text: &'static str| Outcome::Reply(Reply::bytes(status, "text/plain", text));
        if !self.has_sender {
            return reply(503, "5.5.1 MAIL first");
        }
        let Some(to) = path(words, "TO:").filter(|to| to.contains('@')) else {
            return reply(501, "5.1.3 Bad recipient address");
        };
        if let Some(outcome) = self.fault_at(RCPT).await {
            return outcome;
        }
        let account = self.account();
        if account.unknown_recipients.iter().any(|unknown| unknown == to) {
            return reply(550, "5.1.1 No such mailbox");
        }
        if account.full_recipients.iter().any(|full| full == to) {
            return reply(452, "4.2.2 Mailbox full");
        }
        self.recipients.push(to.to_owned());
        reply(250, "2.1.5 Ok")
    }

    /// Takes a message. Returns `None` if the client went away within it: then there is no message.
    async fn take<S>(&mut self, stream: &mut BufReader<S>) -> Option<Outcome>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        write(stream, "354 End data with <CR><LF>.<CR><LF>\r\n").await?;
        let mut message = Vec::new();
        loop {
            let line = raw_line(stream).await?;
            if line == b".\r\n" {
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if message.len() > MOST_BODY_BYTES {
                return Some(Outcome::Rupture(Rupture::Close));
            }
        }
        let recipients = std::mem::take(&mut self.recipients);
        self.reset();
        let mut last = None;
        for to in recipients {
            last = Some(
                dispatch::at_vendor(self.vendor, &call(&to, message.clone()), self.shared).await,
            );
        }
        last
    }

    fn reset(&mut self) {
        self.has_sender = false;
        self.recipients.clear();
    }

    fn account(&self) -> Terms {
        let world = self.shared.world();
        let account = world.vendor(self.vendor).map(VendorApi::account);
        Terms::of(account.unwrap_or_default())
    }

    /// Applies the fault of this place, if it has been set for it by name.
    async fn fault_at(&self, place: &str) -> Option<Outcome> {
        let is_here = {
            let world = self.shared.world();
            let fault = world.faults.get(self.vendor);
            let endpoint = fault.and_then(|fault| fault.endpoint.as_deref());
            endpoint.is_some_and(|endpoint| place.ends_with(endpoint))
        };
        if !is_here {
            return None;
        }
        let mut call = call("", Vec::new());
        place.clone_into(&mut call.path);
        dispatch::fault(self.vendor, &call, self.shared).await
    }
}

fn call(to: &str, message: Vec<u8>) -> Call {
    Call {
        method: Method::POST,
        path: SEND.to_owned(),
        query: form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish(),
        headers: HeaderMap::new(),
        body: Bytes::from(message),
    }
}

/// Returns the address of `FROM:<..>` or `TO:<..>`.
fn path<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    let (given, rest) = words.split_at_checked(name.len())?;
    let rest = given.eq_ignore_ascii_case(name).then_some(rest)?;
    let (path, _) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(path)
}

/// Returns a reply in the form of the protocol: a status below 400 means 250 but for the greeting.
fn text_of(reply: &Reply) -> String {
    let status = if matches!(reply.status, 220 | 400..=599) { reply.status } else { 250 };
    let text = String::from_utf8_lossy(&reply.body);
    let text = text.lines().next().unwrap_or_default();
    format!("{status} {text}\r\n")
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> Option<()> {
    write(stream, &text_of(reply)).await
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> Option<()> {
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let line = raw_line(stream).await?;
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Reads a line with its end; `None` if the client is gone, or the line is too long.
async fn raw_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    stream.take(MOST_LINE_BYTES).read_until(b'\n', &mut line).await.ok()?;
    line.ends_with(b"\n").then_some(line)
}
