#![expect(clippy::expect_used, reason = "a machine without a loopback port must fail the test")]

use std::net::SocketAddr;

use tokio::net::TcpListener;

/// A host name that never resolves (RFC 6761).
pub const UNRESOLVABLE_HOST: &str = "otpmux-testkit.invalid";

/// Returns an address of this machine at which nothing listens: a port that was just free.
///
/// # Panics
///
/// If the machine has no free loopback port.
pub async fn refused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
    listener.local_addr().expect("the port just bound")
}
