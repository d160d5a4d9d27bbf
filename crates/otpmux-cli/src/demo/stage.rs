//! Emulated vendors, a handset, and a client that is configured like any other.

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Channel, Code, Config, NewVerification, OtpClient, Recipient, Verification};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Message, MessageFilter, Vendor};

pub(super) struct Stage {
    emulator: Emulator,
    client: OtpClient,
    config: String,
    /// How many messages of the handset were shown.
    shown: usize,
}

impl Stage {
    pub(super) async fn set() -> Result<Self, Box<dyn Error>> {
        let emulator = Emulator::start(EmulatorConfig::default()).await?;
        let config = format!(
            r#"[providers.easyotp]
kind = "easyotp"
api_key = "env:EASYOTP_API_KEY"
base_url = "{}"

[providers.startmessaging]
kind = "startmessaging"
api_key = "env:STARTMESSAGING_API_KEY"
base_url = "{}"

[providers.airtexts]
kind = "airtexts"
appid = "{}"
api_key = "env:AIRTEXTS_API_KEY"
api_secret = "env:AIRTEXTS_API_SECRET"
base_url = "{}""#,
            emulator.base_url(Vendor::EasyOtp),
            emulator.base_url(Vendor::StartMessaging),
            emulator.airtexts().appid,
            emulator.base_url(Vendor::AirTexts),
        );
        let environment = Environment::new()
            .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
            .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key)
            .with("AIRTEXTS_API_KEY", emulator.airtexts().api_key)
            .with("AIRTEXTS_API_SECRET", emulator.airtexts().api_secret);
        let client = OtpClient::from_config(&Config::from_toml(&config, &environment)?)?;
        Ok(Self { emulator, client, config, shown: 0 })
    }

    pub(super) fn config(&self) -> &str {
        &self.config
    }

    pub(super) fn client(&self) -> &OtpClient {
        &self.client
    }

    pub(super) fn break_easyotp(&self, fault: Fault) {
        self.emulator.set_fault(Vendor::EasyOtp, fault);
    }

    pub(super) fn mend_easyotp(&self) {
        self.emulator.clear_faults(Vendor::EasyOtp);
    }

    pub(super) async fn send(&self, to: &str) -> Result<Verification, Box<dyn Error>> {
        let to: Recipient = to.parse()?;
        Ok(self.client.send(NewVerification::to(to)).await?)
    }

    pub(super) async fn send_by(
        &self,
        channel: Channel,
        to: &str,
    ) -> Result<Verification, Box<dyn Error>> {
        let to: Recipient = to.parse()?;
        Ok(self.client.send(NewVerification::to(to).by(channel)).await?)
    }

    /// Returns the messages that arrived since the last call.
    pub(super) fn arrived(&mut self) -> Vec<Message> {
        let mut messages = self.emulator.messages(&MessageFilter::default());
        let new = messages.split_off(self.shown);
        self.shown += new.len();
        new
    }

    pub(super) async fn close(self) {
        self.emulator.shutdown().await;
    }
}

/// Returns a different code of the same length.
pub(super) fn wrong(code: &str) -> Result<Code, Box<dyn Error>> {
    let last = if code.ends_with('0') { '1' } else { '0' };
    let head = code.get(..code.len() - 1).unwrap_or_default();
    Ok(format!("{head}{last}").parse()?)
}
