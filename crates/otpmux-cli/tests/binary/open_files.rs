//! A process that may open fewer files than its configuration has connections.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use otpmux_emulator::MessageFilter;

use crate::shared::{Shared, TO};

const KEY: &str = "made-up api key of 32 bytes or more";

struct Serving {
    shared: Shared,
    child: Child,
    address: String,
}

impl Serving {
    /// With limits of open files as `ulimit` takes them.
    fn start(ulimit: &str) -> Self {
        let shared = Shared::with_sqlite(
            "[[server.api_keys]]\nname = \"test\"\nkey = \"env:API_KEY\"\n\
             [server]\nmax_connections = 5000\nmax_connections_per_address = 5000",
        );
        let serve = shared.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        let mut limited = Command::new("/bin/sh");
        limited.args(["-c", &format!("{ulimit}; exec \"$@\""), "sh"]).arg(serve.get_program());
        limited.args(serve.get_args()).env_clear();
        for (name, value) in serve.get_envs() {
            limited.env(name, value.unwrap());
        }
        limited.env("API_KEY", KEY).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = limited.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect(&line);
        let url = ready["listening"].as_str().unwrap();
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Self { shared, child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Ends it and returns its log.
    fn logs(mut self) -> String {
        self.child.kill().unwrap();
        let mut logs = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut logs).unwrap();
        self.child.wait().unwrap();
        logs
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the answer on an open connection.
fn send(stream: &mut TcpStream) -> String {
    let body = format!("{{\"to\": \"{TO}\"}}");
    let head = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// Connections leave room for vendors and the store, whatever the configuration allows.
#[test]
fn a_low_limit_of_files_lowers_the_connections_and_says_so() {
    let serving = Serving::start("ulimit -n 300");
    let mut crowd: Vec<_> = (0..320).map(|_| serving.connect()).collect();
    // The last one was closed, so the ones before have been seen.
    let closed = crowd.last_mut().unwrap().read(&mut [0]);
    assert!(!matches!(closed, Ok(1..)) && !would_block(&closed), "{closed:?}");
    let answer = send(&mut crowd[0]);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(serving.shared.vendors.emulator.messages(&MessageFilter::default()).len(), 1);
    let logs = serving.logs();
    assert!(logs.contains("LimitNOFILE") && logs.contains("\"lowered_to\":150"), "{logs}");
}

/// The limit is raised as far as the system allows.
#[test]
fn a_soft_limit_is_raised_without_a_word() {
    let serving = Serving::start("ulimit -Sn 300");
    let mut crowd: Vec<_> = (0..320).map(|_| serving.connect()).collect();
    let answer = send(crowd.last_mut().unwrap());
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let logs = serving.logs();
    assert!(!logs.contains("max_connections"), "{logs}");
}

fn would_block(read: &std::io::Result<usize>) -> bool {
    let waits =
        |kind| matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
    read.as_ref().err().is_some_and(|error| waits(error.kind()))
}
