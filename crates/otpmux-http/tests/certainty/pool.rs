//! Connections that are used again.

use std::time::Duration;

use otpmux_core::Certainty::Unknown;
use otpmux_core::ErrorKind::Transport;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, Step};

use crate::support::{assert_error, config, patient, send, transport};

fn ok() -> Reply {
    Reply::json(200, "{}")
}

#[tokio::test]
async fn is_used_again() {
    let server = FaultyServer::start(&ok()).await;
    let transport = patient(&server.url());
    for _ in 0..3 {
        send(&transport).await.unwrap();
    }
    assert_eq!(server.connections().len(), 1);
    assert_eq!(server.requests().len(), 3);
}

/// The worst moment for a hidden retry: the connection was used before, the second request has
/// been read, and then it breaks. The HTTP client would find that "stale" and send it again.
#[tokio::test]
async fn breaks_after_reading_a_later_request() {
    for last in [Step::Close, Step::Reset] {
        let first = Step::Write(ok().to_bytes());
        let play = Play::new([Step::Read, first, Step::Read, last]);
        let server = FaultyServer::start(play.then(Play::answer(&ok()))).await;
        let transport = patient(&server.url());
        send(&transport).await.unwrap();
        let error = send(&transport).await.unwrap_err();
        assert_error(&error, Transport, Unknown);
        assert_eq!(server.requests().len(), 2, "one request per call");
        assert_eq!(server.connections().len(), 1, "and no second try");
    }
}

#[tokio::test]
async fn breaks_before_reading_a_later_request() {
    let first = Step::Write(ok().to_bytes());
    let play = Play::new([Step::Read, first, Step::Notice, Step::Reset]);
    let server = FaultyServer::start(play.then(Play::answer(&ok()))).await;
    let transport = patient(&server.url());
    send(&transport).await.unwrap();
    let error = send(&transport).await.unwrap_err();
    assert_error(&error, Transport, Unknown);
    assert_eq!(server.drained().await, 1, "no second try");
}

/// The server closes an idle connection while the next call may already be under way. Whichever
/// wins the race: what fails was not repeated, and what was repeated had not been sent.
#[tokio::test]
async fn goes_stale() {
    for _ in 0..25 {
        let server = FaultyServer::start(Play::answer_then_close(&ok())).await;
        let transport = patient(&server.url());
        send(&transport).await.unwrap();
        let second = send(&transport).await;
        let arrived = server.requests().len();
        match second {
            Ok(_) => assert_eq!(arrived, 2),
            Err(error) => {
                assert_error(&error, Transport, error.certainty());
                assert_eq!(arrived, 1, "{error:?}");
            }
        }
    }
}

/// Lets time pass on the pool's clock. It is stopped only here: while it is, sockets have no time
/// to answer.
async fn pass(millis: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(millis)).await;
    tokio::time::resume();
}

/// A vendor that has given up its connection when the next request comes: that one is lost, and
/// nothing proves whether it was read.
fn gone_after(first: &Reply) -> Play {
    let given_up = Play::new([Step::Read, Step::Write(first.to_bytes()), Step::Read, Step::Reset]);
    given_up.then(Play::answer(first))
}

#[tokio::test]
async fn is_not_used_again_when_the_vendor_announces_that_it_keeps_none() {
    for announced in ["timeout=1", "timeout=0", "max=100, Timeout=1"] {
        let first = ok().with_header("keep-alive", announced);
        let server = FaultyServer::start(gone_after(&first)).await;
        let transport = patient(&server.url());
        send(&transport).await.unwrap();
        pass(600).await;
        send(&transport).await.unwrap();
        assert_eq!(server.requests().len(), 2, "{announced}");
    }
}

#[tokio::test]
async fn is_used_again_for_less_than_the_announced_time() {
    let first = ok().with_header("keep-alive", "timeout=3");
    let server = FaultyServer::start(&first).await;
    let transport = patient(&server.url());
    // The first answer brings the news; from the second on it is obeyed.
    send(&transport).await.unwrap();
    send(&transport).await.unwrap();
    let before = server.connections().len();
    pass(1_900).await;
    send(&transport).await.unwrap();
    assert_eq!(server.connections().len(), before);
    pass(2_100).await;
    send(&transport).await.unwrap();
    assert_eq!(server.connections().len(), before + 1);
}

#[tokio::test]
async fn a_longer_announcement_changes_nothing() {
    let first = ok().with_header("keep-alive", "timeout=60");
    let server = FaultyServer::start(&first).await;
    let transport = patient(&server.url());
    send(&transport).await.unwrap();
    send(&transport).await.unwrap();
    assert_eq!(server.connections().len(), 1);
    pass(4_100).await;
    send(&transport).await.unwrap();
    assert_eq!(server.connections().len(), 2);
}

/// Five seconds is the default of Node.js, Apache and uvicorn.
#[tokio::test]
async fn is_not_used_again_after_the_time_that_common_servers_keep_one() {
    let server = FaultyServer::start(gone_after(&ok())).await;
    let transport = patient(&server.url());
    send(&transport).await.unwrap();
    pass(4_500).await;
    send(&transport).await.unwrap();
}

#[tokio::test]
async fn the_time_can_be_set_and_zero_uses_none_again() {
    for (idle, passes, connections) in [(0, 0, 2), (60_000, 50_000, 1)] {
        let server = FaultyServer::start(&ok()).await;
        let mut config = config(&server.url()).with_timeout(Duration::from_secs(20));
        config.pool_idle_timeout = Duration::from_millis(idle);
        let transport = transport(config);
        send(&transport).await.unwrap();
        pass(passes).await;
        send(&transport).await.unwrap();
        assert_eq!(server.connections().len(), connections);
    }
}
