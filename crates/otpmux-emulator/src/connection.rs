//! One connection: HTTP until a fault takes over the socket.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::dispatch;
use crate::exchange::{Outcome, Reply, Rupture};
use crate::shared::Shared;
use crate::vendors::Vendor;

/// Serves a connection to a vendor.
pub(crate) async fn run(stream: TcpStream, vendor: Vendor, shared: Arc<Shared>) {
    // Without it, small answers wait for the acknowledgement of earlier ones.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        () = serve(stream, vendor, &shared) => {}
        // The vendor went down: its open connections end as when a process dies.
        () = shared.is_shut(vendor) => {}
    }
}

async fn serve(stream: TcpStream, vendor: Vendor, shared: &Arc<Shared>) {
    let (rupture, mut ruptured) = mpsc::channel::<Rupture>(1);
    let service = service_fn(move |request: Request<Incoming>| {
        let rupture = rupture.clone();
        async move {
            match dispatch::answer(request, vendor, shared).await {
                Outcome::Reply(reply) => Ok::<_, Infallible>(response(reply)),
                Outcome::Rupture(how) => {
                    let _ = rupture.send(how).await;
                    // The connection ends and drops this future.
                    pending().await
                }
            }
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    loop {
        tokio::select! {
            // However HTTP ended, no client is left to answer.
            _ = &mut connection => return,
            Some(how) = ruptured.recv() => {
                let _ = end(connection.into_parts().io.into_inner(), how).await;
                return;
            }
            () = shared.stopped(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

async fn end(mut stream: TcpStream, how: Rupture) -> io::Result<()> {
    match how {
        Rupture::Reset => stream.set_zero_linger(),
        Rupture::Close => stream.shutdown().await,
        Rupture::Raw(bytes) => {
            stream.write_all(bytes).await?;
            stream.shutdown().await
        }
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| status.as_u16() >= 200);
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // Only a fault's setting can contain names and values that HTTP does not allow.
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = parsed {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
