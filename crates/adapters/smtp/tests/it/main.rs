//! The adapter in front of mail servers: a scripted one, and a real one in a separate process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure here fails the test")]

mod certainty;
mod content;
mod emulated;
mod login;
mod pool;
mod real;
mod server;
mod tls;
mod world;
