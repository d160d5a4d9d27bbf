use otpmux_core::Error;

use super::{OtpClient, metrics};
use crate::StoreState;

impl OtpClient {
    /// Whether this process can verify codes: the store takes writes, and no other process uses
    /// another server key under the same id. A store that is [full](StoreState::Full) refuses new
    /// verifications only.
    ///
    /// Writes a small entry into the store, so call it once a second at most. Also reads what other
    /// processes have reported about providers; [`providers`](Self::providers) shows it. Providers
    /// that fail do not make a process unready, because the codes that were sent can be verified.
    ///
    /// # Errors
    ///
    /// Not sent: the store is out of reach or refuses writes
    /// ([`ErrorKind::Store`](otpmux_core::ErrorKind::Store)); a server key differs
    /// ([`ErrorKind::Configuration`](otpmux_core::ErrorKind::Configuration)).
    pub async fn ready(&self) -> Result<StoreState, Error> {
        self.check_keys().await?;
        let inner = self.inner();
        let state = inner.store.probe(inner.clock.now()).await?;
        metrics::store_is(state);
        self.refresh_health().await?;
        Ok(state)
    }
}
