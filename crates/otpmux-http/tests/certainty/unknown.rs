//! Failures after which the vendor's action is unknown.

use std::time::Duration;

use otpmux_core::Certainty::{NotSent, Unknown};
use otpmux_core::ErrorKind::{Timeout, Transport};
use otpmux_core::{Certainty, Error, ErrorKind};
use otpmux_http::{Call, Transport as HttpTransport};
use otpmux_testkit::faulty::{FaultyServer, Play, Step};

use crate::support::{
    assert_error, assert_honest, cx, cx_for, impatient, now, patient, post, since,
};

/// One send to a server that plays this, whose one connection is then over. The transport is in no
/// hurry, except where only its timeout can end the call.
async fn failed_send(play: Play, way: fn(&str) -> HttpTransport) -> (Error, FaultyServer) {
    failed_call(play, way, post()).await
}

async fn failed_call(
    play: Play,
    way: fn(&str) -> HttpTransport,
    call: Call,
) -> (Error, FaultyServer) {
    let server = FaultyServer::start(play).await;
    let error = way(&server.url()).call(&cx(), call).await.unwrap_err();
    server.until_ended(1).await;
    assert_eq!(server.connections().len(), 1, "no second try: {error:?}");
    assert_honest(&error, &server);
    (error, server)
}

/// As `failed_send`, for a play that reads the whole request.
async fn assert_read(play: Play, kind: ErrorKind, certainty: Certainty) {
    let way = if kind == Timeout { impatient } else { patient };
    let (error, server) = failed_send(play, way).await;
    assert_error(&error, kind, certainty);
    assert_eq!(server.requests().len(), 1, "the request arrived whole");
}

#[tokio::test]
async fn read_then_close() {
    assert_read(Play::read_then_close(), Transport, Unknown).await;
}

#[tokio::test]
async fn read_then_reset() {
    assert_read(Play::read_then_reset(), Transport, Unknown).await;
}

#[tokio::test]
async fn read_then_no_answer() {
    assert_read(Play::silence(), Timeout, Unknown).await;
}

#[tokio::test]
async fn header_that_never_ends() {
    assert_read(Play::slow_header(), Timeout, Unknown).await;
}

#[tokio::test]
async fn body_that_never_ends() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let bytes = "{}".repeat(50_000).into();
    let pause = Duration::from_millis(10);
    let play = Play::new([Step::Read, Step::Write(head.into()), Step::Trickle { bytes, pause }]);
    assert_read(play, Timeout, Unknown).await;
}

#[tokio::test]
async fn cut_header() {
    assert_read(Play::cut_header(), Transport, Unknown).await;
}

#[tokio::test]
async fn cut_body() {
    assert_read(Play::cut_body(), Transport, Unknown).await;
}

#[tokio::test]
async fn not_http() {
    assert_read(Play::not_http(), Transport, Unknown).await;
}

/// Here the server knows better than the client ever can: something came, nothing was read.
#[tokio::test]
async fn reset_before_reading_what_was_written() {
    let (error, server) = failed_send(Play::notice_then_reset(), patient).await;
    assert_error(&error, Transport, Unknown);
    assert!(server.requests().is_empty());
}

/// A close or reset that races with the writing: either the client saw it first, and its request was
/// never begun, or unknown. Repeated, since either may win; the close does almost always.
#[tokio::test]
async fn accept_then_close_or_reset() {
    let without_body: fn() -> Call = || Call::get("/balance");
    for (play, call) in [
        (Play::accept_then_close(), post as fn() -> Call),
        (Play::accept_then_reset(), post),
        (Play::accept_then_close(), without_body),
        (Play::accept_then_reset(), without_body),
    ] {
        let mut proven = 0;
        for _ in 0..25 {
            let (error, server) = failed_call(play.clone(), patient, call()).await;
            let either = if error.certainty() == NotSent { NotSent } else { Unknown };
            assert_error(&error, Transport, either);
            assert!(server.requests().is_empty());
            proven += usize::from(either == NotSent);
        }
        assert_ne!(proven, 0, "a request that was never begun is not sent");
    }
}

#[tokio::test]
async fn get_that_had_a_connection_may_have_arrived() {
    let server = FaultyServer::start(Play::read_then_close()).await;
    let call = Call::get("/balance");
    let error = patient(&server.url()).call(&cx(), call).await.unwrap_err();
    assert_error(&error, Transport, Unknown);
    assert_eq!(server.requests().len(), 1);
}

/// The server accepts and reads only after the call has ended. The whole request lies in its
/// buffers, so that "unknown" is the truth; it is there once, and the client has hung up.
#[tokio::test]
async fn server_that_reads_too_late() {
    let play = Play::new([Step::Wait, Step::Silence]);
    let server = FaultyServer::start(play).await;
    let transport = patient(&server.url());
    let begun = now();
    let cx = cx_for(Duration::from_millis(900));
    let error = transport.call(&cx, post()).await.unwrap_err();
    assert!(since(begun) < Duration::from_secs(10));
    assert_error(&error, Timeout, Unknown);
    server.release();
    server.until_ended(1).await;
    assert_honest(&error, &server);
    assert_eq!(server.drained().await, 1);
}

/// More than fits in the buffers on the way: the call ends while its body is half written. The HTTP
/// client goes on writing what it has taken, so that "unknown" is the truth here too.
#[tokio::test]
async fn half_written_body_may_become_whole_later() {
    let play = Play::new([Step::Wait, Step::Silence]);
    let server = FaultyServer::start(play).await;
    let call = Call::post("/send", &"x".repeat(16 << 20));
    let transport = patient(&server.url());
    let cx = cx_for(Duration::from_millis(900));
    let error = transport.call(&cx, call).await.unwrap_err();
    assert_error(&error, Timeout, Unknown);
    server.release();
    server.until_ended(1).await;
    assert_honest(&error, &server);
    assert_eq!(server.connections().len(), 1);
}
