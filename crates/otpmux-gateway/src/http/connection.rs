//! One connection, with time limits: a slow or idle peer is disconnected.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::request;
use super::write_timeout::WriteTimeout;
use crate::app::App;

/// The time limit of the TLS handshake of a new connection, and again of its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long a connection may be idle between requests, and how long the head of a later one may
/// take.
const IDLE: Duration = Duration::from_secs(60);
/// How long a caller may leave an answer unread.
const STUCK: Duration = Duration::from_secs(10);
/// The limit on all headers of a request together. That on their number is the library's own, 100:
/// for any other, it allocates a list for each request.
const HEAD_BYTES: usize = 16 * 1024;

pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    app: Arc<App>,
    tls: bool,
    router: Router,
    ending: CancellationToken,
) {
    // Otherwise small answers wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    let stream = WriteTimeout::new(stream, STUCK);
    let Some(tls) = app.tls.as_ref().filter(|_| tls) else {
        return http(stream, peer, app, router, ending).await;
    };
    // A failed handshake is not reported: there is no HTTP connection to answer on.
    if let Ok(Ok(stream)) = timeout(FIRST_REQUEST, tls.accept(stream)).await {
        http(stream, peer, app, router, ending).await;
    }
}

async fn http<S>(
    stream: S,
    peer: SocketAddr,
    app: Arc<App>,
    router: Router,
    ending: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let spoke = Arc::new(AtomicBool::new(false));
    let service = {
        let spoke = Arc::clone(&spoke);
        service_fn(move |request: Request<Incoming>| {
            spoke.store(true, Ordering::Relaxed);
            let (app, router) = (Arc::clone(&app), router.clone());
            async move { Ok::<_, Infallible>(request::answer(&app, router, peer, request).await) }
        })
    };
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(2 * HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // The connection has ended, so its result is not reported.
        _ = connection.as_mut() => return,
        () = ending.cancelled() => {}
        () = sleep(FIRST_REQUEST) => {
            if !spoke.load(Ordering::Relaxed) {
                return;
            }
            tokio::select! {
                _ = connection.as_mut() => return,
                () = ending.cancelled() => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
