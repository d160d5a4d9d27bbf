//! One connection: HTTP until a fault takes the socket away from it.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::body::Body;
use crate::dispatch;
use crate::exchange::{Outcome, Reply, Rupture};
use crate::shared::{Shared, stopped};
use crate::vendors::Vendor;

/// Longer than the request line of any request that is meant for a vendor.
const REQUEST_LINE: usize = 4096;

pub(crate) async fn run(stream: TcpStream, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    // Without it, small answers wait for the acknowledgement of the ones before.
    let _ = stream.set_nodelay(true);
    tokio::select! {
        refused = is_refused(&stream, &shared) => if refused { return },
        () = stopped(&mut stop) => return,
    }
    let (rupture, mut ruptured) = mpsc::channel::<Rupture>(1);
    let service_stop = stop.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, rupture, stop) = (Arc::clone(&shared), rupture.clone(), service_stop.clone());
        async move {
            match dispatch::answer(request, &shared, stop).await {
                Outcome::Reply(reply) => {
                    let body = Body::whole(reply.body.clone());
                    Ok::<_, Infallible>(response(reply, body))
                }
                Outcome::Stream(reply, body) => Ok(response(reply, Body::stream(body))),
                Outcome::Rupture(how) => {
                    let _ = rupture.send(how).await;
                    // The connection ends under this future.
                    pending().await
                }
            }
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut stopping = false;
    loop {
        tokio::select! {
            // However HTTP ended, there is nobody left to tell.
            _ = &mut connection => return,
            Some(how) = ruptured.recv() => {
                let _ = end(connection.into_parts().io.into_inner(), how).await;
                return;
            }
            () = stopped(&mut stop), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

/// Looks at the request line without taking it from the socket: one port serves all vendors, so
/// only the line tells whose refusal this would be.
async fn is_refused(stream: &TcpStream, shared: &Shared) -> bool {
    if !shared.world().faults.any_refusal() {
        return false;
    }
    let mut start = [0; REQUEST_LINE];
    let Ok(length) = stream.peek(&mut start).await else {
        return false;
    };
    let line = String::from_utf8_lossy(&start[..length]);
    let target = line.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    match Vendor::of_path(path) {
        Some((vendor, path)) => shared.world().faults.take_refusal(vendor, path),
        None => false,
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

fn response(reply: Reply, body: Body) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| status.as_u16() >= 200);
    let mut response = Response::new(body);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // Names and values that HTTP does not allow can only come from a fault's setting.
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = parsed {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
