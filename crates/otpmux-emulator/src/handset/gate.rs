//! Rejects other web sites: a browser on this machine can send requests to the emulator for every
//! page that it shows.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderName, HeaderValue, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::input::Refusal;
use crate::shared::Shared;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Refuses requests that a foreign page made, or may have made. Forbids foreign pages to embed the
/// answers or to read them as another type.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refusal(request.method(), request.headers(), shared.addr) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn refusal(method: &Method, headers: &HeaderMap, listen: SocketAddr) -> Option<Refusal> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    // With a foreign name that resolves to this machine, a page would have the emulator's origin.
    if !is_ours(host, listen.ip()) {
        return Some(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "the header Host names neither localhost nor the address that the emulator listens on",
        ));
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    (!reads && is_foreign(headers, host))
        .then(|| Refusal::new(StatusCode::FORBIDDEN, "pages of other origins change nothing here"))
}

fn is_ours(host: &str, listen: IpAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address
        .is_ok_and(|address| address.is_loopback() || address == listen || listen.is_unspecified())
}

/// Returns whether a foreign page made the request. Programs send neither header; browsers send
/// `Origin` with every request that is not a plain read.
fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    let other_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    let other_origin = headers.get(ORIGIN).is_some_and(|origin| {
        !origin.as_bytes().eq_ignore_ascii_case(format!("http://{host}").as_bytes())
    });
    other_site || other_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_machine_are_ours() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let lan: IpAddr = "192.0.2.7".parse().unwrap();
        let everywhere: IpAddr = "0.0.0.0".parse().unwrap();
        for (host, listen, ours) in [
            ("127.0.0.1:4010", loopback, true),
            ("127.9.9.9", loopback, true),
            ("LocalHost:1", loopback, true),
            ("team.localhost:4010", loopback, true),
            ("[::1]:4010", loopback, true),
            ("192.0.2.7:4010", lan, true),
            ("192.0.2.7:4010", everywhere, true),
            ("192.0.2.7:4010", loopback, false),
            ("rebound.example:4010", loopback, false),
            ("rebound.example:4010", everywhere, false),
            ("127.0.0.1.example", loopback, false),
            ("localhost.example", loopback, false),
            ("notlocalhost", loopback, false),
            ("", loopback, false),
        ] {
            assert_eq!(is_ours(host, listen), ours, "{host} at {listen}");
        }
    }
}
