//! The OpenTelemetry part of a request: its span continues the caller's trace.

use http::{HeaderMap, Method};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::Status;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Makes a span that was not entered yet part of the caller's trace (W3C Trace Context), if the
/// request has one.
pub(super) fn begin(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    // Without an exporter there is no trace to continue.
    let _ = span.set_parent(parent);
}

/// Records the result, with the names of the semantic conventions.
pub(super) fn end(span: &Span, method: &Method, route: &'static str, status: u16) {
    let method = match method.as_str() {
        known @ ("GET" | "POST" | "DELETE") => known.to_owned(),
        _ => "_OTHER".to_owned(),
    };
    span.set_attribute("http.request.method", method);
    span.set_attribute("http.route", route);
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}
