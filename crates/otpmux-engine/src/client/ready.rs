use otpmux_core::{Blame, Certainty, Error, ErrorKind};

use super::OtpClient;

impl OtpClient {
    /// Whether a send would have a chance: the store answers, and one provider at least is not being
    /// left alone. Learns what other processes have told the store about providers.
    ///
    /// # Errors
    ///
    /// Not sent: the store is out of reach ([`ErrorKind::Store`]); every provider is being left
    /// alone ([`ErrorKind::CircuitOpen`]).
    pub async fn ready(&self) -> Result<(), Error> {
        let inner = self.inner();
        let now = inner.clock.now();
        let marks = inner.store.health(now).await?;
        inner.members.learn(&marks, now);
        let admits = |member: &super::members::Member| member.guarded.health().admits(now);
        if inner.members.active.values().any(|member| admits(member)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
            .with_detail("every provider is being left alone after failures"))
    }
}
