//! The emulated AirTexts account. The vendor documents no answer, so every form of answer that a
//! reader should accept can be chosen here.

use serde::{Deserialize, Serialize};

/// The position of the fields in the answer to a send or resend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SendShape {
    /// `{"success":true,"verification_id":..}`.
    #[default]
    Flat,
    /// `{"status":"success","code":200,"data":{"verification_id":..}}`.
    Nested,
    /// `{"success":true,"result":{"verificationId":..}}`.
    ResultCamelCase,
    /// `{"id":"otp_.."}`.
    BareId,
}

/// The form of the expiry in the answer to a send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExpiryField {
    /// `expires_at`, a time.
    #[default]
    ExpiresAt,
    /// `expires_in`, seconds.
    ExpiresIn,
    /// No expiry.
    Absent,
}

/// The answer to a right code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VerifyShape {
    /// `success`, `verified`, `message` and the id.
    #[default]
    Full,
    /// As `Full`, without `message`.
    WithoutMessage,
    /// `{"success":true,"data":{"verified":true}}`.
    Nested,
    /// `{"success":true,"valid":true}`.
    Valid,
    /// `{"status":"approved"}`.
    StatusWord,
    /// `{"success":true,"message":..}`: no field says that the code was right.
    MessageOnly,
}

/// The status of the answer to a wrong code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WrongCode {
    /// 400, with an error code.
    #[default]
    Status400,
    /// 422, with an error code.
    Status422,
    /// 200, with `verified: false`.
    Status200,
}

/// The position of an error's code and text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorShape {
    /// `"error":{"code":..,"message":..}`.
    #[default]
    Object,
    /// `"error":"text"`.
    Text,
    /// `"code":..,"message":..` at the top level.
    TopLevel,
}

/// Account at AirTexts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AirTextsAccount {
    /// The application id in every request.
    pub appid: String,
    /// The value of `X-API-Key`.
    pub api_key: String,
    /// The value of `X-API-Secret`.
    pub api_secret: String,
    /// The user of Basic authentication.
    pub username: String,
    /// The password of Basic authentication.
    pub password: String,
    /// The bearer token.
    pub bearer: String,
    /// The remaining messages.
    pub balance: u64,
    /// Whether the account may not send: 403.
    pub disabled: bool,
    /// Whether the limit per recipient is enforced. Load tests disable it.
    pub enforce_limits: bool,
    /// The most sends to one recipient in an hour.
    pub sends_per_hour: u32,
    /// The lifetime of a code.
    pub code_lifetime_seconds: u64,
    /// The most wrong codes for a verification.
    pub max_attempts: u32,
    /// The code that the vendor generates; random if unset.
    pub fixed_code: Option<String>,
    /// The status of an accepted send or resend: 200, 201 or 202.
    pub send_status: u16,
    /// The form of the answer to a send or resend.
    pub send_shape: SendShape,
    /// The form of the expiry in that answer.
    pub expiry_field: ExpiryField,
    /// Whether that answer contains the code in clear text, as `code`.
    pub reveal_code: bool,
    /// Whether a resend returns a new id and removes the old one.
    pub resend_gives_new_id: bool,
    /// The answer to a right code.
    pub verify_shape: VerifyShape,
    /// The answer to a wrong code.
    pub wrong_code: WrongCode,
    /// The form of errors.
    pub error_shape: ErrorShape,
}

impl Default for AirTextsAccount {
    fn default() -> Self {
        Self {
            appid: "emulator_app".to_owned(),
            api_key: "airtexts_emulator_key".to_owned(),
            api_secret: "airtexts_emulator_secret".to_owned(),
            username: "emulator".to_owned(),
            password: "airtexts_emulator_password".to_owned(),
            bearer: "airtexts_emulator_token".to_owned(),
            balance: 1_000_000,
            disabled: false,
            enforce_limits: true,
            sends_per_hour: 5,
            code_lifetime_seconds: 300,
            max_attempts: 3,
            fixed_code: None,
            send_status: 200,
            send_shape: SendShape::Flat,
            expiry_field: ExpiryField::ExpiresAt,
            reveal_code: false,
            resend_gives_new_id: false,
            verify_shape: VerifyShape::Full,
            wrong_code: WrongCode::Status400,
            error_shape: ErrorShape::Object,
        }
    }
}
