//! A foreign mail server: Debian's aiosmtpd, in a separate process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use otpmux_core::{Blame, Certainty, ErrorKind, Message, OtpProvider as _, Text};
use serde_json::Value;

use crate::world::{CERTIFICATE, CODE, KEY, cx, message, request, request_to, settings};

struct Real {
    port: u16,
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Real {
    /// Starts `python3-aiosmtpd` of Debian; a test that needs it must not pass without it.
    fn start(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judge/server.py");
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .args(arguments)
            .args(["--cert", CERTIFICATE, "--key", KEY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("a port; is the package python3-aiosmtpd installed?");
        Self { port, child, output }
    }

    /// Returns the next mail that the server has accepted.
    fn mail(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LOGIN: [&str; 2] = ["--login", "otp:swordfish"];

#[tokio::test]
async fn takes_a_mail_in_each_way_of_tls() {
    for (tls, login) in [("none", false), ("starttls", true), ("implicit", true), ("none", true)] {
        let mut arguments = vec!["--tls", tls];
        if login {
            arguments.extend(LOGIN);
        }
        let mut server = Real::start(&arguments);
        let mut settings = settings(server.port).tls(tls).ca_file(CERTIFICATE);
        if login {
            settings = settings.username("otp").password("swordfish");
        }
        let provider = settings.build("mail").unwrap();
        let mut both = message().with_subject(Text::new("Sign in to Bäckerei"));
        both.html = Some(Text::new("<p>{code}</p>"));
        for message in [both, Message::new(Text::new("é {code}\r\n.\r\n..end"))] {
            provider.send(&cx(), &request(message)).await.unwrap();
            let mail = server.mail();
            assert_eq!(mail["from"], "otp@acme.example");
            assert_eq!(mail["to"], serde_json::json!(["ann@example.com"]));
            assert_eq!(mail["helo"], "acme.example");
            // The server knows of STARTTLS only; TLS from the beginning is below it.
            assert_eq!(mail["starttls"], tls == "starttls");
            assert_eq!(mail["user"], if login { "otp".into() } else { Value::Null });
            let content = mail["content"].as_str().unwrap();
            assert!(content.contains("Auto-Submitted: auto-generated"), "{content}");
        }
    }
}

#[tokio::test]
async fn refuses_as_the_table_says() {
    let server = Real::start(&["--tls", "starttls", LOGIN[0], LOGIN[1]]);
    let base = || settings(server.port).tls("starttls").ca_file(CERTIFICATE);
    let wrong = base().username("otp").password("guppy").build("mail").unwrap();
    let error = wrong.send(&cx(), &request(message())).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.certainty()),
        (ErrorKind::Unauthenticated, Certainty::Rejected)
    );
    let without = base().build("mail").unwrap();
    let error = without.send(&cx(), &request(message())).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.certainty()),
        (ErrorKind::Unauthenticated, Certainty::Rejected)
    );
    let right = base().username("otp").password("swordfish").build("mail").unwrap();
    let nobody = request_to("nobody@example.com", message());
    let error = right.send(&cx(), &nobody).await.unwrap_err();
    let found = (error.kind(), error.certainty(), error.blame());
    assert_eq!(found, (ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient));
    assert_eq!(error.vendor_code(), Some("5.1.1"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("nobody") && !shown.contains(CODE), "{shown}");
    right.send(&cx(), &request(message())).await.unwrap();
}
