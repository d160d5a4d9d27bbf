use otpmux_core::{Blame, Certainty, Error, ErrorKind};

use super::{OtpClient, ProviderView};

impl OtpClient {
    /// Whether a send would have a chance: the store answers, and one provider at least is not being
    /// left alone. Learns what other processes have told the store about providers.
    ///
    /// # Errors
    ///
    /// Not sent: the store is out of reach ([`ErrorKind::Store`]); every provider is being left
    /// alone ([`ErrorKind::CircuitOpen`]).
    pub async fn ready(&self) -> Result<(), Error> {
        self.learn_health().await?;
        if self.providers().iter().any(ProviderView::admits) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
            .with_detail("every provider is being left alone after failures"))
    }
}
