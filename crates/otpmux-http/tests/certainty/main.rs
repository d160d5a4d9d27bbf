//! The transport's report of a failed call, compared with what really arrived: every case runs
//! against a server on a raw socket that records what it reads.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod answers;
mod deadlines;
mod not_sent;
mod pool;
mod privacy;
mod redirects;
mod support;
mod unknown;
mod wire;
