//! What an emulator is started with.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use crate::airtexts::AirTextsAccount;
use crate::easyotp::EasyOtpAccount;
use crate::startmessaging::StartMessagingAccount;

/// Where the emulator listens and whom it plays for.
///
/// ```
/// use otpmux_emulator::{Dialect, EmulatorConfig};
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
    /// Whether an address that other machines reach is allowed. The admin API is open to whoever
    /// reaches the address.
    pub allow_non_loopback: bool,
    /// A clock that stands at this time until it is advanced; unset: the machine's clock.
    pub frozen_clock: Option<SystemTime>,
    /// The account at EasyOTP.
    pub easyotp: EasyOtpAccount,
    /// The account at StartMessaging.
    pub startmessaging: StartMessagingAccount,
    /// The account at AirTexts.
    pub airtexts: AirTextsAccount,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_non_loopback: false,
            frozen_clock: None,
            easyotp: EasyOtpAccount::default(),
            startmessaging: StartMessagingAccount::default(),
            airtexts: AirTextsAccount::default(),
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

    /// Lets the clock stand at this time until it is advanced.
    pub fn with_frozen_clock(mut self, at: SystemTime) -> Self {
        self.frozen_clock = Some(at);
        self
    }

    /// Changes the account at EasyOTP.
    pub fn with_easyotp(mut self, change: impl FnOnce(&mut EasyOtpAccount)) -> Self {
        change(&mut self.easyotp);
        self
    }

    /// Changes the account at StartMessaging.
    pub fn with_startmessaging(mut self, change: impl FnOnce(&mut StartMessagingAccount)) -> Self {
        change(&mut self.startmessaging);
        self
    }

    /// Changes the account at AirTexts.
    pub fn with_airtexts(mut self, change: impl FnOnce(&mut AirTextsAccount)) -> Self {
        change(&mut self.airtexts);
        self
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
