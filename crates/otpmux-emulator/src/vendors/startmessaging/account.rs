//! The emulated StartMessaging account, and which of the vendor's contradictory descriptions it
//! follows.

use serde::{Deserialize, Serialize};

/// The description of the API that the deployment follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dialect {
    /// The vendor's server source: the caller generates the code, and there is no verify.
    #[default]
    Live,
    /// The tutorials: the vendor generates and verifies the code.
    Tutorial,
    /// The reference of February 2026: `otp` beside `phoneNumber`, verify and resend.
    February,
    /// The current documentation: as `Live`, with verify and the documentation's statuses.
    Docs,
}

/// The effect of a repeated `idempotencyKey`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Idempotency {
    /// `Replay` in the tutorial dialect, `Ignore` in the others.
    #[default]
    ByDialect,
    /// A repeat sends again.
    Ignore,
    /// A repeat gets the stored answer and sends nothing; with another number, 409.
    Replay,
    /// Every repeat gets 409.
    Conflict,
}

/// The requirement that an account does not meet yet, so that it may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Onboarding {
    /// "Mobile verification required".
    MobileVerification,
    /// "KYC submission required".
    KycSubmission,
    /// "KYC approval pending".
    KycApproval,
}

/// The fate of accepted messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delivery {
    /// They arrive, and are billed on arrival.
    #[default]
    Delivered,
    /// They fail; nothing is billed. (The outbox still lists them.)
    Failed,
    /// They expire; nothing is billed.
    Expired,
    /// They stay in transit for ever.
    Pending,
}

/// The fields of a message in `GET /messages/:id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageShape {
    /// `id`, `failureReason`, `statusHistory` and more, as in the server source.
    Server,
    /// `messageId`, `status`, `deliveredAt`, `error`, as in the documentation.
    Docs,
}

/// A template of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Template {
    /// A UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its text, with `{{otp}}`, `{{appName}}` and `{{expiry}}`.
    pub body: String,
    /// `draft`, `pending_review`, `approved` or `rejected`; only approved ones are used.
    pub status: String,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            id: "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d".to_owned(),
            name: "login".to_owned(),
            body: "Your {{appName}} code is {{otp}}. Valid for {{expiry}} minutes.".to_owned(),
            status: "approved".to_owned(),
        }
    }
}

/// Account at StartMessaging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each named in the JSON")]
pub struct StartMessagingAccount {
    /// The key for `X-API-Key`: `sm_live_` and 40 hexadecimal digits at the vendor.
    pub api_key: String,
    /// The description of the API that is followed.
    pub dialect: Dialect,
    /// The wallet in paise; a delivered message costs 25.
    pub balance_paise: u64,
    /// Whether `GET /wallet` returns the balance as a number instead of a decimal string.
    pub balance_as_number: bool,
    /// Whether the account is suspended: 401.
    pub suspended: bool,
    /// Whether the caller's address is missing on the key's list: 401, as without a key.
    pub address_refused: bool,
    /// The requirement that the account does not meet, so that it may not send: 403.
    pub onboarding: Option<Onboarding>,
    /// Whether the operator behind the vendor refuses every message.
    pub upstream_refuses: bool,
    /// Whether the limits per number and per account are enforced. Load tests disable them.
    pub enforce_limits: bool,
    /// The effect of a repeated `idempotencyKey`.
    pub idempotency: Idempotency,
    /// `status` in the answer to a send; unset: `sent` when live, `queued` in the documents.
    pub send_status: Option<String>,
    /// Fields of a message; unset: those of the documentation in its dialect, otherwise the
    /// server's.
    pub message_shape: Option<MessageShape>,
    /// Whether an unknown message is 200 with `data: null`, as in older revisions, instead of 404.
    pub unknown_message_is_null: bool,
    /// The fate of messages that are accepted from now on.
    pub delivery: Delivery,
    /// The seconds from the send to that.
    pub delivery_seconds: u64,
    /// Whether the tutorial's answers have no `success`.
    pub bare_data: bool,
    /// The code that the vendor generates, in the dialects where it does; random if unset.
    pub fixed_code: Option<String>,
    /// The templates of the account.
    pub templates: Vec<Template>,
}

impl Default for StartMessagingAccount {
    fn default() -> Self {
        Self {
            api_key: "sm_live_0123456789abcdef0123456789abcdef01234567".to_owned(),
            dialect: Dialect::Live,
            balance_paise: 1_000_000,
            balance_as_number: false,
            suspended: false,
            address_refused: false,
            onboarding: None,
            upstream_refuses: false,
            enforce_limits: true,
            idempotency: Idempotency::ByDialect,
            send_status: None,
            message_shape: None,
            unknown_message_is_null: false,
            delivery: Delivery::Delivered,
            delivery_seconds: 5,
            bare_data: false,
            fixed_code: None,
            templates: vec![Template::default()],
        }
    }
}

impl StartMessagingAccount {
    pub(super) fn idempotency(&self) -> Idempotency {
        match (self.idempotency, self.dialect) {
            (Idempotency::ByDialect, Dialect::Tutorial) => Idempotency::Replay,
            (Idempotency::ByDialect, _) => Idempotency::Ignore,
            (set, _) => set,
        }
    }

    pub(super) fn message_shape(&self) -> MessageShape {
        self.message_shape.unwrap_or(match self.dialect {
            Dialect::Docs => MessageShape::Docs,
            _ => MessageShape::Server,
        })
    }

    pub(super) fn send_status(&self) -> &str {
        self.send_status.as_deref().unwrap_or(match self.dialect {
            Dialect::Live => "sent",
            _ => "queued",
        })
    }
}
