//! What a reload may change, in one piece.

use std::net::IpAddr;

use otpmux::settings::ConfigError;
use otpmux::{Config, ConfigErrors, Environment, Network, ServerConfig};

use crate::keys::Keys;
use crate::offers::Offers;

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) keys: Keys,
    pub(crate) offers: Offers,
    trusted_proxies: Vec<Network>,
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
                "without a key nobody may call; add one under [[server.api_keys]]",
            ));
        }
        let keys = Keys::new(&server.api_keys, environment, before.map(|before| &before.keys));
        let keys = keys.map_err(|wrong| errors.extend(wrong));
        match (keys, ConfigErrors::from_list(errors)) {
            (Ok(keys), None) => Ok(Self {
                keys,
                offers: Offers::of(config),
                trusted_proxies: server.trusted_proxies.clone(),
            }),
            (_, Some(errors)) => Err(errors),
            // Whoever has no keys has said why.
            (Err(()), None) => Err(ConfigError::new("server.api_keys", "cannot be read").into()),
        }
    }

    /// The end user's address: that of the request, or what the proxies that we trust say in
    /// `X-Forwarded-For`, from the near end on. Anybody can write the far end.
    pub(crate) fn client_ip(&self, peer: IpAddr, forwarded: &[&str]) -> Option<IpAddr> {
        let trusted = |address: IpAddr| self.trusted_proxies.iter().any(|net| net.holds(address));
        if !trusted(peer) {
            return None;
        }
        let hops = forwarded.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops {
            let address: IpAddr = hop.trim().parse().ok()?;
            if !trusted(address) {
                return Some(address);
            }
        }
        None
    }
}
