//! Sockets: accepting, TLS, one connection, and the steps common to every request.

mod connection;
#[cfg(feature = "otel")]
mod otel;
mod request;
mod request_metrics;
mod room;
mod route;
mod serve;
mod write_timeout;

pub(crate) use request::RequestId;
pub(crate) use request_metrics::RequestMetrics;
pub(crate) use serve::serve;
