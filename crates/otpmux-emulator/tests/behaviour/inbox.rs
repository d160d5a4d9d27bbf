//! A server that receives the vendors' reports, as an application would.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct Shelf {
    received: Vec<Received>,
    /// The statuses of the next answers; then 204.
    statuses: VecDeque<u16>,
}

pub(crate) struct Inbox {
    url: String,
    shelf: Arc<Mutex<Shelf>>,
    server: JoinHandle<()>,
}

impl Inbox {
    pub(crate) async fn start() -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/receipts?token=abc123", listener.local_addr().unwrap());
        let shared = Arc::clone(&shelf);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shelf = Arc::clone(&shared);
                let service = service_fn(move |request| receive(Arc::clone(&shelf), request));
                // One after the other, as the emulator sends them.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            }
        });
        Self { url, shelf, server }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shelf.lock().unwrap().received.clone()
    }

    pub(crate) fn answer_next(&self, status: u16) {
        self.shelf.lock().unwrap().statuses.push_back(status);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(
    shelf: Arc<Mutex<Shelf>>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut shelf = shelf.lock().unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let (path, headers) = (head.uri.to_string(), head.headers);
    shelf.received.push(Received { path, headers, body });
    let status = shelf.statuses.pop_front().unwrap_or(204);
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}
