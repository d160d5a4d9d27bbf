//! Sockets: accepting, TLS, one connection, and what is the same for every request.

mod connection;
mod request;
mod serve;
mod write_timeout;

pub(crate) use serve::serve;
