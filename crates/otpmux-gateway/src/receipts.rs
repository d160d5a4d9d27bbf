//! What the gateway knows about receipts besides its client.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use otpmux::config::ServerConfig;
use otpmux::config::settings::ConfigError;
use otpmux::provider::ProviderId;
use otpmux::{Config, RateLimit};
use tokio::time::Instant;

use crate::pace::Pace;

/// The settings of receipts, and the pace of each provider.
pub(crate) struct ReceiptSettings {
    /// Without a slash at its end.
    public_url: Option<Box<str>>,
    /// The largest body, in bytes.
    pub(crate) largest: usize,
    requests: Vec<RateLimit>,
    /// Of providers that the client knows; no other name gets one.
    paces: Mutex<HashMap<ProviderId, Arc<Pace>>>,
}

impl ReceiptSettings {
    pub(crate) fn new(server: &ServerConfig) -> Self {
        let url = server.public_url.as_deref();
        Self {
            public_url: url.map(|url| url.trim_end_matches('/').into()),
            largest: server.receipt_body,
            requests: server.receipt_requests.clone(),
            paces: Mutex::default(),
        }
    }

    /// Returns the URL that a vendor called, by the path and query of its request.
    pub(crate) fn called(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.public_url.as_deref().unwrap_or_default())
    }

    /// Counts one request of a provider that exists.
    ///
    /// # Errors
    ///
    /// The wait until the next one is allowed.
    pub(crate) fn take(&self, provider: &ProviderId) -> Result<(), Duration> {
        let now = Instant::now();
        let pace = {
            // No step under the lock can panic half-way.
            let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
            let pace = paces.entry(provider.clone());
            Arc::clone(pace.or_insert_with(|| Arc::new(Pace::new(&self.requests, now))))
        };
        pace.take(now)
    }
}

/// Reports the first provider whose receipts cannot arrive, because the gateway does not know its
/// own address.
pub(crate) fn unreachable(config: &Config, server: &ServerConfig) -> Option<ConfigError> {
    let takes = |one: &&otpmux::config::ConfiguredProvider| one.capabilities.receipts.is_some();
    let provider = config.providers().iter().find(takes).filter(|_| server.public_url.is_none())?;
    let message = format!(
        "missing; the receipts of provider `{}` need it, such as \"https://otp.example.com\"",
        provider.id
    );
    Some(ConfigError::new("server.public_url", message))
}

impl fmt::Debug for ReceiptSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptSettings").field("largest", &self.largest).finish_non_exhaustive()
    }
}
