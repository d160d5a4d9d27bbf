//! What an emulator is started with.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::vendor_api::{VendorApi, assign, to_json};
use crate::vendors::{Vendor, each_vendor};

/// Where the emulator listens, and the accounts at the vendors that it plays.
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
    /// The address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address that other machines reach is allowed. Every machine that reaches the
    /// address can read codes and use the admin API.
    pub allow_non_loopback: bool,
    /// A clock that shows this time until it is advanced; unset: the machine's clock.
    pub frozen_clock: Option<SystemTime>,
    /// Whether the vendors' own limits are enforced. Load tests switch them off.
    pub enforce_limits: bool,
    /// The accounts that are not the default ones.
    accounts: BTreeMap<Vendor, Value>,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            frozen_clock: None,
            enforce_limits: true,
            accounts: BTreeMap::new(),
        }
    }
}

impl EmulatorConfig {
    /// Sets the address.
    pub fn with_listen(mut self, listen: SocketAddr) -> Self {
        self.listen = listen;
        self
    }

    /// Allows an address that other machines reach.
    pub fn allow_non_loopback(mut self, allow: bool) -> Self {
        self.allow_non_loopback = allow;
        self
    }

    /// Makes the clock show this time until it is advanced.
    pub fn with_frozen_clock(mut self, at: SystemTime) -> Self {
        self.frozen_clock = Some(at);
        self
    }

    /// Switches the vendors' own limits off, or on.
    pub fn enforce_limits(mut self, enforce: bool) -> Self {
        self.enforce_limits = enforce;
        self
    }

    fn with_account<A>(mut self, vendor: Vendor, change: impl FnOnce(&mut A)) -> Self
    where
        A: Default + Serialize + DeserializeOwned,
    {
        let mut account = A::default();
        if let Some(json) = self.accounts.remove(&vendor) {
            // What was written from an account can be read as one.
            let _ = assign(&mut account, json);
        }
        change(&mut account);
        self.accounts.insert(vendor, to_json(&account));
        self
    }

    /// The vendors with their accounts, before the first request.
    pub(crate) fn open_vendors(
        &self,
        now: Timestamp,
    ) -> io::Result<BTreeMap<Vendor, Box<dyn VendorApi>>> {
        let open = |vendor: Vendor| {
            let mut api = vendor.open(now);
            if let Some(account) = self.accounts.get(&vendor) {
                api.set_account(account.clone()).map_err(io::Error::other)?;
            }
            if !self.enforce_limits {
                api.lift_limits();
            }
            Ok((vendor, api))
        };
        Vendor::ALL.into_iter().map(open).collect()
    }

    pub(crate) fn check(&self) -> io::Result<()> {
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

macro_rules! account_setters {
    ($($vendor:ident, $folder:ident, $account:ident, $with:ident, $update:ident;)+) => {
        /// One for each vendor: sets the account at it.
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
