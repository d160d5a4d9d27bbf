//! The certainty of a conversation that ends early.

use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, Message, OtpProvider as _, Text};
use tokio::time::Instant;

use crate::server::{Act, Script, Server};
use crate::world::{CODE, TO, cx, message, request, send, settings};

#[tokio::test]
async fn a_failure_before_the_final_dot_is_not_sent() {
    for place in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"] {
        for act in [Act::Close, Act::Hang] {
            let server = Server::start(Script::default().act(place, act)).await;
            let settings = settings(server.port).timeout(Duration::from_millis(300));
            let error = send(settings, message()).await.unwrap_err();
            let found = (error.certainty(), error.blame());
            assert_eq!(found, (Certainty::NotSent, Blame::Provider), "{place} {act:?}: {error}");
            assert!(server.mails().is_empty());
        }
    }
}

/// So large that the connection cannot hold it: the final dot has not left.
#[tokio::test]
async fn a_message_that_was_not_written_to_its_end_was_not_sent() {
    for act in [Act::Close, Act::Hang] {
        let server = Server::start(Script::default().act("BODY", act)).await;
        let settings = settings(server.port).timeout(Duration::from_millis(500));
        let large = Message::new(Text::new(&format!(
            "{{code}}{}",
            // The library inserts each missing `\r` by moving all that follows.
            "\r\n01234567890123456789012345678".repeat(1 << 19)
        )));
        let error = send(settings, large).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::NotSent, "{act:?}: {error}");
    }
}

#[tokio::test]
async fn a_failure_after_the_final_dot_is_unknown() {
    for (act, kind) in [
        (Act::Close, ErrorKind::Protocol),
        (Act::Hang, ErrorKind::Timeout),
        (Act::Say("what?"), ErrorKind::Protocol),
        (Act::Say("354 more"), ErrorKind::Protocol),
        (Act::Say("421 4.3.2 closing"), ErrorKind::Unavailable),
    ] {
        let server = Server::start(Script::default().act("DOT", act)).await;
        let settings = settings(server.port).timeout(Duration::from_millis(300));
        let error = send(settings, message()).await.unwrap_err();
        let found = (error.kind(), error.certainty());
        assert_eq!(found, (kind, Certainty::Unknown), "{act:?}: {error}");
    }
}

#[tokio::test]
async fn a_refusal_proves_that_nothing_was_sent_and_names_whose_fault_it_is() {
    use Blame::{Provider, Recipient};
    use ErrorKind as K;
    for (place, reply, kind, certainty, blame) in [
        ("GREETING", "554 5.7.1 blocked", K::Forbidden, Certainty::NotSent, Provider),
        ("MAIL", "553 5.7.1 not your address", K::Forbidden, Certainty::Rejected, Provider),
        ("RCPT", "550 5.1.1 no such user", K::InvalidRecipient, Certainty::Rejected, Recipient),
        ("RCPT", "552 5.2.2 over quota", K::InvalidRecipient, Certainty::Rejected, Recipient),
        ("RCPT", "450 4.7.1 greylisted", K::Unavailable, Certainty::Rejected, Provider),
        ("DATA", "451 4.3.0 try later", K::Unavailable, Certainty::Rejected, Provider),
        ("DOT", "554 5.7.1 looks like spam", K::Forbidden, Certainty::Rejected, Provider),
        ("DOT", "451 4.3.0 try later", K::Unavailable, Certainty::Rejected, Provider),
    ] {
        let server = Server::start(Script::default().act(place, Act::Say(reply))).await;
        let error = send(settings(server.port), message()).await.unwrap_err();
        let found = (error.kind(), error.certainty(), error.blame());
        assert_eq!(found, (kind, certainty, blame), "{place} {reply}: {error}");
        assert!(error.vendor_code().is_some());
    }
}

#[tokio::test]
async fn values_that_the_server_repeats_are_not_shown() {
    let repeated: &'static str = "550 5.1.1 <ann@example.com> code 004217: ann unknown here";
    let server = Server::start(Script::default().act("RCPT", Act::Say(repeated))).await;
    let error = send(settings(server.port), message()).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    for secret in [TO, "ann ", CODE] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("no such mailbox"), "{shown}");
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = send(settings(port), message()).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Transport, Certainty::NotSent));
}

#[tokio::test]
async fn the_deadline_of_the_call_is_kept() {
    let server = Server::start(Script::default().act("DOT", Act::Hang)).await;
    let provider = settings(server.port).build("mail").unwrap();
    let deadline = Instant::now() + Duration::from_millis(200);
    let cx = cx().with_deadline(deadline.into_std());
    let error = provider.send(&cx, &request(message())).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Timeout, Certainty::Unknown));
    assert!(deadline.elapsed() < Duration::from_secs(2));
    let error = provider.send(&cx, &request(message())).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Timeout, Certainty::NotSent));
}

#[tokio::test]
async fn an_unsupported_message_never_connects() {
    let server = Server::start(Script::default()).await;
    let provider = settings(server.port).build("mail").unwrap();
    let mut without = request(message());
    without.message = None;
    let mut by_sms = request(message());
    by_sms.channel = otpmux_core::Channel::Sms;
    let mut theirs = request(message());
    theirs.code = otpmux_core::CodeSource::Vendor { length: None };
    for request in [without, by_sms, theirs] {
        let error = provider.send(&cx(), &request).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::NotSent, "{error}");
    }
    assert_eq!(server.connections(), 0);
}
