//! Deadlines, and callers that go.

use std::time::Duration;

use otpmux_core::Certainty::{NotSent, Unknown};
use otpmux_core::ErrorKind::{Configuration, Timeout};
use otpmux_core::{ProviderId, Secret};
use otpmux_http::Transport;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply};

use crate::support::{
    assert_error, assert_honest, config, cx, cx_for, now, patient, post, send, since,
};

#[tokio::test]
async fn deadline_that_has_passed() {
    let server = FaultyServer::start(&Reply::json(200, "{}")).await;
    let cx = cx().with_deadline(now());
    let error = patient(&server.url()).call(&cx, post()).await.unwrap_err();
    assert_error(&error, Timeout, NotSent);
    assert_eq!(server.drained().await, 0, "not even a connection");
}

#[tokio::test]
async fn deadline_before_the_timeout_is_obeyed() {
    let server = FaultyServer::start(Play::silence()).await;
    let transport = patient(&server.url());
    let begun = now();
    let cx = cx_for(Duration::from_millis(900));
    let error = transport.call(&cx, post()).await.unwrap_err();
    let took = since(begun);
    assert!(took >= Duration::from_millis(900) && took < Duration::from_secs(10), "{took:?}");
    assert_error(&error, Timeout, Unknown);
    assert_honest(&error, &server);
}

#[tokio::test]
async fn timeout_before_the_deadline_is_obeyed() {
    let server = FaultyServer::start(Play::silence()).await;
    let begun = now();
    let transport = crate::support::impatient(&server.url());
    let cx = cx_for(Duration::from_mins(1));
    let error = transport.call(&cx, post()).await.unwrap_err();
    assert!(since(begun) < Duration::from_secs(10));
    assert_error(&error, Timeout, Unknown);
}

#[tokio::test]
async fn caller_that_goes_in_the_middle() {
    let silent_then_fine = Play::silence().then(Play::from(&Reply::json(200, "{}")));
    let server = FaultyServer::start(silent_then_fine).await;
    let transport = patient(&server.url());
    let call = tokio::spawn({
        let transport = transport.clone();
        async move { send(&transport).await }
    });
    server.until(|all| all.iter().any(|one| !one.requests.is_empty())).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    server.until_ended(1).await;
    assert_eq!(server.requests().len(), 1, "it was neither finished nor repeated");
    send(&transport).await.expect("the transport is as good as before");
}

#[test]
fn timeouts_that_contradict_each_other() {
    let mut config = config("http://127.0.0.1:1");
    config.connect_timeout = config.timeout;
    let provider = ProviderId::new("faulty").unwrap();
    let error = Transport::new(provider, config, &[("x-api-key", Secret::new("k"))]).unwrap_err();
    assert_error(&error, Configuration, NotSent);
}
