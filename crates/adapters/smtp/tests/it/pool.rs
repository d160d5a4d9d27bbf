use std::time::Duration;

use otpmux_core::{Certainty, OtpProvider as _};

use crate::server::{Act, Script, Server};
use crate::world::{cx, message, request, request_to, settings};

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(Script::default()).await;
    let provider = settings(server.port).build("mail").unwrap();
    for _ in 0..3 {
        provider.send(&cx(), &request(message())).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (3, 1));
    let provider = settings(server.port).pool_idle_timeout(Duration::ZERO).build("mail").unwrap();
    for _ in 0..2 {
        provider.send(&cx(), &request(message())).await.unwrap();
    }
    assert_eq!((server.mails().len(), server.connections()), (5, 3));
}

/// A server that ends each connection at its second message, silently or with 421.
#[tokio::test]
async fn a_connection_that_the_server_has_closed_costs_no_message() {
    for act in [Act::Close, Act::Say("421 4.4.2 idle for too long")] {
        let server = Server::start(Script { second_mail: Some(act), ..Script::default() }).await;
        let provider = settings(server.port).build("mail").unwrap();
        for _ in 0..3 {
            provider.send(&cx(), &request(message())).await.unwrap();
        }
        assert_eq!((server.mails().len(), server.connections()), (3, 3), "{act:?}");
    }
}

#[tokio::test]
async fn a_connection_that_broke_is_not_used_again() {
    let server = Server::start(Script::default().act("RCPT TO:<BOB", Act::Close)).await;
    let provider = settings(server.port).build("mail").unwrap();
    provider.send(&cx(), &request(message())).await.unwrap();
    let bob = request_to("bob@example.com", message());
    let error = provider.send(&cx(), &bob).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::NotSent);
    provider.send(&cx(), &request(message())).await.unwrap();
    assert_eq!((server.mails().len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn many_at_once_have_a_connection_each() {
    let server = Server::start(Script::default()).await;
    let provider = std::sync::Arc::new(settings(server.port).build("mail").unwrap());
    let sends: Vec<_> = (0..20)
        .map(|_| {
            let provider = std::sync::Arc::clone(&provider);
            tokio::spawn(async move { provider.send(&cx(), &request(message())).await.map(drop) })
        })
        .collect();
    for send in sends {
        send.await.unwrap().unwrap();
    }
    assert_eq!(server.mails().len(), 20);
}
