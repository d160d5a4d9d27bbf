use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{program, run};

struct Emulate {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Emulate {
    fn start() -> Self {
        let mut child = program()
            .args(["emulate", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn ready(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Emulate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_ready_line_says_where_the_vendors_are() {
    let mut emulate = Emulate::start();
    let ready = emulate.ready();
    let listen: SocketAddr = ready["listen"].as_str().unwrap().parse().unwrap();
    assert_ne!(listen.port(), 0);
    for vendor in ["easyotp", "startmessaging", "airtexts"] {
        let url = ready["vendors"][vendor]["base_url"].as_str().unwrap();
        assert!(url.starts_with(&format!("http://{listen}/")), "{url}");
    }
    TcpStream::connect(listen).unwrap();
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_well() {
    for signal in ["TERM", "INT"] {
        let mut emulate = Emulate::start();
        emulate.ready();
        emulate.signal(signal);
        assert_eq!(emulate.child.wait().unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        emulate.answers.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line and no more");
    }
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(program().args(["emulate", "--listen", &address]), "");
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.stdout, "");
    let expected = format!("error: something listens on {address} already");
    assert!(ended.stderr.starts_with(&expected), "{}", ended.stderr);
}

#[test]
fn an_address_that_others_reach_must_be_allowed() {
    let ended = run(program().args(["emulate", "--listen", "0.0.0.0:0"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("--allow-non-loopback"), "{}", ended.stderr);
}
