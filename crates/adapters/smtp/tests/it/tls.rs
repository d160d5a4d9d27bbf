use otpmux_core::{Certainty, ErrorKind};

use crate::server::{Script, Server};
use crate::world::{acceptor, message, send, settings, settings_tls};

fn with_tls() -> Script {
    Script { tls: Some(acceptor()), ..Script::default().feature("AUTH PLAIN") }
}

#[tokio::test]
async fn starttls_comes_before_login_and_message() {
    let server = Server::start(with_tls()).await;
    let settings = settings_tls(server.port).username("otp").password("swordfish");
    send(settings, message()).await.unwrap();
    let commands = server.commands();
    let words: Vec<_> = commands.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(words, ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "BODY"]);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn without_tls_nothing_leaves() {
    let server = Server::start(Script::default().feature("AUTH PLAIN")).await;
    let settings = settings_tls(server.port).username("otp").password("swordfish");
    let error = send(settings, message()).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Configuration, Certainty::NotSent));
    assert!(error.to_string().contains("does not offer STARTTLS"), "{error}");
    let commands = server.commands();
    assert!(!commands.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_certificate_of_another_host_is_refused() {
    let server = Server::start(with_tls()).await;
    // Not trusted.
    let untrusted = settings(server.port).tls("starttls");
    // Trusted, but for another name.
    let elsewhere = settings_tls(server.port).host("127.0.0.2");
    for settings in [untrusted, elsewhere] {
        let error = send(settings, message()).await.unwrap_err();
        let found = (error.kind(), error.certainty());
        assert_eq!(found, (ErrorKind::Transport, Certainty::NotSent), "{error}");
    }
    assert!(!server.commands().iter().any(|line| line.starts_with("MAIL")));
}

/// A line that an attacker sends before TLS is not taken for the server's answer after it.
#[tokio::test]
async fn an_answer_that_was_put_before_tls_is_not_heard() {
    for injected in
        ["250-evil\r\n250 AUTH PLAIN\r\n", "250 OK\r\n", "250 OK\r\n250 OK\r\n250 OK\r\n"]
    {
        let script = Script { injected, ..with_tls() };
        let server = Server::start(script).await;
        let settings = settings_tls(server.port).username("otp").password("swordfish");
        let error = send(settings, message()).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::NotSent, "{error}");
        let commands = server.commands();
        assert_eq!(commands.len(), 2, "EHLO and STARTTLS, and nothing under TLS: {commands:?}");
    }
}
