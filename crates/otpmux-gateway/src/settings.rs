//! The settings that a reload may change, as one value.

use otpmux::config::settings::ConfigError;
use otpmux::config::{ConfigErrors, Environment, ServerConfig};
use otpmux::{Config, Messages};

use crate::capabilities::Capabilities;
use crate::doors::DoorSettings;
use crate::forwarded::Proxies;
use crate::keys::Keys;
use crate::receipts::{self, ReceiptSettings};

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) keys: Keys,
    pub(crate) capabilities: Capabilities,
    pub(crate) messages: Option<Messages>,
    pub(crate) proxies: Proxies,
    pub(crate) receipts: ReceiptSettings,
    pub(crate) doors: DoorSettings,
    /// The configuration without its secrets, so that a reload can say what differs.
    pub(crate) toml: String,
}

impl Settings {
    pub(crate) fn new(
        config: &Config,
        server: &ServerConfig,
        environment: &Environment,
        before: Option<&Self>,
    ) -> Result<Self, ConfigErrors> {
        let mut errors = Vec::new();
        if server.api_keys.is_empty() {
            errors.push(ConfigError::new(
                "server.api_keys",
                "without a key no application may call; add one under [[server.api_keys]]",
            ));
        }
        errors.extend(receipts::unreachable(config, server));
        let keys = Keys::new(&server.api_keys, environment, before.map(|before| &before.keys));
        let keys = keys.map_err(|wrong| errors.extend(wrong));
        let doors =
            DoorSettings::new(config, server, environment, before.map(|before| &before.doors));
        let doors = doors.map_err(|wrong| errors.extend(wrong));
        match (keys, doors, ConfigErrors::from_list(errors)) {
            (Ok(keys), Ok(doors), None) => Ok(Self {
                keys,
                capabilities: Capabilities::of(config),
                messages: config.messages().cloned(),
                proxies: Proxies::new(server.trusted_proxies.clone()),
                receipts: ReceiptSettings::new(server),
                doors,
                toml: config.to_toml(),
            }),
            (.., Some(errors)) => Err(errors),
            // The mistakes were reported already.
            (.., None) => Err(ConfigError::new("server.api_keys", "cannot be read").into()),
        }
    }
}
