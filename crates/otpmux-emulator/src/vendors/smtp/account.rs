//! The emulated mail server's account and its settings.

use serde::{Deserialize, Serialize};

/// Account at the mail server: its credentials, and what it insists on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SmtpAccount {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Whether a login is needed before a message: 530 otherwise.
    pub require_login: bool,
    /// Whether TLS is needed before a login or a message: 530 otherwise.
    pub require_tls: bool,
    /// Whether STARTTLS is offered.
    pub offer_tls: bool,
    /// Addresses without a mailbox: 550 5.1.1.
    pub unknown_recipients: Vec<String>,
    /// Addresses whose mailbox is full: 452 4.2.2.
    pub full_recipients: Vec<String>,
}

impl Default for SmtpAccount {
    fn default() -> Self {
        Self {
            username: "otp".to_owned(),
            password: "smtp_emulator_password".to_owned(),
            require_login: true,
            require_tls: false,
            offer_tls: true,
            unknown_recipients: Vec::new(),
            full_recipients: Vec::new(),
        }
    }
}
