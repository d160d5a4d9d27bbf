//! The emulated MSG91 account and its settings.

use serde::{Deserialize, Serialize};

/// Account at MSG91: the key, the wallet, and settings that the vendor's documents leave open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Msg91Account {
    /// The auth key.
    pub auth_key: String,
    /// The ids of the approved templates.
    pub templates: Vec<String>,
    /// The text of each template. `##otp##` is the code; `##name##` is the parameter `name`.
    pub text: String,
    /// The messages that the wallet still pays for.
    pub credits: u64,
    /// Whether the key does not accept the address of the client.
    pub address_blocked: bool,
    /// The code that MSG91 generates; random if unset.
    pub fixed_code: Option<String>,
    /// So many wrong codes lock a code. The vendor has a limit and does not say which.
    pub guesses: u32,
    /// So many resends of one code are allowed, as above.
    pub resends: u32,
    /// Whether a second verify of a right code is called a success: public programs disagree.
    pub used_is_success: bool,
    /// The webhook for delivery reports; `None` sends none.
    pub status_url: Option<String>,
    /// The version of the webhook: 2 (a form) or 3 (JSON).
    pub webhook_version: u8,
    /// The numbers to which no message is delivered, without `+`.
    pub unreachable: Vec<String>,
    /// Whether the limits on wrong codes and resends are enforced. Load tests disable them.
    pub enforce_limits: bool,
}

impl Default for Msg91Account {
    fn default() -> Self {
        Self {
            auth_key: "msg91_emulator_auth_key".to_owned(),
            templates: vec![
                "60a1b2c3d4e5f6a7b8c9d0e1".to_owned(),
                "60ffffffffffffffffffffff".to_owned(),
            ],
            text: "##otp## is your verification code.".to_owned(),
            credits: 1_000_000,
            address_blocked: false,
            fixed_code: None,
            guesses: 5,
            resends: 2,
            used_is_success: false,
            status_url: None,
            webhook_version: 2,
            unreachable: Vec::new(),
            enforce_limits: true,
        }
    }
}
