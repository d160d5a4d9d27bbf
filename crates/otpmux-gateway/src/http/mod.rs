//! Sockets: accepting, TLS, one connection, and what is the same for every request.

mod connection;
#[cfg(feature = "otel")]
mod otel;
mod request;
mod room;
mod serve;
mod write_timeout;

pub(crate) use serve::serve;
