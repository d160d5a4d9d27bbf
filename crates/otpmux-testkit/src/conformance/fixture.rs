use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Channel, OtpProvider, Recipient};

/// An adapter for the suite: creates instances, each with its own vendor.
#[async_trait]
pub trait Fixture: Send + Sync + 'static {
    /// Returns a new provider with valid credentials, and a new vendor without any history. The
    /// capabilities are the same every time. Give the provider a timeout of one second: trials wait
    /// for it, and with a shorter one an ignored deadline would not be noticed.
    async fn start(&self) -> Box<dyn Instance>;

    /// Returns the reason why the vendor of this fixture cannot play a trial, by the trial's name
    /// (`sends/sms`). Such a trial is left out. A vendor that knows everything that it does plays
    /// all of them: this is for one that is known from some of its answers only.
    fn cannot_play(&self, _trial: &str) -> Option<&str> {
        None
    }
}

/// One provider and its vendor, usually an emulator. Dropping it ends the vendor.
#[async_trait]
pub trait Instance: Send + Sync {
    /// Returns the provider.
    fn provider(&self) -> Arc<dyn OtpProvider>;

    /// Returns a recipient whom the vendor reaches by this channel.
    fn recipient(&self, channel: &Channel) -> Recipient;

    /// Returns the messages that the vendor has delivered, oldest first.
    async fn delivered(&self) -> Vec<DeliveredMessage>;

    /// Makes the vendor fail like this, on every request from now on.
    async fn fault(&self, fault: VendorFault);

    /// Makes the vendor work again.
    async fn heal(&self);

    /// Advances the vendor's clock, and the provider's, if it has one.
    async fn advance(&self, by: Duration);

    /// Returns another provider at the same vendor, with credentials that the vendor does not know.
    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider>;

    /// Returns how many requests the vendor has received, faults included.
    async fn requests_seen(&self) -> usize;

    /// Returns the secrets in the configuration of [`provider`](Self::provider), and no others.
    fn credentials(&self) -> Vec<String>;

    /// Returns the name of a template that the vendor knows. Required if the capabilities claim
    /// templates.
    fn template(&self) -> Option<String> {
        None
    }
}

/// Message as its recipient got it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveredMessage {
    /// Its channel.
    pub channel: Channel,
    /// Its recipient, as the vendor writes it: with or without the `+` of a number.
    pub to: String,
    /// The code.
    pub code: String,
    /// Its whole text.
    pub text: String,
}

impl DeliveredMessage {
    /// Returns a message.
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

/// Misbehaviour of a vendor. The vendor does its work in none of these cases.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorFault {
    /// Answers this status, with the vendor's body for it, or an empty one.
    Status(u16),
    /// Answers this status with this body and a JSON content type.
    Answer(u16, String),
    /// Redirects the client to this URL with status 307.
    Redirect(String),
    /// Reads the request and does not answer.
    Hang,
    /// Reads the request, then resets the connection.
    ResetAfterRead,
    /// Reads the request, then closes the connection.
    CloseBeforeAnswer,
    /// Answers with bytes that are not HTTP.
    GarbageHttp,
    /// Answers status 200 with a body that is not JSON.
    GarbageJson,
    /// Refuses connections.
    Refuse,
}
