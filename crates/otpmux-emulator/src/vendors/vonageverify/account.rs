//! The emulated Vonage account and its application.

use serde::{Deserialize, Serialize};

/// Account at Vonage with one application: credentials, and settings that the vendor's documents
/// leave open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct VonageVerifyAccount {
    /// The API key.
    pub api_key: String,
    /// The API secret.
    pub api_secret: String,
    /// The id of the application.
    pub application_id: String,
    /// The private key of the application, for clients. Made for this emulator only.
    pub private_key: String,
    /// The public key of the application (PEM): tokens are checked with it.
    pub public_key: String,
    /// The secret that signs delivery receipts.
    pub signature_secret: String,
    /// The Status URL of the application, for delivery receipts; `None` sends none.
    pub status_url: Option<String>,
    /// The code that Vonage generates; random if unset.
    pub fixed_code: Option<String>,
    /// Whether the pricing model allows codes of the caller.
    pub custom_codes: bool,
    /// The numbers that are refused as invalid, without `+`.
    pub invalid_numbers: Vec<String>,
    /// The numbers to which no step can deliver, without `+`.
    pub unreachable: Vec<String>,
    /// The balance of the account in cents of a euro; an empty account is answered 402.
    pub balance_cents: i64,
    /// The seconds after the start in which a cancel is refused. The vendor says 30, and not how it
    /// refuses; here 404.
    pub cancel_after: u64,
    /// Whether a second start to a number is refused while one is in progress. Load tests disable
    /// it.
    pub enforce_limits: bool,
}

impl Default for VonageVerifyAccount {
    fn default() -> Self {
        Self {
            api_key: "abcd1234".to_owned(),
            api_secret: "vonage_emulator_api_secret".to_owned(),
            application_id: "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab".to_owned(),
            private_key: include_str!("private_key.pem").trim().to_owned(),
            public_key: include_str!("public_key.pem").trim().to_owned(),
            signature_secret: "vonage_emulator_signature_secret".to_owned(),
            status_url: None,
            fixed_code: None,
            custom_codes: true,
            invalid_numbers: Vec::new(),
            unreachable: Vec::new(),
            balance_cents: 1028,
            cancel_after: 0,
            enforce_limits: true,
        }
    }
}
