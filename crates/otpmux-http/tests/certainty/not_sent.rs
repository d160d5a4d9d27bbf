//! Failures of which it is certain that nothing was sent.

use std::time::Duration;

use otpmux_core::Certainty::NotSent;
use otpmux_core::ErrorKind::{Timeout, Transport};
use otpmux_http::Call;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, UNRESOLVABLE_HOST, refused_address};

use crate::support::{
    assert_error, assert_honest, config, cx, cx_for, impatient, now, patient, post, send, since,
    transport,
};

#[tokio::test]
async fn refused() {
    let address = refused_address().await;
    let error = send(&patient(&format!("http://{address}"))).await.unwrap_err();
    assert_error(&error, Transport, NotSent);
}

#[tokio::test]
async fn refused_get_too_although_it_has_no_body_to_mark() {
    let address = refused_address().await;
    let transport = patient(&format!("http://{address}"));
    let call = Call::get("/balance");
    let error = transport.call(&cx(), call).await.unwrap_err();
    assert_error(&error, Transport, NotSent);
}

#[tokio::test]
async fn host_name_that_does_not_resolve() {
    let transport = impatient(&format!("https://{UNRESOLVABLE_HOST}"));
    let error = send(&transport).await.unwrap_err();
    // A resolver that is out of reach itself may run into the connect timeout instead.
    let kind = if error.kind() == Timeout { Timeout } else { Transport };
    assert_error(&error, kind, NotSent);
}

#[tokio::test]
async fn tls_handshake_hangs_until_the_connect_timeout() {
    let server = FaultyServer::start(Play::silence()).await;
    let mut config = config(&server.https_url()).with_timeout(Duration::from_secs(20));
    config.connect_timeout = Duration::from_millis(200);
    let begun = now();
    let error = send(&transport(config)).await.unwrap_err();
    assert_error(&error, Timeout, NotSent);
    assert!(since(begun) < Duration::from_secs(10));
    server.until_ended(1).await;
    assert_only_a_client_hello(&server);
}

#[tokio::test]
async fn tls_handshake_hangs_until_the_whole_call_ends() {
    for call in [post(), Call::get("/balance"), Call::delete("/cancel")] {
        let server = FaultyServer::start(Play::silence()).await;
        // The deadline comes long before the connect timeout, which would prove it as well.
        let transport = patient(&server.https_url());
        let cx = cx_for(Duration::from_millis(200));
        let error = transport.call(&cx, call).await.unwrap_err();
        assert_error(&error, Timeout, NotSent);
        assert_eq!(error.detail(), "no connection in time");
        server.until_ended(1).await;
        assert_only_a_client_hello(&server);
    }
}

#[track_caller]
fn assert_only_a_client_hello(server: &FaultyServer) {
    let connections = server.connections();
    assert_eq!(connections.len(), 1, "no second try");
    // 22: a TLS handshake record.
    assert_eq!(connections[0].bytes.first(), Some(&22));
    assert!(connections[0].requests.is_empty());
}

#[tokio::test]
async fn tls_answered_with_something_else() {
    let banner = Reply::new(400).to_bytes();
    let play = Play::new([
        otpmux_testkit::faulty::Step::Notice,
        otpmux_testkit::faulty::Step::Write(banner),
        otpmux_testkit::faulty::Step::Silence,
    ]);
    let server = FaultyServer::start(play).await;
    let error = send(&patient(&server.https_url())).await.unwrap_err();
    assert_error(&error, Transport, NotSent);
    assert_eq!(server.connections().len(), 1, "no second try");
}

/// The queue of new connections is full, so that TCP itself never answers. What was called "not
/// sent" must stay so when the server gets to its queue after all.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn tcp_handshake_hangs_and_the_body_does_not_come_later() {
    let reply = Reply::json(200, "{}");
    let server = FaultyServer::start_busy(Play::answer(&reply)).await;

    let by_connect_timeout = send(&impatient(&server.url())).await.unwrap_err();
    assert_error(&by_connect_timeout, Timeout, NotSent);
    let transport = patient(&server.url());
    let cx = cx_for(Duration::from_millis(200));
    let by_deadline = transport.call(&cx, post()).await.unwrap_err();
    assert_error(&by_deadline, Timeout, NotSent);
    let cx = cx_for(Duration::from_millis(200));
    let without_body = transport.call(&cx, Call::get("/balance")).await.unwrap_err();
    assert_error(&without_body, Timeout, NotSent);

    server.release();
    server.drained().await;
    assert!(server.requests().is_empty());
    assert_honest(&by_deadline, &server);
    let late = send(&patient(&server.url())).await;
    assert!(late.is_ok(), "and the server does work: {late:?}");
    assert_eq!(server.requests().len(), 1);
}
