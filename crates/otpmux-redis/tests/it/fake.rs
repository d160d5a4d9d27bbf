//! A server that greets as Redis does, and then gives a fixed answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The answer of a server older than version 7 to a script without flags; it cannot read a script
/// with flags.
pub(crate) const BEFORE_FLAGS: &[u8] = b"*1\r\n$9\r\nnot_found\r\n";

pub(crate) struct Fake {
    address: SocketAddr,
    serving: AbortHandle,
}

impl Fake {
    /// Answers every script with these bytes, and continues; without bytes, it closes.
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        Self::start_slow(Duration::ZERO, answer).await
    }

    /// As [`start`](Self::start), with a delayed greeting.
    pub(crate) async fn start_slow(greets_after: Duration, answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let answer: Arc<[u8]> = answer.into().into();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, greets_after, Arc::clone(&answer)));
            }
        });
        Self { address, serving: serving.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(stream: TcpStream, greets_after: Duration, answer: Arc<[u8]>) {
    let mut stream = BufReader::new(stream);
    tokio::time::sleep(greets_after).await;
    while let Some(words) = command(&mut stream).await {
        let reply: &[u8] = match &*words[0] {
            b"HELLO" => b"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n",
            b"EVALSHA" if &*answer == BEFORE_FLAGS => b"-NOSCRIPT No matching script.\r\n",
            b"EVAL" if &*answer == BEFORE_FLAGS => {
                if words[1].starts_with(b"#!") {
                    b"-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'\r\n"
                } else {
                    BEFORE_FLAGS
                }
            }
            b"EVALSHA" | b"EVAL" if answer.is_empty() => return,
            b"EVALSHA" | b"EVAL" => &answer,
            _ => b"+OK\r\n",
        };
        if stream.get_mut().write_all(reply).await.is_err() {
            return;
        }
    }
}

/// Returns the words of the next command.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    for _ in 0..length(stream).await? {
        let mut word = vec![0; length(stream).await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        words.push(word);
    }
    Some(words)
}

async fn length(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim().parse().ok()
}
