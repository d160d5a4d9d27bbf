//! Sockets: accepting, TLS, one connection, and the steps common to every request.

mod connection;
#[cfg(feature = "otel")]
mod otel;
mod request;
mod room;
mod route;
mod serve;
mod write_timeout;

pub(crate) use request::RequestId;
pub(crate) use serve::serve;
