//! Sends the vendors' reports, and lets their own work happen when it is due.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::callback::Callback;
use crate::shared::Shared;

/// How long one report may take, by the machine's clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// Works until the emulator stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut changes = shared.world().changes.subscribe();
    // Like the emulator itself, it stays on this machine unless it was allowed to leave.
    let anywhere = !shared.addr.ip().is_loopback();
    loop {
        // Before looking: a later change wakes this task again.
        changes.mark_unchanged();
        let (batch, pause) = {
            let mut world = shared.world();
            world.let_time_pass();
            let now = world.clock.now();
            let batch = world.receipts.take(now);
            (batch, world.next_due().map(|due| wait(now, due)))
        };
        if let Some(batch) = batch {
            for one in batch {
                let status = tokio::select! {
                    status = timeout(PATIENCE, send(&one.callback, anywhere)) => status,
                    () = shared.stopped() => return,
                };
                let world = &mut *shared.world();
                let now = world.clock.now();
                world.receipts.done(one, now, status.ok().and_then(Result::ok));
            }
            continue;
        }
        // A frozen clock moves only by a change.
        let pause = pause.filter(|_| shared.world().clock.frozen_at().is_none());
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            () = shared.stopped() => return,
        }
    }
}

/// Returns the time from now to then, a little longer than zero, so that no loop turns idly.
fn wait(now: Timestamp, due: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default().max(Duration::from_millis(1))
}

/// Makes the request and returns the status of the answer.
async fn send(callback: &Callback, anywhere: bool) -> io::Result<u16> {
    let uri: Uri = callback.url.parse().map_err(invalid)?;
    let host = uri.host().map(|host| host.trim_matches(['[', ']']));
    let (Some("http"), Some(host), Some(authority)) = (uri.scheme_str(), host, uri.authority())
    else {
        return Err(invalid("the emulator reports to http:// only"));
    };
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !is_here && !anywhere {
        return Err(invalid(
            "an emulator on a loopback address reports to loopback addresses only",
        ));
    }
    let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(Full::new(callback.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().map_err(invalid)?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(authority.as_str()).map_err(invalid)?);
    for (name, value) in &callback.headers {
        let name: HeaderName = name.parse().map_err(invalid)?;
        headers.insert(name, HeaderValue::from_str(value).map_err(invalid)?);
    }
    let answer = async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let _ = response.into_body().collect().await;
        drop(sender);
        Ok(status)
    };
    let (answer, _) = tokio::join!(answer, connection);
    answer
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
