//! Answers that are read, and answers that are too much.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::Certainty::{self, Unknown};
use otpmux_core::ErrorKind::{Protocol, RateLimited};
use otpmux_http::Reading;
use otpmux_testkit::ManualClock;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, gzip_bomb};

use crate::support::{assert_error, patient, send};

const HUGE: u64 = 100 << 20;

#[tokio::test]
async fn hundred_megabytes_are_not_read() {
    let server = FaultyServer::start(Play::huge_body(HUGE)).await;
    let error = send(&patient(&server.url())).await.unwrap_err();
    assert_error(&error, Protocol, Unknown);
    server.until_ended(1).await;
    let connections = server.connections();
    assert_eq!(connections.len(), 1);
    // The rest is what the sockets' buffers hold.
    assert!(connections[0].written < HUGE / 2, "{}", connections[0].written);
}

#[tokio::test]
async fn hundred_megabytes_that_were_not_announced_are_not_read_either() {
    use otpmux_testkit::faulty::Step;
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let play = Play::new([Step::Read, Step::Write(head.into()), Step::Spaces(HUGE)]);
    let server = FaultyServer::start(play).await;
    let error = send(&patient(&server.url())).await.unwrap_err();
    assert_error(&error, Protocol, Unknown);
    server.until_ended(1).await;
    assert!(server.connections()[0].written < HUGE / 2);
}

#[tokio::test]
async fn compressed_answer_stays_packed() {
    let unpacked = 20 << 20;
    let server = FaultyServer::start(Play::gzip_bomb(unpacked)).await;
    let answer = send(&patient(&server.url())).await.unwrap();
    let packed = format!("{} bytes", gzip_bomb(unpacked).len());
    assert!(format!("{answer:?}").contains(&packed), "{answer:?} is not {packed}");
    assert!(answer.json().is_none());
    assert!(server.requests()[0].header("accept-encoding").is_none(), "it was not asked for");
}

#[tokio::test]
async fn every_status_but_a_redirect_is_an_answer() {
    for status in [200, 204, 400, 401, 404, 429, 500, 503, 599] {
        let server = FaultyServer::start(&Reply::new(status)).await;
        let answer = send(&patient(&server.url())).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.is_success(), status < 300);
        let error = answer.error(Reading::of_status(status, false));
        assert_ne!(error.certainty(), Certainty::NotSent);
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_read_by_the_injected_clock_and_capped() {
    // Sun, 06 Nov 1994 08:49:37 GMT.
    let clock = Arc::new(ManualClock::at_unix(784_111_777));
    for (header, seconds) in [
        ("42", Some(42)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("86401", Some(86_400)),
        ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
        ("soon", None),
    ] {
        let reply = Reply::json(429, "{}").with_header("retry-after", header);
        let server = FaultyServer::start(&reply).await;
        let transport = patient(&server.url()).with_clock(clock.clone());
        let answer = send(&transport).await.unwrap();
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(answer.retry_after(), expected, "{header}");
        let error = answer.error(Reading::of_status(429, expected.is_some()));
        assert_error(&error, RateLimited, Certainty::Rejected);
        assert_eq!(error.retry_after(), expected, "{header}");
    }
}
