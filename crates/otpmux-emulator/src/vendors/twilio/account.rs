//! The emulated Twilio account that sends messages.

use serde::{Deserialize, Serialize};

/// Account at Twilio for plain messages: credentials, and what becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TwilioAccount {
    /// The SID of the account, which is the user of the credentials.
    pub account_sid: String,
    /// The auth token, which also signs the delivery receipts.
    pub auth_token: String,
    /// The SID of an API key: the other user.
    pub api_key_sid: String,
    /// The secret of the API key.
    pub api_key_secret: String,
    /// The numbers that have opted out: a message to them is refused.
    pub opted_out: Vec<String>,
    /// The prefixes of numbers for which the account has no permission.
    pub blocked_prefixes: Vec<String>,
    /// The fate of messages.
    pub fate: Fate,
    /// The error code of messages that do not arrive.
    pub error_code: u32,
    /// The seconds from accepting a message to its last state. It is `sent` after half of them.
    pub delivery_seconds: u64,
    /// The balance of the account, in US dollars.
    pub balance: String,
}

/// The last state of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fate {
    /// They arrive.
    #[default]
    Delivered,
    /// The operator reports that they did not arrive.
    Undelivered,
    /// Twilio could not send them.
    Failed,
    /// The operator never reports.
    Sent,
}

impl Default for TwilioAccount {
    fn default() -> Self {
        Self {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: "twilio_emulator_auth_token".to_owned(),
            api_key_sid: "SK0123456789abcdef0123456789abcdef".to_owned(),
            api_key_secret: "twilio_emulator_api_key_secret".to_owned(),
            opted_out: Vec::new(),
            blocked_prefixes: Vec::new(),
            fate: Fate::default(),
            error_code: 30_003,
            delivery_seconds: 2,
            balance: "12.50".to_owned(),
        }
    }
}
