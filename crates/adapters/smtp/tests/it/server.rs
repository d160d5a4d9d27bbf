use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The server's behaviour in place of its usual answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Answers this line.
    Say(&'static str),
    /// Closes the connection.
    Close,
    /// Does nothing any more, on an open connection.
    Hang,
}

/// A mail server that keeps to a script.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// The beginning of a command, or `GREETING`, `BODY` (the first line of a message) or `DOT`.
    pub(crate) acts: Vec<(&'static str, Act)>,
    /// The lines of the answer to `EHLO`, after its first.
    pub(crate) features: Vec<&'static str>,
    /// Offers STARTTLS with this certificate.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Does this at the second message of a connection.
    pub(crate) second_mail: Option<Act>,
    /// Says this after its answer to STARTTLS, in the same packet and in clear text.
    pub(crate) injected: &'static str,
}

impl Script {
    pub(crate) fn act(mut self, at: &'static str, act: Act) -> Self {
        self.acts.push((at, act));
        self
    }

    pub(crate) fn feature(mut self, line: &'static str) -> Self {
        self.features.push(line);
        self
    }

    fn at(&self, place: &str) -> Option<Act> {
        let found = self.acts.iter().find(|(at, _)| place.to_uppercase().starts_with(at));
        found.map(|(_, act)| *act)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    mails: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    log: Log,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Log::default();
        let shared = log.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *shared.connections.lock().unwrap() += 1;
                tokio::spawn(serve(stream, script.clone(), shared.clone()));
            }
        });
        Self { port, log, task }
    }

    /// The commands that came, of all connections, with `BODY` for a message.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.log.mails.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.log.connections.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum End {
    Closed,
    StartTls,
}

async fn serve(mut stream: TcpStream, script: Script, log: Log) {
    let greeting = script.at("GREETING").unwrap_or(Act::Say("220 test"));
    if perform(&mut stream, greeting).await.is_none() {
        return;
    }
    let mut stream = BufReader::new(stream);
    if let End::StartTls = talk(&mut stream, &script, &log, script.tls.is_some()).await {
        let acceptor = script.tls.clone().unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            talk(&mut BufReader::new(stream), &script, &log, false).await;
        }
    }
}

/// Returns `None` when the conversation is over.
async fn perform(stream: &mut (impl AsyncWrite + Unpin), act: Act) -> Option<()> {
    match act {
        Act::Say(line) => stream.write_all(format!("{line}\r\n").as_bytes()).await.ok(),
        Act::Close => {
            let _ = stream.shutdown().await;
            None
        }
        Act::Hang => std::future::pending().await,
    }
}

async fn talk<S>(stream: &mut BufReader<S>, script: &Script, log: &Log, tls: bool) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut mails = 0;
    loop {
        let Some(line) = line(stream).await else { return End::Closed };
        log.lines.lock().unwrap().push(line.clone());
        let command = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        mails += usize::from(command == "MAIL");
        let second = script.second_mail.filter(|_| command == "MAIL" && mails == 2);
        let act = match (second.or(script.at(&line)), command.as_str()) {
            (Some(act), _) => act,
            (None, "EHLO") => {
                let mut lines = vec!["250-test".to_owned()];
                lines.extend(script.features.iter().map(|feature| format!("250-{feature}")));
                lines.extend(tls.then(|| "250-STARTTLS".to_owned()));
                lines.push("250 HELP".to_owned());
                let text = lines.join("\r\n") + "\r\n";
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return End::Closed;
                }
                continue;
            }
            (None, "STARTTLS") => {
                let text = format!("220 go\r\n{}", script.injected);
                return match stream.write_all(text.as_bytes()).await {
                    Ok(()) => End::StartTls,
                    Err(_) => End::Closed,
                };
            }
            (None, "AUTH") => Act::Say("235 2.7.0 welcome"),
            (None, "DATA") => {
                if perform(stream, Act::Say("354 go on")).await.is_none() {
                    return End::Closed;
                }
                match message(stream, script, log).await {
                    Some(act) => act,
                    None => return End::Closed,
                }
            }
            (None, "QUIT") => Act::Say("221 bye"),
            (None, _) => Act::Say("250 OK"),
        };
        if perform(stream, act).await.is_none() {
            return End::Closed;
        }
    }
}

/// Reads a message up to its dot, and returns the answer to it.
async fn message<S>(stream: &mut BufReader<S>, script: &Script, log: &Log) -> Option<Act>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut mail = String::new();
    loop {
        let line = line(stream).await?;
        if mail.is_empty() {
            log.lines.lock().unwrap().push("BODY".to_owned());
            if let Some(act) = script.at("BODY") {
                perform(stream, act).await?;
            }
        }
        if line == "." {
            break;
        }
        mail.push_str(line.strip_prefix('.').unwrap_or(&line));
        mail.push_str("\r\n");
    }
    let act = script.at("DOT").unwrap_or(Act::Say("250 2.0.0 queued"));
    if matches!(act, Act::Say(text) if text.starts_with('2')) {
        log.mails.lock().unwrap().push(mail);
    }
    Some(act)
}

async fn line<S>(stream: &mut BufReader<S>) -> Option<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    match stream.read_line(&mut line).await {
        Ok(count) if count > 0 => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        _ => None,
    }
}
