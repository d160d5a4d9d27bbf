use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

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
pub(super) struct Permitted {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) permits: fn(IpAddr) -> bool,
}

impl Resolve for Permitted {
    fn resolve(&self, name: Name) -> Resolving {
        let (addresses, permits) = (self.lookup.lookup(name.as_str().to_owned()), self.permits);
        Box::pin(async move {
            let permitted: Vec<_> = addresses
                .await?
                .into_iter()
                .filter(|address| permits(*address))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if permitted.is_empty() {
                let error = io::Error::other(NotPermitted);
                return Err(Box::new(error) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// A name has no address to which webhooks are sent.
#[derive(Debug, thiserror::Error)]
#[error("the name of the host has no public address")]
pub(super) struct NotPermitted;

pub(super) fn permits_public(address: IpAddr) -> bool {
    is_public(address)
}

pub(super) fn permits_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
