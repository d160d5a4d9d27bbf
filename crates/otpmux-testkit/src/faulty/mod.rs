//! A server that misbehaves on a raw socket, in ways that no HTTP library allows.
//!
//! [`FaultyServer::start`] listens on a free port of 127.0.0.1 and plays a [`Play`]: for each
//! connection a list of [`Step`]s. It records what it received, so that a test can compare what a
//! client claims ("nothing was sent") with what really arrived.

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
