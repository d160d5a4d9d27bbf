//! A client in front of emulated vendors, over real sockets.

use std::sync::Arc;
use std::time::Duration;

use otpmux_airtexts::{AirTexts, AirTextsConfig, Credentials};
use otpmux_core::{Code, Error, OtpProvider, ProviderId, Recipient, Secret};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_emulator::vendors::startmessaging::Dialect as Deployment;
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};
use otpmux_engine::{MessageLimits, NewVerification, OtpClient, Policy, Resilience, Verification};
use otpmux_http::BaseUrl;
use otpmux_startmessaging::{Dialect, Mode, StartMessaging, StartMessagingConfig};

/// Somebody whom all three vendors reach.
pub const PHONE: &str = "+919876543210";

const TIMEOUT: Duration = Duration::from_secs(1);

/// The emulator, and a client over the named vendors in their order.
#[derive(Debug)]
pub struct Stage {
    /// The vendors.
    pub emulator: Emulator,
    /// The client.
    pub client: OtpClient,
}

impl Stage {
    /// Starts the vendors as they are.
    pub async fn start(order: &[Vendor]) -> Self {
        Self::start_with(order, EmulatorConfig::default()).await
    }

    /// Starts the vendors with accounts of one's own.
    pub async fn start_with(order: &[Vendor], config: EmulatorConfig) -> Self {
        let emulator = Emulator::start(config).await.expect("a free port");
        let mut policy = Policy::default();
        // Tests do not wait for users.
        policy.resend_delay = Duration::ZERO;
        policy.limits = MessageLimits::none();
        let mut resilience = Resilience::default();
        resilience.retry_pause = Duration::from_millis(1);
        let mut builder = OtpClient::builder().policy(policy);
        for vendor in order {
            let url = emulator.base_url(*vendor);
            let provider = provider(&emulator, *vendor, &url);
            builder = builder.provider_with(provider, resilience.clone(), None);
        }
        Self { client: builder.build().expect("a client"), emulator }
    }

    /// Sends to [`PHONE`].
    ///
    /// # Errors
    ///
    /// The client's.
    pub async fn send(&self) -> Result<Verification, Error> {
        self.client.send(NewVerification::to(phone())).await
    }

    /// Tries a code, and gives the word for its verdict.
    pub async fn verify(&self, sent: &Verification, code: &str) -> &'static str {
        let code: Code = code.parse().expect("a code");
        self.client.verify(sent.id, &code).await.expect("a verdict").as_str()
    }

    /// What the handset shows: who carried each message, and its code.
    pub fn handset(&self) -> Vec<(Vendor, String)> {
        let messages = self.emulator.messages(&MessageFilter::default());
        messages.into_iter().map(|message| (message.vendor, message.code)).collect()
    }
}

/// The recipient of [`Stage::send`].
pub fn phone() -> Recipient {
    PHONE.parse().expect("a number")
}

/// A provider, named after its vendor, with the good credentials and this address. StartMessaging is
/// left to verify where it works as its tutorials say.
pub fn provider(emulator: &Emulator, vendor: Vendor, url: &str) -> Arc<dyn OtpProvider> {
    let id = ProviderId::new(vendor.as_str()).expect("a name");
    let url: BaseUrl = url.parse().expect("a base URL");
    match vendor {
        Vendor::EasyOtp => {
            let mut config = EasyOtpConfig::new(url, Secret::new(emulator.easyotp().api_key));
            config.http = config.http.with_timeout(TIMEOUT);
            config.test_recipients = true;
            Arc::new(EasyOtp::new(id, config).expect("a provider"))
        }
        Vendor::StartMessaging => {
            let key = Secret::new(emulator.startmessaging().api_key);
            let mut config = StartMessagingConfig::new(url, key);
            config.http = config.http.with_timeout(TIMEOUT);
            if emulator.startmessaging().dialect == Deployment::Tutorial {
                config.mode = Mode::Managed(Dialect::A);
            }
            Arc::new(StartMessaging::new(id, config).expect("a provider"))
        }
        Vendor::AirTexts => {
            let account = emulator.airtexts();
            let key = Secret::new(account.api_key);
            let secret = Secret::new(account.api_secret);
            let credentials = Credentials::KeyPair { key, secret };
            let mut config = AirTextsConfig::new(url, account.appid, credentials);
            config.http = config.http.with_timeout(TIMEOUT);
            config.resend = true;
            config.status = true;
            Arc::new(AirTexts::new(id, config).expect("a provider"))
        }
        other => panic!("no adapter speaks to {other}"),
    }
}
