//! Sockets: accepting, TLS, one connection, and what is the same for every request.

mod connection;
mod request;
mod serve;
mod tls;
mod write_timeout;

pub(crate) use request::Peer;
pub(crate) use serve::serve;
pub(crate) use tls::Tls;
