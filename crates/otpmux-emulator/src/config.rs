//! The configuration of an emulator.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::replay::Replay;
use crate::vendor_api::{VendorApi, assign, to_json};
use crate::vendors::{Vendor, each_vendor};

/// Configuration of an emulator: its address, and the accounts at the emulated vendors.
///
/// ```
/// use otpmux_emulator::EmulatorConfig;
/// use otpmux_emulator::vendors::startmessaging::Dialect;
///
/// let config = EmulatorConfig::default()
///     .with_listen(([127, 0, 0, 1], 4010).into())
///     .with_easyotp(|account| account.credits = 3)
///     .with_startmessaging(|account| account.dialect = Dialect::Tutorial);
/// # let _ = config;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmulatorConfig {
    /// The address of the page and the admin API. The vendors get the ports after it, in the order
    /// of [`Vendor::ALL`]; with port 0, all get free ports.
    pub listen: SocketAddr,
    /// Whether an address that other machines can reach is allowed. Such machines can read codes
    /// and use the admin API.
    pub allow_non_loopback: bool,
    /// A clock that shows this time until it is advanced; `None`: the machine's clock.
    pub frozen_clock: Option<SystemTime>,
    /// Whether the vendors' own limits are enforced. Load tests disable them.
    pub enforce_limits: bool,
    /// Accounts that differ from the default.
    accounts: BTreeMap<Vendor, Value>,
    /// The vendors with an emulation that are played.
    vendors: Vec<Vendor>,
    /// The vendors that are played from golden files, with their folders.
    replays: Vec<(Vendor, PathBuf)>,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            frozen_clock: None,
            enforce_limits: true,
            accounts: BTreeMap::new(),
            vendors: Vendor::ALL.to_vec(),
            replays: Vec::new(),
        }
    }
}

impl EmulatorConfig {
    /// Sets the address.
    pub fn with_listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Allows an address that other machines can reach.
    pub fn allow_non_loopback(mut self, allow: bool) -> Self {
        self.allow_non_loopback = allow;
        self
    }

    /// Sets a clock that shows this time until it is advanced.
    pub fn with_frozen_clock(mut self, at: SystemTime) -> Self {
        self.frozen_clock = Some(at);
        self
    }

    /// Enables or disables the vendors' own limits.
    pub fn enforce_limits(mut self, enforce: bool) -> Self {
        self.enforce_limits = enforce;
        self
    }

    /// Plays only these of the vendors that have an emulation.
    pub fn with_vendors(mut self, vendors: impl IntoIterator<Item = Vendor>) -> Self {
        self.vendors = vendors.into_iter().collect();
        self
    }

    /// Plays a vendor from its golden files: those in `folder`, or in its folder `wire`. The name
    /// has small letters, digits, `-` and `_`; with the name of another vendor, it replaces that
    /// vendor, at the same port.
    pub fn with_replay(mut self, name: &str, folder: impl Into<PathBuf>) -> Self {
        self.replays.retain(|(vendor, _)| vendor.as_str() != name);
        self.replays.push((Vendor::replayed(name), folder.into()));
        self
    }

    fn is_replayed(&self, name: &str) -> bool {
        self.replays.iter().any(|(vendor, _)| vendor.as_str() == name)
    }

    fn with_account<A>(mut self, vendor: Vendor, change: impl FnOnce(&mut A)) -> Self
    where
        A: Default + Serialize + DeserializeOwned,
    {
        let mut account = A::default();
        if let Some(json) = self.accounts.remove(&vendor) {
            // An account's own JSON can be read back.
            let _ = assign(&mut account, json);
        }
        change(&mut account);
        self.accounts.insert(vendor, to_json(&account));
        self
    }

    /// Returns a vendor's address. It does not depend on which other vendors are played.
    pub(crate) fn address_of(&self, vendor: Vendor) -> io::Result<SocketAddr> {
        let mut addr = self.listen;
        if addr.port() != 0 {
            let port = usize::from(addr.port()) + 1 + self.place(vendor);
            let port = u16::try_from(port).map_err(|_| {
                let text = format!("after port {}, there are not enough ports", addr.port());
                io::Error::new(io::ErrorKind::InvalidInput, text)
            })?;
            addr.set_port(port);
        }
        Ok(addr)
    }

    /// Returns a vendor's index. Vendors with an emulation come first, played or not.
    fn place(&self, vendor: Vendor) -> usize {
        let listed = |each: &Vendor| each.as_str() == vendor.as_str();
        let replayed = || {
            let mut others =
                self.replays.iter().map(|(each, _)| each).filter(|each| !is_listed(each.as_str()));
            Vendor::ALL.len() + others.position(listed).unwrap_or_default()
        };
        Vendor::ALL.iter().position(listed).unwrap_or_else(replayed)
    }

    /// Returns the vendors with their accounts, before the first request.
    pub(crate) fn open_vendors(
        &self,
        now: Timestamp,
    ) -> io::Result<BTreeMap<Vendor, Box<dyn VendorApi>>> {
        let open = |vendor: Vendor| {
            let Some(mut api) = vendor.open(now) else { return Ok(None) };
            if let Some(account) = self.accounts.get(&vendor) {
                api.set_account(account.clone()).map_err(io::Error::other)?;
            }
            if !self.enforce_limits {
                api.lift_limits();
            }
            Ok(Some((vendor, api)))
        };
        let written = self.vendors.iter().filter(|vendor| !self.is_replayed(vendor.as_str()));
        let written = written.filter_map(|vendor| open(*vendor).transpose());
        let replayed = self.replays.iter().map(|(vendor, folder)| {
            let api: Box<dyn VendorApi> = Box::new(Replay::read(folder)?);
            Ok((*vendor, api))
        });
        written.chain(replayed).collect()
    }

    pub(crate) fn check(&self) -> io::Result<()> {
        let is_name = |name: &str| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            !name.is_empty() && name.chars().all(fits)
        };
        if let Some((vendor, _)) = self.replays.iter().find(|(each, _)| !is_name(each.as_str())) {
            let text = format!(
                "`{vendor}` cannot be the name of a vendor: small letters, digits, `-` and `_` can"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if self.listen.ip().is_loopback() || self.allow_non_loopback {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{} is not a loopback address: the emulator shows codes and its admin API to \
                 everyone who reaches it, so another address must be allowed explicitly",
                self.listen
            ),
        ))
    }
}

fn is_listed(name: &str) -> bool {
    Vendor::ALL.iter().any(|vendor| vendor.as_str() == name)
}

macro_rules! account_setters {
    ($($vendor:ident, $folder:ident, $account:ident, $with:ident, $update:ident;)+) => {
        /// One method for each vendor: sets its account.
        impl EmulatorConfig {
            $(
                #[doc = concat!("Changes the account at ", stringify!($vendor), ".")]
                pub fn $with(
                    self,
                    change: impl FnOnce(&mut crate::vendors::$folder::$account),
                ) -> Self {
                    self.with_account(Vendor::$vendor, change)
                }
            )+
        }
    };
}
each_vendor!(account_setters);
