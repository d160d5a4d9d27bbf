use otpmux_core::Error;

use super::OtpClient;

impl OtpClient {
    /// Whether this process can verify codes, and write down new verifications: the store takes
    /// writes, and no other process has another server key under the id of one of this one's. Writes
    /// something small into the store, so ask once a second at most.
    ///
    /// How the vendors are is no part of this: what is out can be verified while they are down, and
    /// each send finds out for itself. [`providers`](Self::providers) tells, and this learns for it
    /// what other processes have told the store.
    ///
    /// # Errors
    ///
    /// Not sent: the store is out of reach, or takes no writes
    /// ([`ErrorKind::Store`](otpmux_core::ErrorKind::Store)); a server key differs
    /// ([`ErrorKind::Configuration`](otpmux_core::ErrorKind::Configuration)).
    pub async fn ready(&self) -> Result<(), Error> {
        self.check_keys().await?;
        let inner = self.inner();
        inner.store.probe(inner.clock.now()).await?;
        self.learn_health().await
    }
}
