//! The mail itself.

use otpmux_core::{Message, OtpProvider as _, Text};

use crate::server::{Script, Server};
use crate::world::{CODE, cx, message, request, request_to, settings};

/// Returns the mail that a message becomes, with the settings that `change` makes.
async fn mail_of(
    message: Message,
    change: impl FnOnce(otpmux_smtp::SmtpBuilder) -> otpmux_smtp::SmtpBuilder,
) -> String {
    let server = Server::start(Script::default()).await;
    let provider = change(settings(server.port)).build("mail").unwrap();
    provider.send(&cx(), &request(message)).await.unwrap();
    server.mails().remove(0)
}

fn headers(mail: &str) -> Vec<&str> {
    mail.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
}

#[tokio::test]
async fn a_text_is_a_plain_mail() {
    let server = Server::start(Script::default()).await;
    let provider = settings(server.port).reply_to("help@acme.example").build("mail").unwrap();
    let cx = cx();
    let mut text = message().with_subject(Text::new("Sign in to Acme"));
    text.app = Some("Acme".to_owned());
    let sent = provider.send(&cx, &request(text)).await.unwrap();
    let mail = server.mails().remove(0);
    let id = format!("{}@acme.example", cx.idempotency_key);
    assert_eq!(sent.reference.unwrap().as_str(), id);
    for line in [
        "From: Acme <otp@acme.example>",
        "To: ann@example.com",
        "Reply-To: help@acme.example",
        "Subject: Sign in to Acme",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(headers(&mail).contains(&line), "{line}: {mail}");
    }
    assert!(mail.contains(&format!("Message-ID: <{id}>\r\n")), "{mail}");
    assert!(mail.contains("\r\nDate: "), "{mail}");
    assert!(mail.contains(&format!("\r\n\r\nYour Acme code is {CODE}.")), "{mail}");
    let commands = server.commands();
    assert_eq!(commands[0], "EHLO acme.example");
    assert_eq!(commands[1], "MAIL FROM:<otp@acme.example>");
    assert_eq!(commands[2], "RCPT TO:<ann@example.com>");
}

#[tokio::test]
async fn html_is_the_alternative_that_comes_last() {
    let mut both = message();
    both.html = Some(Text::new("<p>Code <b>{code}</b></p>"));
    let mail = mail_of(both, |settings| settings).await;
    assert!(mail.contains("Content-Type: multipart/alternative;"), "{mail}");
    let plain = mail.find("Content-Type: text/plain").unwrap();
    let html = mail.find("Content-Type: text/html").unwrap();
    assert!(plain < html);
    assert!(mail[plain..html].contains("Your Acme code is 004217."));
    assert!(mail[html..].contains("<b>004217</b>"));
}

#[tokio::test]
async fn a_subject_holds_the_code_only_if_the_settings_say_so() {
    let with_code = || message().with_subject(Text::new("{code} is your code"));
    let mail = mail_of(with_code(), |settings| settings).await;
    assert!(mail.contains("\r\nSubject: Your verification code\r\n"), "{mail}");
    let mail = mail_of(with_code(), |settings| settings.subject("Acme")).await;
    assert!(mail.contains("\r\nSubject: Acme\r\n"), "{mail}");
    let mail = mail_of(with_code(), |settings| settings.code_in_subject(true)).await;
    assert!(mail.contains("\r\nSubject: 004217 is your code\r\n"), "{mail}");
}

#[tokio::test]
async fn no_value_adds_a_header_a_recipient_or_an_end() {
    let evil = "x\r\nBcc: eve@example.com\r\n\r\nbody\r\n.\r\nMAIL FROM:<eve@example.com>";
    let mut message = Message::new(Text::new(&format!("Code {{code}} {evil}\r\n.\r\n.end")));
    message.subject = Some(Text::new(evil));
    message.html = Some(Text::new(&format!("<p>{{code}}</p>{evil}")));
    message.app = Some(evil.to_owned());
    let server = Server::start(Script::default()).await;
    let provider = settings(server.port).from("otp@acme.example").build("mail").unwrap();
    provider.send(&cx(), &request(message)).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert!(headers(&mails[0]).iter().all(|line| !line.starts_with("Bcc")), "{}", mails[0]);
    assert!(mails[0].contains("\r\n.end"), "a line that begins with a dot keeps it: {}", mails[0]);
    let recipients = server.commands().iter().filter(|line| line.starts_with("RCPT")).count();
    let senders = server.commands().iter().filter(|line| line.starts_with("MAIL")).count();
    assert_eq!((recipients, senders), (1, 1), "{:?}", server.commands());
}

#[tokio::test]
async fn every_character_arrives() {
    let text = "Dein Code für Bäckerei 日本 🙂: {code}";
    let message =
        Message::new(Text::new(text)).with_subject(Text::new("Anmeldung bei Bäckerei 日本"));
    let mail = mail_of(message, |settings| settings.from("Bäckerei <otp@acme.example>")).await;
    assert!(mail.is_ascii(), "a server without 8BITMIME takes it: {mail}");
    assert!(mail.contains("=?utf-8?b?"), "{mail}");
}

#[tokio::test]
async fn an_international_domain_is_in_its_ascii_form() {
    let server = Server::start(Script::default()).await;
    let provider = settings(server.port).build("mail").unwrap();
    let request = request_to("o'neil+otp@bücher.example", message());
    provider.send(&cx(), &request).await.unwrap();
    let rcpt = "RCPT TO:<o'neil+otp@xn--bcher-kva.example>".to_owned();
    assert!(server.commands().contains(&rcpt), "{:?}", server.commands());
}
