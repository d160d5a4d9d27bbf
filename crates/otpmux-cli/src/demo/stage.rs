//! Emulated vendors, a handset, and a client that is configured like any other.

use std::error::Error;

use otpmux::{Channel, Code, Config, NewVerification, OtpClient, Recipient, Verification};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Message, MessageFilter, Vendor};

use crate::emulated::Emulated;

pub(super) struct Stage {
    emulator: Emulator,
    client: OtpClient,
    config: String,
    roles: Roles,
    /// How many messages of the handset were shown.
    shown: usize,
}

/// Which vendors play which part.
pub(super) struct Roles {
    /// Carries codes that otpmux made.
    pub(super) first: Vendor,
    /// Carries them too.
    pub(super) second: Vendor,
    /// Makes its codes itself.
    pub(super) code_maker: Vendor,
    /// A channel by which that vendor alone sends.
    pub(super) channel: Channel,
}

impl Roles {
    fn of(emulator: &Emulator, client: &OtpClient) -> Result<Self, String> {
        let providers = client.providers();
        let capabilities = |vendor: &Vendor| {
            let found = providers.iter().find(|provider| provider.id().as_str() == vendor.as_str());
            found.map(otpmux::admin::ProviderView::capabilities)
        };
        let (carriers, others): (Vec<_>, Vec<_>) = emulator
            .vendors()
            .into_iter()
            .filter_map(|vendor| Some((vendor, capabilities(&vendor)?)))
            .partition(|(_, capabilities)| capabilities.otpmux_codes.is_some());
        let only_by = |channels: &[Channel]| {
            let is_carried = |channel: &Channel| {
                carriers.iter().any(|(_, carrier)| carrier.channels.contains(channel))
            };
            channels.iter().find(|channel| !is_carried(channel)).cloned()
        };
        let maker =
            others.iter().find_map(|(vendor, maker)| Some((*vendor, only_by(&maker.channels)?)));
        match (&carriers[..], maker) {
            ([(first, _), (second, _), ..], Some((code_maker, channel))) => {
                Ok(Self { first: *first, second: *second, code_maker, channel })
            }
            _ => Err("this build has too few vendors".to_owned()),
        }
    }
}

impl Stage {
    pub(super) async fn set() -> Result<Self, Box<dyn Error>> {
        let emulator = Emulator::start(EmulatorConfig::default()).await?;
        let Emulated { providers: config, environment, .. } = Emulated::of(&emulator);
        let client = OtpClient::from_config(&Config::from_toml(&config, &environment)?)?;
        let roles = Roles::of(&emulator, &client)?;
        Ok(Self { emulator, client, config, roles, shown: 0 })
    }

    pub(super) fn roles(&self) -> &Roles {
        &self.roles
    }

    pub(super) fn config(&self) -> &str {
        &self.config
    }

    pub(super) fn client(&self) -> &OtpClient {
        &self.client
    }

    pub(super) fn break_first(&self, fault: Fault) {
        self.emulator.set_fault(self.roles.first, fault);
    }

    pub(super) fn mend_first(&self) {
        self.emulator.clear_faults(self.roles.first);
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
