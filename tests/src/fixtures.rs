//! The real adapters, each in front of its emulated vendor, for the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_airtexts::{AirTexts, AirTextsConfig, Credentials};
use otpmux_core::{Channel, OtpProvider, ProviderId, Recipient, Secret};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_emulator::vendors::startmessaging::Dialect as Deployment;
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, Garbage, MessageFilter, Vendor};
use otpmux_startmessaging::{Dialect, Mode, StartMessaging, StartMessagingConfig};
use otpmux_testkit::conformance::{DeliveredMessage, Fixture, Instance, VendorFault};

/// Short enough that a vendor that hangs does not hold the suite up, long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(600);

const WRONG: &str = "sm_live_ffffffffffffffffffffffffffffffffffffffff";

/// An adapter in one of its modes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Setup {
    /// EasyOTP.
    EasyOtp,
    /// EasyOTP with codes of its own.
    EasyOtpVendor,
    /// StartMessaging as it runs today: the code is ours.
    Transport,
    /// StartMessaging as its tutorials have it: the vendor makes and verifies the code, and honours
    /// idempotency keys.
    Tutorial,
    /// StartMessaging as its reference of February 2026 had it.
    February,
    /// StartMessaging as its documentation has it.
    Docs,
    /// AirTexts with its documented endpoints.
    AirTexts,
    /// AirTexts with the endpoints whose form is assumed.
    AirTextsWithAll,
}

impl Setup {
    /// Every setup, with the name of its trials.
    pub const ALL: [(&'static str, Self); 8] = [
        ("easyotp", Self::EasyOtp),
        ("easyotp-vendor-codes", Self::EasyOtpVendor),
        ("startmessaging-transport", Self::Transport),
        ("startmessaging-managed-a", Self::Tutorial),
        ("startmessaging-managed-b", Self::February),
        ("startmessaging-managed-c", Self::Docs),
        ("airtexts", Self::AirTexts),
        ("airtexts-with-all", Self::AirTextsWithAll),
    ];

    fn vendor(self) -> Vendor {
        match self {
            Self::EasyOtp | Self::EasyOtpVendor => Vendor::EasyOtp,
            Self::Transport | Self::Tutorial | Self::February | Self::Docs => {
                Vendor::StartMessaging
            }
            Self::AirTexts | Self::AirTextsWithAll => Vendor::AirTexts,
        }
    }

    fn deployment(self) -> Deployment {
        match self {
            Self::Tutorial => Deployment::Tutorial,
            Self::February => Deployment::February,
            Self::Docs => Deployment::Docs,
            _ => Deployment::Live,
        }
    }

    fn mode(self) -> Mode {
        match self {
            Self::Tutorial => Mode::Managed(Dialect::A),
            Self::February => Mode::Managed(Dialect::B),
            Self::Docs => Mode::Managed(Dialect::C),
            _ => Mode::Transport,
        }
    }

    /// The secrets of the good account.
    fn credentials(self, emulator: &Emulator) -> Vec<String> {
        match self.vendor() {
            Vendor::EasyOtp => vec![emulator.easyotp().api_key],
            Vendor::StartMessaging => vec![emulator.startmessaging().api_key],
            _ => vec![emulator.airtexts().api_key, emulator.airtexts().api_secret],
        }
    }

    fn provider(self, emulator: &Emulator, secrets: &[String]) -> Arc<dyn OtpProvider> {
        let id = ProviderId::new("suite").expect("a name");
        let url = emulator.base_url(self.vendor()).parse().expect("a base URL");
        let secret = |at: usize| Secret::new(secrets[at].as_str());
        match self.vendor() {
            Vendor::EasyOtp => {
                let mut config = EasyOtpConfig::new(url, secret(0));
                config.vendor_codes = matches!(self, Self::EasyOtpVendor);
                config.http = config.http.with_timeout(TIMEOUT);
                Arc::new(EasyOtp::new(id, config).expect("a provider"))
            }
            Vendor::StartMessaging => {
                let mut config = StartMessagingConfig::new(url, secret(0));
                config.http = config.http.with_timeout(TIMEOUT);
                config.mode = self.mode();
                config.trust_idempotency_key = matches!(self, Self::Tutorial);
                Arc::new(StartMessaging::new(id, config).expect("a provider"))
            }
            _ => {
                let credentials = Credentials::KeyPair { key: secret(0), secret: secret(1) };
                let appid = emulator.airtexts().appid;
                let mut config = AirTextsConfig::new(url, appid, credentials);
                config.http = config.http.with_timeout(TIMEOUT);
                config.resend = matches!(self, Self::AirTextsWithAll);
                config.status = matches!(self, Self::AirTextsWithAll);
                Arc::new(AirTexts::new(id, config).expect("a provider"))
            }
        }
    }
}

#[async_trait]
impl Fixture for Setup {
    async fn start(&self) -> Box<dyn Instance> {
        // The limits have tests of their own; here they would end most trials.
        let config = EmulatorConfig::default()
            .with_easyotp(|account| account.enforce_limits = false)
            .with_airtexts(|account| account.enforce_limits = false)
            .with_startmessaging(|account| {
                account.enforce_limits = false;
                account.dialect = self.deployment();
            });
        let emulator = Emulator::start(config).await.expect("a free port");
        let provider = self.provider(&emulator, &self.credentials(&emulator));
        Box::new(Emulated { setup: *self, emulator, provider })
    }
}

struct Emulated {
    setup: Setup,
    emulator: Emulator,
    provider: Arc<dyn OtpProvider>,
}

#[async_trait]
impl Instance for Emulated {
    fn provider(&self) -> Arc<dyn OtpProvider> {
        Arc::clone(&self.provider)
    }

    fn recipient(&self, channel: &Channel) -> Recipient {
        let to = if channel.wants_email() { "someone@example.com" } else { "+919876543210" };
        to.parse().expect("a recipient")
    }

    async fn delivered(&self) -> Vec<DeliveredMessage> {
        let messages = self.emulator.messages(&MessageFilter::default());
        let delivered = |message: otpmux_emulator::Message| {
            let channel = message.channel.parse().expect("a channel");
            DeliveredMessage::new(channel, message.to, message.code, message.text)
        };
        messages.into_iter().map(delivered).collect()
    }

    async fn fault(&self, fault: VendorFault) {
        let json = |fault: Fault| fault.with_header("content-type", "application/json");
        let fault = match fault {
            VendorFault::Status(status) => Fault::status(status),
            VendorFault::Answer(status, body) => json(Fault::status_with_body(status, body)),
            VendorFault::Redirect(url) => Fault::status(307).with_header("location", url),
            VendorFault::Hang => FaultKind::Hang.into(),
            VendorFault::ResetAfterRead => FaultKind::ResetAfterRead.into(),
            VendorFault::CloseBeforeAnswer => FaultKind::CloseBeforeAnswer.into(),
            VendorFault::GarbageHttp => FaultKind::Garbage(Garbage::Http).into(),
            VendorFault::GarbageJson => FaultKind::Garbage(Garbage::Json).into(),
            VendorFault::Refuse => FaultKind::Refuse.into(),
            other => panic!("the emulator cannot play {other:?}"),
        };
        self.emulator.set_fault(self.setup.vendor(), fault);
    }

    async fn heal(&self) {
        self.emulator.clear_faults(self.setup.vendor());
    }

    async fn advance(&self, by: Duration) {
        self.emulator.advance_clock(by);
    }

    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider> {
        self.setup.provider(&self.emulator, &[WRONG.to_owned(), WRONG.to_owned()])
    }

    async fn requests_seen(&self) -> usize {
        let seen = self.emulator.request_count(self.setup.vendor());
        usize::try_from(seen).expect("a small number")
    }

    fn credentials(&self) -> Vec<String> {
        self.setup.credentials(&self.emulator)
    }

    fn template(&self) -> Option<String> {
        Some(match self.setup.vendor() {
            Vendor::AirTexts => "123".to_owned(),
            _ => "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(),
        })
    }
}
