//! Connections that are used again.

use otpmux_core::Certainty::Unknown;
use otpmux_core::ErrorKind::Transport;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, Step};

use crate::support::{assert_error, patient, send};

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

/// The server closes an idle connection while the next call may already be under way. Whoever wins
/// the race: what fails was not repeated, and what was repeated had not been sent.
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
