use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 165\r\n\r\n\
    {\"success\":true,\"verification_id\":\"11f951d5-32d1-4b49-bdda-7da248e2615c\",\
    \"expires_at\":\"2024-01-01T12:05:00.000Z\",\
    \"request_id\":\"7b4d6022-7260-4568-b6b7-29c366c47bbc\"}";

/// Starts, on a separate thread, a server that answers every request as EasyOTP answers a send. It
/// does almost nothing, so that the client is measured.
///
/// # Panics
///
/// If loopback cannot be bound.
pub fn loopback_vendor() -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            tell.send(listener.local_addr().expect("a bound address")).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
    });
    told.recv().expect("a started server")
}

/// Reads requests by their `content-length` and answers each.
async fn serve(mut stream: TcpStream) {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        while let Some(end) = request_end(&buffer) {
            buffer.drain(..end);
            if stream.write_all(ANSWER.as_bytes()).await.is_err() {
                return;
            }
        }
        if !matches!(stream.read_buf(&mut buffer).await, Ok(n) if n > 0) {
            return;
        }
    }
}

fn request_end(buffer: &[u8]) -> Option<usize> {
    let text = str::from_utf8(buffer).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
    })?;
    (buffer.len() >= head + length).then_some(head + length)
}
