//! Clients that are slow, large, many or broken. While each of them is at it, the gateway answers
//! everybody else.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::world::{KEY, Running, emulator, environment, start, toml};

/// Longer than anybody may be slow.
const LONG: Duration = Duration::from_secs(30);

async fn connect(gateway: &Running) -> TcpStream {
    TcpStream::connect(gateway.address).await.unwrap()
}

/// All that the other side sends until it closes the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // Being cut off is an end like any other.
    let _ = timeout(LONG, stream.read_to_end(&mut all)).await.expect("it lets go");
    String::from_utf8_lossy(&all).into_owned()
}

async fn answers(gateway: &Running) {
    let begun = Instant::now();
    gateway.get("/readyz").await.expect(200);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_half_a_head_is_disconnected() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let (mut silent, mut half) = (connect(&gateway).await, connect(&gateway).await);
    half.write_all(b"POST /v1/verifications HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    // One byte at a time does not buy more time either.
    let mut drip = connect(&gateway).await;
    drip.write_all(b"GET /healthz HTTP/1.1\r\nx-drip: ").await.unwrap();
    answers(&gateway).await;
    let dripping = async {
        let (mut read, mut write) = drip.split();
        let mut all = Vec::new();
        let feed = async {
            let mut every = tokio::time::interval(Duration::from_millis(200));
            while write.write_all(b"x").await.is_ok() {
                every.tick().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = read.read_to_end(&mut all) => {}
            () = feed => {}
        }
    };
    let all = async { tokio::join!(rest(&mut silent), rest(&mut half), dripping) };
    let (silent, half, ()) = timeout(LONG, all).await.expect("all are let go");
    assert_eq!((silent.as_str(), half.as_str()), ("", ""));
    answers(&gateway).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let mut slow = connect(&gateway).await;
    let head = format!(
        "POST /v1/verifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: \
         application/json\r\ncontent-length: 100\r\n\r\n{{\"to\":"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    answers(&gateway).await;
    let answer = rest(&mut slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn a_head_of_a_megabyte_or_of_a_thousand_fields_is_refused() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let large = format!("x-large: {}\r\n", "x".repeat(1 << 20));
    let many = (0..1_000).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    for fields in [large, many] {
        let mut stream = connect(&gateway).await;
        let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
        // It may close before it has read everything.
        let _ = stream.write_all(head.as_bytes()).await;
        let answer = rest(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
        answers(&gateway).await;
    }
}

#[tokio::test]
async fn a_request_that_is_not_http_is_refused() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let smuggled = "POST /v1/verifications HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\
                    transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n";
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 2\r\n\r\n",
        b"\r\n\r\n\r\n\0\0\0\0",
        smuggled.as_bytes(),
    ] {
        let mut stream = connect(&gateway).await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    answers(&gateway).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_disconnected() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let mut deaf = connect(&gateway).await;
    let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(64);
    // Until nothing more can be sent, because nothing is read any more at the other side.
    let fed = async { while deaf.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(LONG, fed).await.expect("the connection is cut, though no client reads from it");
    answers(&gateway).await;
}

#[tokio::test]
async fn ten_thousand_idle_connections_leave_room_for_others() {
    let emulator = emulator().await;
    let server = "[server]\nmax_connections_per_address = 16384\n[[server.api_keys]]\nname = \"web\"\n\
                  key = \"env:WEB_KEY\"\n";
    let gateway = start(&toml(&emulator, server), environment()).await.unwrap();
    // Both ends are in this process; half of what it may open has to do on a small machine.
    let room = open_files().saturating_sub(500) / 2;
    let many = room.min(10_000);
    assert!(many >= 250, "only {room} files may be open");
    let before = resident();
    let mut idle = Vec::with_capacity(many);
    for _ in 0..many {
        idle.push(connect(&gateway).await);
    }
    answers(&gateway).await;
    let each = resident().saturating_sub(before) / many;
    assert!(each < 16 * 1024, "{each} bytes for an idle connection, both ends together");
    // They have said nothing, so they are let go.
    let gone = timeout(LONG, idle.last_mut().unwrap().read(&mut [0; 1])).await;
    assert!(matches!(gone, Ok(Ok(0) | Err(_))));
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let bounds = "max_connections = 3\nmax_connections_per_address = 3\n";
    let text = toml(&emulator, &format!("[server]\n{bounds}{keys}"));
    let gateway = start(&text, environment()).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(answered(connect(&gateway).await).await);
    }
    assert_eq!(ask(&gateway, "127.0.0.1").await, "");
    drop(held.pop());
    comes_free(&gateway).await;
}

#[tokio::test]
async fn one_address_cannot_take_every_connection() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let bounds = "max_connections = 6\nmax_connections_per_address = 2\n";
    let text = toml(&emulator, &format!("[server]\n{bounds}{keys}"));
    let gateway = start(&text, environment()).await.unwrap();
    let mut greedy = Vec::new();
    for _ in 0..2 {
        greedy.push(answered(connect_from(&gateway, "127.0.0.2").await).await);
    }
    assert_eq!(ask(&gateway, "127.0.0.2").await, "");
    let _other = answered(connect_from(&gateway, "127.0.0.3").await).await;
    drop(greedy.pop());
    comes_free(&gateway).await;
    while ask(&gateway, "127.0.0.2").await.is_empty() {}

    // A proxy's connections are many users'. Without a separate bound: half of all.
    let bounds = "max_connections = 6\ntrusted_proxies = [\"127.0.0.2\"]\n";
    let text = toml(&emulator, &format!("[server]\n{bounds}{keys}"));
    let gateway = start(&text, environment()).await.unwrap();
    let mut held = Vec::new();
    for address in ["127.0.0.4", "127.0.0.4", "127.0.0.4", "127.0.0.2", "127.0.0.2"] {
        held.push(answered(connect_from(&gateway, address).await).await);
    }
    assert_eq!(ask(&gateway, "127.0.0.4").await, "");
    held.push(answered(connect_from(&gateway, "127.0.0.2").await).await);
    assert_eq!(ask(&gateway, "127.0.0.2").await, "");
}

async fn connect_from(gateway: &Running, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    socket.connect(gateway.address).await.unwrap()
}

/// A connection that has got an answer and stays open.
async fn answered(mut stream: TcpStream) -> TcpStream {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
    stream
}

/// The answer to a connection from this address.
async fn ask(gateway: &Running, address: &str) -> String {
    let mut stream = connect_from(gateway, address).await;
    let head = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    // It may be closed already.
    let _ = stream.write_all(head).await;
    rest(&mut stream).await
}

/// A place is free as soon as the gateway has seen its connection go.
async fn comes_free(gateway: &Running) {
    loop {
        if gateway.http.get(format!("{}/healthz", gateway.url)).send().await.is_ok() {
            break;
        }
    }
}

fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

/// Bytes of memory that this process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}
