//! The emulated Twilio account and its Verify service.

use serde::{Deserialize, Serialize};

/// Account at Twilio with one Verify service: credentials, options of the service, and settings that
/// the vendor's documents leave open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TwilioVerifyAccount {
    /// The SID of the account, which is the user of the credentials.
    pub account_sid: String,
    /// The auth token.
    pub auth_token: String,
    /// The SID of an API key: the other user.
    pub api_key_sid: String,
    /// The secret of the API key.
    pub api_key_secret: String,
    /// The SID of the Verify service.
    pub service_sid: String,
    /// The name of the service in messages.
    pub friendly_name: String,
    /// The length of codes that Twilio generates, 4 to 10.
    pub code_length: u8,
    /// The code that Twilio generates; random if unset.
    pub fixed_code: Option<String>,
    /// Whether the service accepts custom codes.
    pub custom_codes: bool,
    /// The channels that are disabled in the service.
    pub disabled_channels: Vec<String>,
    /// The numbers that do not exist.
    pub invalid_numbers: Vec<String>,
    /// The templates that the account does not have.
    pub unknown_templates: Vec<String>,
    /// The numbers that are landlines.
    pub landlines: Vec<String>,
    /// The prefixes of numbers that Fraud Guard blocks.
    pub fraud_prefixes: Vec<String>,
    /// The prefixes of numbers that geo permissions block.
    pub blocked_prefixes: Vec<String>,
    /// Whether the account is under review: every send is refused.
    pub under_review: bool,
    /// The life of a verification in seconds. Only Twilio's support can change it.
    pub ttl: u64,
    /// The balance of the account, in US dollars.
    pub balance: String,
    /// Whether the limit of sends is enforced. Load tests disable it.
    pub enforce_limits: bool,
}

impl Default for TwilioVerifyAccount {
    fn default() -> Self {
        Self {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: "twilio_emulator_auth_token".to_owned(),
            api_key_sid: "SK0123456789abcdef0123456789abcdef".to_owned(),
            api_key_secret: "twilio_emulator_api_key_secret".to_owned(),
            service_sid: "VA0123456789abcdef0123456789abcdef".to_owned(),
            friendly_name: "Acme".to_owned(),
            code_length: 6,
            fixed_code: None,
            custom_codes: true,
            disabled_channels: Vec::new(),
            invalid_numbers: Vec::new(),
            unknown_templates: Vec::new(),
            landlines: Vec::new(),
            fraud_prefixes: Vec::new(),
            blocked_prefixes: Vec::new(),
            under_review: false,
            ttl: 600,
            balance: "12.50".to_owned(),
            enforce_limits: true,
        }
    }
}
