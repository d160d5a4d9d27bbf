//! Names of hosts, and the addresses that may be connected to.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Looks up the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// Returns the addresses of a name.
    ///
    /// # Errors
    ///
    /// The name has none, or no server answers.
    fn lookup(&self, name: String)
    -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no state")]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(
        &self,
        name: String,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|it| it.ip()).collect())
        })
    }
}

/// Resolves names to permitted addresses only. The HTTP client connects to what this returns, so a
/// name that changes its addresses after a check gains nothing.
#[derive(Clone)]
pub(crate) struct Resolver {
    lookup: Arc<dyn Lookup>,
    permits: fn(IpAddr) -> bool,
}

impl Resolver {
    /// Every address that the operating system finds.
    pub(crate) fn system() -> Self {
        Self::permitting(Arc::new(SystemLookup), |_| true)
    }

    pub(crate) fn permitting(lookup: Arc<dyn Lookup>, permits: fn(IpAddr) -> bool) -> Self {
        Self { lookup, permits }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (addresses, permits) = (self.lookup.lookup(name.as_str().to_owned()), self.permits);
        Box::pin(async move {
            let mut addresses = addresses.await?;
            addresses.retain(|address| permits(*address));
            if addresses.is_empty() {
                return Err(io::Error::other(NotPermitted));
            }
            let addresses: Vec<_> =
                addresses.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
            Ok(addresses.into_iter())
        })
    }
}

/// A name has no address that may be connected to.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name of the host has no permitted address")]
pub(crate) struct NotPermitted;
