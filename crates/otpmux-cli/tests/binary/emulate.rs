use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use otpmux_emulator::Vendor;
use serde_json::Value;

use crate::shared::Folder;
use crate::support::{program, run};

struct Emulate {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Emulate {
    fn start() -> Self {
        Self::start_with(&mut program(), &[])
    }

    fn start_with(program: &mut Command, arguments: &[&str]) -> Self {
        let mut child = program
            .args(["emulate", "--json", "--listen", "127.0.0.1:0"])
            .args(arguments)
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
    for vendor in Vendor::ALL {
        let url = ready["vendors"][vendor.as_str()]["base_url"].as_str().unwrap();
        let (_, address) = url.split_once("://").unwrap();
        let address = address.split('/').next().unwrap();
        assert_ne!(address, listen.to_string());
        TcpStream::connect(address).unwrap();
    }
    assert_eq!(ready["handset"], format!("http://{listen}/"));
    TcpStream::connect(listen).unwrap();
}

#[test]
fn a_person_reads_where_the_vendors_are() {
    let mut child = program()
        .args([
            "emulate",
            "--listen",
            "127.0.0.1:0",
            "--vendor",
            "easyotp",
            "--vendor",
            "vonageverify",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let answers = BufReader::new(child.stdout.take().unwrap());
    let mut emulate = Emulate { child, answers };
    let last = |line: &String| line.trim_start().starts_with("signature_secret");
    let mut lines = Vec::new();
    while !lines.last().is_some_and(last) {
        let mut line = String::new();
        assert_ne!(emulate.answers.read_line(&mut line).unwrap(), 0, "{lines:?}");
        lines.push(line);
    }
    let text = lines.concat();
    let handset = text.lines().find_map(|line| line.strip_prefix("handset  http://")).unwrap();
    TcpStream::connect(handset.split('/').next().unwrap()).unwrap();
    assert!(text.contains("\neasyotp  http://127.0.0.1:"), "{text}");
    assert!(text.contains("\n  api_key = easyotp_emulator_key\n"), "{text}");
    assert!(!text.contains("BEGIN PRIVATE KEY"), "{text}");
}

/// A vendor is emulated from the day its golden files exist.
#[test]
fn vendors_are_chosen_and_played_from_files() {
    let home = Folder::new();
    let folder = home.path().join("acme-2");
    let wire = folder.join("wire");
    std::fs::create_dir_all(&wire).unwrap();
    let golden = r#"{
        "source": "[ASSUMPTION] made up", "documented": false,
        "request": { "method": "POST", "path": "/sms", "headers": {}, "body": { "to": "+12345678900", "code": "1234" } },
        "response": { "status": 202, "headers": {}, "body": { "accepted": true } }
    }"#;
    std::fs::write(wire.join("send-ok.json"), golden).unwrap();
    let replay = format!("{}=acme", folder.display());
    let arguments = ["--vendor", "startmessaging", "--vendor", "acme", "--replay", &replay];
    let mut emulate = Emulate::start_with(&mut program(), &arguments);
    let ready = emulate.ready();
    let names: Vec<&String> = ready["vendors"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["acme", "startmessaging"]);
    let url = ready["vendors"]["acme"]["base_url"].as_str().unwrap();
    let body = r#"{"to":"+919876543210","code":"0815"}"#;
    let send = ["-s", "-H", "content-type: application/json", "-d", body, &format!("{url}/sms")];
    assert_eq!(run(Command::new("curl").args(send), "").stdout, r#"{"accepted":true}"#);
    let handset = ready["handset"].as_str().unwrap();
    let shown = run(Command::new("curl").args(["-s", &format!("{handset}_emulator/messages")]), "");
    assert!(shown.stdout.contains(r#""code":"0815""#), "{}", shown.stdout);
    drop(emulate);

    // Without a name, it has that of its folder; `wire` alone says nothing.
    let wire = wire.display().to_string();
    let mut emulate = Emulate::start_with(&mut program(), &["--replay", &wire]);
    assert!(emulate.ready()["vendors"]["acme-2"].is_object());
    drop(emulate);

    for (arguments, word) in [
        (["--vendor", "nobody"], "known are: easyotp"),
        (["--replay", "/nowhere=acme"], "/nowhere"),
        (["--replay", "/nowhere=A!"], "small letters"),
    ] {
        let listen = ["emulate", "--listen", "127.0.0.1:0"];
        let ended = run(program().args(listen).args(arguments), "");
        assert_eq!(ended.status, Some(2), "{}", ended.everything());
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
}

/// One request, and the whole answer to it.
fn ask(ready: &Value, request: &str) -> String {
    let listen = ready["listen"].as_str().unwrap();
    let mut stream = TcpStream::connect(listen).unwrap();
    let (line, body) = request.split_once('\n').unwrap_or((request, ""));
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_form_reaches_the_gateway_with_the_key() {
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/below", gateway.local_addr().unwrap());
    let key = "gateway-key-0123456789";
    let mut emulate =
        Emulate::start_with(program().env("OTPMUX_API_KEY", key), &["--gateway", &url]);
    let ready = emulate.ready();
    assert!(!ready.to_string().contains(key));
    let asked = thread::spawn(move || {
        let (stream, _) = gateway.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let body = r#"{"title":"No"}"#;
        let length = body.len();
        let mut stream = stream;
        write!(stream, "HTTP/1.1 422 No\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        head
    });
    let send = "POST /_emulator/relay/verifications\n{\"to\":\"+919876543210\"}";
    let answer = ask(&ready, send);
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(answer.ends_with(r#"{"title":"No"}"#) && !answer.contains(key), "{answer}");
    let head = asked.join().unwrap();
    assert_eq!(head[0], "POST /below/v1/verifications HTTP/1.1");
    assert!(head.contains(&format!("authorization: Bearer {key}")), "{head:?}");
    // The listener is gone with its thread.
    let answer = ask(&ready, send);
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("efused") && !answer.contains(key), "{answer}");
}

#[test]
fn a_gateway_needs_a_key_and_a_safe_address() {
    let gateway = ["emulate", "--listen", "127.0.0.1:0", "--gateway"];
    let ended = run(program().args(gateway).arg("http://127.0.0.1:1"), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("OTPMUX_API_KEY"), "{}", ended.stderr);
    let ended = run(program().args(gateway).arg("http://gateway.example"), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("https://"), "{}", ended.stderr);
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
    let expected = format!("error: cannot listen on {address}, for the page: ");
    assert!(ended.stderr.starts_with(&expected), "{}", ended.stderr);
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
}

#[test]
fn an_address_that_others_reach_must_be_allowed() {
    let ended = run(program().args(["emulate", "--listen", "0.0.0.0:0"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("--allow-non-loopback"), "{}", ended.stderr);
}

#[test]
fn json_errors_are_json() {
    let ended = run(program().args(["emulate", "--json", "--listen", "0.0.0.0:0"]), "");
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(ended.error()["kind"], "invalid_request");
}
