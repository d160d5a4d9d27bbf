//! The examples in other languages, as a person at a terminal uses them.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use otpmux_emulator::MessageFilter;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::{API_KEY, Serving, wrong};

const NUMBER: &str = "+919876543210";
const PROMPT: &str = "the code, or \"again\" for another message:";
/// For a busy machine; it is much faster otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

const CLIENTS: [(&str, &str); 2] =
    [("python3", "examples/python/login.py"), ("node", "examples/node/login.mjs")];

struct Session {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Session {
    fn start((program, script): (&str, &str), gateway: &str) -> Self {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut child = Command::new(program)
            .args([script, NUMBER])
            .current_dir(root)
            .env("OTPMUX_URL", gateway)
            .env("OTPMUX_API_KEY", API_KEY)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}); scripts/check installs it")
            });
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, output }
    }

    async fn types(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> Option<String> {
        let line = timeout(PATIENCE, self.output.next_line());
        line.await.expect("an answer in time").unwrap()
    }

    async fn shows(&mut self, expected: &str) {
        assert_eq!(self.line().await.as_deref(), Some(expected));
    }

    /// Its last words, and whether it ended well.
    async fn end(mut self) -> (String, bool) {
        assert_eq!(self.line().await, None);
        drop(self.input);
        let ended = timeout(PATIENCE, self.child.wait_with_output()).await;
        let ended = ended.expect("an end in time").unwrap();
        (String::from_utf8(ended.stderr).unwrap(), ended.status.success())
    }
}

#[tokio::test]
async fn a_user_with_the_code_is_approved() {
    for client in CLIENTS {
        let serving = Serving::start("[policy]\nresend_delay = \"0s\"", false).await;
        let mut session = Session::start(client, &serving.url());
        session.shows("sent a code of 6 digits to +9•••••••••10").await;
        session.shows(PROMPT).await;
        let code = serving.emulator.last_code(NUMBER).expect("a message");
        session.types(&wrong(&code)).await;
        session.shows("that is not the code").await;
        session.shows(PROMPT).await;
        session.types("again").await;
        session.shows("sent again").await;
        session.shows(PROMPT).await;
        assert_eq!(serving.emulator.last_code(NUMBER).as_deref(), Some(code.as_str()));
        session.types(&code).await;
        session.shows("welcome").await;
        assert_eq!(session.end().await, (String::new(), true), "{client:?}");
        serving.end().await;
    }
}

#[tokio::test]
async fn a_user_without_a_message_learns_when_to_come_back() {
    for client in CLIENTS {
        let more =
            "[policy]\nresend_delay = \"5m\"\nmax_guesses = 1\n[limits]\nrecipient = [\"1/1h\"]";
        let serving = Serving::start(more, false).await;
        let mut session = Session::start(client, &serving.url());
        session.shows("sent a code of 6 digits to +9•••••••••10").await;
        session.shows(PROMPT).await;
        session.types("again").await;
        let answer = session.line().await.expect("an answer");
        let wait = answer.strip_prefix("too many messages; try again in ").expect(&answer);
        let seconds: u32 = wait.strip_suffix(" s").expect(wait).parse().unwrap();
        assert!((1..=300).contains(&seconds), "{seconds}");
        session.shows(PROMPT).await;
        let code = serving.emulator.last_code(NUMBER).expect("a message");
        session.types(&wrong(&code)).await;
        session.shows("that is not the code").await;
        session.shows(PROMPT).await;
        session.types(&code).await;
        let (words, well) = session.end().await;
        assert_eq!(words.trim(), "this code is of no use any more: begin again");
        assert!(!well);

        let (words, well) = Session::start(client, &serving.url()).end().await;
        assert!(words.starts_with("not sent: too many messages; try again in "), "{words}");
        assert!(!well);
        serving.end().await;
    }
}

/// An answer that got lost is asked for again, under the same key.
#[tokio::test]
async fn a_request_whose_answer_is_lost_is_sent_once() {
    for client in CLIENTS {
        let serving = Serving::start("", false).await;
        let proxy = forgetful_proxy(serving.address).await;
        let mut session = Session::start(client, &format!("http://{proxy}"));
        session.shows("sent a code of 6 digits to +9•••••••••10").await;
        session.shows(PROMPT).await;
        let messages = serving.emulator.messages(&MessageFilter::default());
        assert_eq!(messages.len(), 1, "{client:?}");
        session.types(&messages[0].code).await;
        session.shows("welcome").await;
        assert_eq!(session.end().await, (String::new(), true));
        serving.end().await;
    }
}

/// Passes connections on, but hangs up on the first one once its answer comes.
async fn forgetful_proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(to).await.unwrap();
        let (mut asked, mut answered) = ([0; 4096], [0; 1]);
        loop {
            tokio::select! {
                read = first.read(&mut asked) => {
                    far.write_all(&asked[..read.unwrap()]).await.unwrap();
                }
                read = far.read(&mut answered) => {
                    assert_eq!(read.unwrap(), 1);
                    break;
                }
            }
        }
        drop(first);
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    address
}
