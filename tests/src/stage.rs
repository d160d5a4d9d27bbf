//! A client in front of emulated vendors, over real sockets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use otpmux_core::{Channel, Code, Error, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};
use otpmux_engine::{
    AuditEntry, AuditSink, MessageLimits, MessageSettings, Messages, NewVerification, OtpClient,
    Policy, Resilience, Verification,
};

use crate::vendors::Emulation;

/// A number that every emulated vendor reaches.
pub const PHONE: &str = "+919876543210";

/// Short enough for tests with a vendor that hangs.
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// Emulator, and a client over vendors in a given order.
#[derive(Debug)]
pub struct Stage {
    /// The vendors.
    pub emulator: Emulator,
    /// The client.
    pub client: OtpClient,
    /// The client's audit log.
    pub audit: Arc<AuditLines>,
}

/// The lines of an audit log, without ids and hashes: among random digits, a search would find short
/// codes by chance.
#[derive(Debug, Default)]
pub struct AuditLines(Mutex<String>);

impl AuditLines {
    /// Returns the lines since the last call.
    pub fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AuditSink for AuditLines {
    fn record(&self, mut entry: AuditEntry) {
        (entry.id, entry.recipient_hash) = (None, None);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&entry.to_json());
        lines.push('\n');
    }
}

impl Stage {
    /// Starts an emulator and a client over these adapters.
    pub async fn start(order: &[&Emulation]) -> Self {
        Self::start_with(order, EmulatorConfig::default()).await
    }

    /// As [`start`](Self::start), with this configuration of the emulator.
    pub async fn start_with(order: &[&Emulation], config: EmulatorConfig) -> Self {
        let config = order.iter().fold(config, |config, setup| setup.play_in(config));
        let emulator = Emulator::start(config).await.expect("a free port");
        let mut policy = Policy::default();
        // Tests do not wait for users.
        policy.resend_delay = Duration::ZERO;
        policy.limits = MessageLimits::none();
        let mut resilience = Resilience::default();
        resilience.retry_pause = Duration::from_millis(1);
        let audit = Arc::new(AuditLines::default());
        let sink: Arc<dyn AuditSink> = Arc::<AuditLines>::clone(&audit);
        let mut builder = OtpClient::builder().policy(policy).audit(sink);
        if order.iter().any(|setup| setup.capabilities().needs_message) {
            builder =
                builder.messages(Messages::new(&MessageSettings::new("Acme")).expect("texts"));
        }
        for setup in order {
            setup.prepare(&emulator).await;
            let provider = setup.provider(&emulator, TIMEOUT);
            builder = builder.provider_with(provider, resilience.clone(), None);
        }
        Self { client: builder.build().expect("a client"), emulator, audit }
    }

    /// Sends to [`PHONE`].
    ///
    /// # Errors
    ///
    /// Those of the client.
    pub async fn send(&self) -> Result<Verification, Error> {
        self.client.send(NewVerification::to(phone())).await
    }

    /// Makes a guess, and returns the word for its verdict.
    pub async fn verify(&self, sent: &Verification, code: &str) -> &'static str {
        let code: Code = code.parse().expect("a code");
        self.client.verify(sent.id, &code).await.expect("a verdict").as_str()
    }

    /// Returns the messages on the handset: the vendor and the code of each.
    pub fn handset(&self) -> Vec<(Vendor, String)> {
        let messages = self.emulator.messages(&MessageFilter::default());
        messages.into_iter().map(|message| (message.vendor, message.code)).collect()
    }

    /// Returns how many requests the vendor of a setup has received.
    pub fn asked(&self, setup: &Emulation) -> u64 {
        self.emulator.request_count(setup.vendor())
    }
}

/// Returns a request to a recipient whom the vendor of this setup reaches by this channel.
pub fn request(setup: &Emulation, channel: &Channel) -> NewVerification {
    let mut new = NewVerification::to(setup.recipient(channel.as_str())).by(channel.clone());
    // Some send by nothing but a template.
    new.options.template = setup.template().filter(|_| setup.capabilities().template);
    new
}

/// Returns the recipient of [`Stage::send`].
pub fn phone() -> Recipient {
    PHONE.parse().expect("a number")
}
