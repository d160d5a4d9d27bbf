//! The faulty server, seen from a plain socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::ErrorKind;
use std::time::Duration;

use otpmux_testkit::faulty::{FaultyServer, Play, Reply, Step, refused_address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const REQUEST: &[u8] = b"POST /send HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";

async fn connect(server: &FaultyServer) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// Writes a request and reads to the end.
async fn exchange(server: &FaultyServer) -> std::io::Result<Vec<u8>> {
    let mut client = connect(server).await;
    client.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn closes_and_resets() {
    let server = FaultyServer::start(Play::read_then_close()).await;
    assert_eq!(exchange(&server).await.unwrap(), b"");
    for play in [Play::read_then_reset(), Play::notice_then_reset()] {
        let server = FaultyServer::start(play).await;
        let error = exchange(&server).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn plays_the_last_connection_for_all_further_ones() {
    let first = Play::answer_then_close(&Reply::new(200));
    let then = Play::answer_then_close(&Reply::new(500));
    let server = FaultyServer::start(first.then(then)).await;
    for status in ["200", "500", "500"] {
        let answer = exchange(&server).await.unwrap();
        assert!(String::from_utf8_lossy(&answer).contains(status));
    }
    assert_eq!((server.requests().len(), server.connections().len()), (3, 3));
}

#[tokio::test]
async fn tells_a_whole_request_from_a_part_of_one() {
    let server = FaultyServer::start(Play::silence()).await;
    let mut client = connect(&server).await;
    client.write_all(&REQUEST[..REQUEST.len() - 1]).await.unwrap();
    server.until(|all| all.iter().any(|one| !one.requests.is_empty())).await;
    assert!(server.requests().is_empty());
    client.write_all(b"}").await.unwrap();
    server.until(|all| all[0].requests.iter().any(|one| one.whole)).await;
    drop(client);
    server.until_ended(1).await;
    assert_eq!(server.requests()[0].text(), "{}");
}

#[tokio::test]
async fn streams_more_than_it_holds() {
    let server = FaultyServer::start(Play::huge_body(3 << 20)).await;
    let answer = exchange(&server).await.unwrap();
    assert!(answer.len() > 3 << 20 && answer.ends_with(b"  "));
    server.until_ended(1).await;
    assert_eq!(server.connections()[0].written, answer.len() as u64);
}

#[tokio::test]
async fn waits_to_be_released() {
    let play = Play::new([Step::Wait, Step::Write("x".into()), Step::Close]);
    let server = FaultyServer::start(play).await;
    let mut client = connect(&server).await;
    let nothing = timeout(Duration::from_millis(50), client.read(&mut [0])).await;
    assert!(nothing.is_err());
    server.release();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn busy_server_accepts_no_connection_until_released() {
    let server = FaultyServer::start_busy(Play::read_then_close()).await;
    let waiting = TcpStream::connect(server.address());
    assert!(timeout(Duration::from_millis(100), waiting).await.is_err());
    server.release();
    assert_eq!(server.drained().await, 0, "nor did anybody get in");
    assert_eq!(exchange(&server).await.unwrap(), b"");
}

#[tokio::test]
async fn a_refused_address_has_no_listener() {
    let error = TcpStream::connect(refused_address().await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn ends_when_dropped() {
    let server = FaultyServer::start(Play::silence()).await;
    let mut client = connect(&server).await;
    client.write_all(REQUEST).await.unwrap();
    server.until(|all| !all.is_empty()).await;
    drop(server);
    // Closed or reset, whichever; but not open.
    let ended = timeout(Duration::from_secs(10), client.read(&mut [0])).await.unwrap();
    assert!(ended.is_err() || ended.is_ok_and(|count| count == 0));
}
