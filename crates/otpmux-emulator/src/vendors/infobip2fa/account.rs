//! The emulated Infobip account with one 2FA application.

use serde::{Deserialize, Serialize};

/// Account at Infobip with one 2FA application. The limits are the vendor's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Infobip2faAccount {
    /// The API key.
    pub api_key: String,
    /// The id of the 2FA application.
    pub application_id: String,
    /// The ids of the message templates.
    pub templates: Vec<String>,
    /// The text of each template. `{{pin}}` is the code; `{{name}}` is the placeholder `name`.
    pub text: String,
    /// The length of codes.
    pub pin_length: u8,
    /// The code that Infobip generates; random if unset.
    pub fixed_code: Option<String>,
    /// So many wrong codes end a code.
    pub pin_attempts: u32,
    /// How long a code is good, in seconds.
    pub pin_time_to_live: u64,
    /// Whether a right code can be verified again.
    pub allow_multiple_pin_verifications: bool,
    /// So many sends to one number in 24 hours.
    pub sends_per_day: usize,
    /// The seconds in which a code can be verified once; 0 is no limit.
    pub verify_seconds: u64,
    /// The balance of the account, a number in euros; without a positive one, nothing is sent.
    pub balance: String,
    /// The numbers that the look-up cannot reach, and to which nothing is delivered, without `+`.
    pub unreachable: Vec<String>,
    /// The URL of the subscription for delivery reports; `None` sends none.
    pub status_url: Option<String>,
    /// Whether the limits per number and per code are enforced. Load tests disable them.
    pub enforce_limits: bool,
}

impl Default for Infobip2faAccount {
    fn default() -> Self {
        Self {
            api_key: "infobip_emulator_api_key".to_owned(),
            application_id: "0933F3BC087D2A617AC6DCB2EF5B8A61".to_owned(),
            templates: vec![
                "9C815F8AF3328".to_owned(),
                "5F04FACFAA4978F62FCAEBA97B37E90F".to_owned(),
            ],
            text: "{{pin}} is your verification code.".to_owned(),
            pin_length: 6,
            fixed_code: None,
            pin_attempts: 10,
            pin_time_to_live: 15 * 60,
            allow_multiple_pin_verifications: true,
            sends_per_day: 3,
            verify_seconds: 3,
            balance: "47.79134".to_owned(),
            unreachable: Vec::new(),
            status_url: None,
            enforce_limits: true,
        }
    }
}
