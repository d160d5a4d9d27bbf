use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Channel, OtpProvider, Recipient};

/// What the suite needs of an adapter: instances of it, each wired to a vendor of its own.
#[async_trait]
pub trait Fixture: Send + Sync + 'static {
    /// A new provider with good credentials, and a new vendor that nothing has happened to. The same
    /// capabilities every time. Give the provider a timeout of one second: trials wait for it, and
    /// with a shorter one a deadline that is not obeyed would not be noticed.
    async fn start(&self) -> Box<dyn Instance>;
}

/// One provider and the vendor behind it, usually an emulator. Dropping it ends the vendor.
#[async_trait]
pub trait Instance: Send + Sync {
    /// The provider.
    fn provider(&self) -> Arc<dyn OtpProvider>;

    /// Somebody whom the vendor reaches by this channel.
    fn recipient(&self, channel: &Channel) -> Recipient;

    /// What the vendor has delivered, oldest first.
    async fn delivered(&self) -> Vec<DeliveredMessage>;

    /// Makes the vendor misbehave, on every request from now on.
    async fn fault(&self, fault: VendorFault);

    /// Makes the vendor behave again.
    async fn heal(&self);

    /// Moves the vendor's clock forward, and the provider's, if it has one.
    async fn advance(&self, by: Duration);

    /// Another provider at the same vendor, with credentials that the vendor does not know.
    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider>;

    /// How many requests the vendor has received, faults included.
    async fn requests_seen(&self) -> usize;

    /// The secrets that [`provider`](Self::provider) was configured with, and no others.
    fn credentials(&self) -> Vec<String>;

    /// The name of a template that the vendor knows. Needed where the capabilities claim templates.
    fn template(&self) -> Option<String> {
        None
    }
}

/// A message as its recipient got it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveredMessage {
    /// The channel that it came by.
    pub channel: Channel,
    /// Who got it, as the vendor writes it: with or without the `+` of a number.
    pub to: String,
    /// The code.
    pub code: String,
    /// The text around it.
    pub text: String,
}

impl DeliveredMessage {
    /// A message.
    pub fn new(
        channel: Channel,
        to: impl Into<String>,
        code: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self { channel, to: to.into(), code: code.into(), text: text.into() }
    }
}

impl fmt::Debug for DeliveredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveredMessage({})", self.channel)
    }
}

/// How a vendor misbehaves. It does its work in none of these cases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorFault {
    /// It answers this status, with the body that the vendor has for it, or else an empty one.
    Status(u16),
    /// It answers this status with this body, said to be JSON.
    Answer(u16, String),
    /// It sends the client to this URL with status 307.
    Redirect(String),
    /// It reads the request and does not answer.
    Hang,
    /// It reads the request, then resets the connection.
    ResetAfterRead,
    /// It reads the request, then closes the connection.
    CloseBeforeAnswer,
    /// It answers something that is not HTTP.
    GarbageHttp,
    /// It answers status 200 with a body that is not JSON.
    GarbageJson,
    /// Connections to it are refused.
    Refuse,
}
