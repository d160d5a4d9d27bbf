use async_trait::async_trait;
use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Channel, Context, Error, ErrorKind,
    OtpProvider, ProviderId, ResendRequest, SendRequest, Sent, Status, Target, Verdict,
    VerifyRequest,
};

/// Provider that accepts every send at once, without any I/O.
#[derive(Debug)]
pub struct InstantProvider {
    id: ProviderId,
    capabilities: Capabilities,
}

impl InstantProvider {
    /// Returns a provider that accepts codes of otpmux by SMS.
    ///
    /// # Panics
    ///
    /// If `id` is not a valid name of a provider.
    pub fn new(id: &str) -> Self {
        Self {
            id: ProviderId::new(id).expect("a provider's name"),
            capabilities: Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10),
        }
    }
}

impl InstantProvider {
    /// Makes it take the text of the message.
    #[must_use]
    pub fn with_message(mut self) -> Self {
        self.capabilities.message = true;
        self
    }
}

#[async_trait]
impl OtpProvider for InstantProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, _: &Context, _: &SendRequest) -> Result<Sent, Error> {
        Ok(Sent::new())
    }
}

/// Provider that refuses every connection.
#[derive(Debug)]
pub struct DeadProvider(InstantProvider);

impl DeadProvider {
    /// Returns a provider that claims codes of otpmux by SMS.
    ///
    /// # Panics
    ///
    /// If `id` is not a valid name of a provider.
    pub fn new(id: &str) -> Self {
        Self(InstantProvider::new(id))
    }

    fn dead(&self) -> Error {
        Error::new(ErrorKind::Transport, Certainty::NotSent, Blame::Provider)
            .with_provider(self.0.id.clone())
    }
}

#[async_trait]
impl OtpProvider for DeadProvider {
    fn id(&self) -> &ProviderId {
        &self.0.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    async fn send(&self, _: &Context, _: &SendRequest) -> Result<Sent, Error> {
        Err(self.dead())
    }

    async fn verify(&self, _: &Context, _: &VerifyRequest) -> Result<Verdict, Error> {
        Err(self.dead())
    }

    async fn resend(&self, _: &Context, _: &ResendRequest) -> Result<Sent, Error> {
        Err(self.dead())
    }

    async fn cancel(&self, _: &Context, _: &Target) -> Result<Cancellation, Error> {
        Err(self.dead())
    }

    async fn status(&self, _: &Context, _: &Target) -> Result<Status, Error> {
        Err(self.dead())
    }

    async fn balance(&self, _: &Context) -> Result<Balance, Error> {
        Err(self.dead())
    }
}
