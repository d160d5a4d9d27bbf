//! The emulated EasyOTP account and its settings.

use serde::{Deserialize, Serialize};

/// Account at EasyOTP: credentials, credits, and settings that the vendor's documents leave open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EasyOtpAccount {
    /// The bearer token.
    pub api_key: String,
    /// Remaining credits; each accepted send uses one.
    pub credits: u64,
    /// Whether the key is disabled: every request is answered 403.
    pub disabled: bool,
    /// The length of codes that the vendor generates, 4 to 10.
    pub code_length: u8,
    /// The code that the vendor generates if the request has none; random if unset.
    pub fixed_code: Option<String>,
    /// Whether the limits per recipient and per key are enforced. Load tests disable them.
    pub enforce_limits: bool,
    /// The test address for which `123456` succeeds. Every public copy of the vendor's documents
    /// masks its two addresses, so these defaults are made up.
    pub test_email_always_ok: String,
    /// The test address for which every code is invalid; made up, as above.
    pub test_email_always_invalid: String,
}

impl Default for EasyOtpAccount {
    fn default() -> Self {
        Self {
            api_key: "easyotp_emulator_key".to_owned(),
            credits: 1_000_000,
            disabled: false,
            code_length: 6,
            fixed_code: None,
            enforce_limits: true,
            test_email_always_ok: "always-ok@emulator.test".to_owned(),
            test_email_always_invalid: "always-invalid@emulator.test".to_owned(),
        }
    }
}
