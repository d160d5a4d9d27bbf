//! A server that misbehaves on a raw socket, in ways that no HTTP library allows.
//!
//! [`FaultyServer::start`] listens on a free port of 127.0.0.1 and plays a [`Play`]: a list of
//! [`Step`]s for each connection. It records the received bytes, so that a test can compare a
//! client's claim ("nothing was sent") with them.

mod addresses;
mod connection;
mod gzip;
mod play;
mod record;
mod reply;
mod server;

pub use addresses::{UNRESOLVABLE_HOST, refused_address};
pub use gzip::gzip_bomb;
pub use play::{Play, Step};
pub use record::{Connection, Request};
pub use reply::Reply;
pub use server::FaultyServer;
