//! The steps common to every request: its id, its trace, its log line, its metrics.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use otpmux::provider::{Entropy as _, OsEntropy};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::app::App;
use crate::auth::Peer;
use crate::http::route::route;

static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static NOSNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// The id of a request, for answers that show it in their body.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) HeaderValue);

pub(super) async fn answer(
    app: &App,
    router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Response {
    let begun = Instant::now();
    let (method, route) = (request.method().clone(), route(&app.doors, request.uri().path()));
    let id = request_id(request.headers());
    // Its fields are formatted at the start of every request: only those that identify the request.
    let span = tracing::info_span!(
        "request",
        id = id.to_str().unwrap_or_default(),
        trace_id = trace_id(request.headers()),
    );
    #[cfg(feature = "otel")]
    super::otel::begin(&span, request.headers());
    request.extensions_mut().insert(Peer(peer.ip()));
    if app.doors.shows_request_ids() {
        request.extensions_mut().insert(RequestId(id.clone()));
    }
    let service = TowerToHyperService::new(router);
    let mut response = match service.call(request.map(Body::new)).instrument(span.clone()).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (status, elapsed) = (response.status().as_u16(), begun.elapsed());
    span.in_scope(|| {
        if status < 500 {
            tracing::debug!(%method, route, status, ?elapsed, "answered");
        } else {
            tracing::warn!(%method, route, status, ?elapsed, "answered");
        }
    });
    #[cfg(feature = "otel")]
    super::otel::end(&span, &method, route, status);
    app.request_metrics.count(&method, route, status, elapsed.as_secs_f64());
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID.clone(), id);
    let (name, value) = &NOSNIFF;
    headers.insert(name.clone(), value.clone());
    if app.is_draining() {
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The caller's request id, if it is fit for logs, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fit = |value: &&HeaderValue| {
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=64).contains(&value.len()) && value.as_bytes().iter().all(allowed)
    };
    headers.get(&X_REQUEST_ID).filter(fit).cloned().unwrap_or_else(new_id)
}

/// A new id, different in all processes, without a call to the system's randomness each time.
fn new_id() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| {
        let mut bytes = [0; 8];
        // An id that is not random is still an id.
        match OsEntropy.fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => u64::from(std::process::id()),
        }
    });
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 33];
    id[..16].copy_from_slice(&hex(*PROCESS));
    id[16] = b'-';
    id[17..].copy_from_slice(&hex(number));
    HeaderValue::from_bytes(&id).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// The sixteen hex digits of a number.
fn hex(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// The trace id of the request (W3C Trace Context): 32 hex digits, not all of them zero.
fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(&TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, parent, _flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|b| b != b'0')
    };
    (version.len() == 2 && version != "ff" && hex(trace, 32) && hex(parent, 16)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_callers_is_kept_if_it_is_fit_for_logs() {
        let with = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID.clone(), HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(with("order-7_a.b"), "order-7_a.b");
        for unfit in ["", "a b", "+919876543210", &"x".repeat(65)] {
            assert_ne!(with(unfit), unfit);
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }

    #[test]
    fn traces() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TRACEPARENT.clone(), HeaderValue::from_str(text).unwrap());
            trace_id(&headers).map(ToOwned::to_owned)
        };
        let trace = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(of(&format!("00-{trace}-b7ad6b7169203331-01")).as_deref(), Some(trace));
        for wrong in [
            format!("ff-{trace}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{}-b7ad6b7169203331-01", trace.to_uppercase()),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{trace}"),
        ] {
            assert_eq!(of(&wrong), None, "{wrong}");
        }
    }
}
