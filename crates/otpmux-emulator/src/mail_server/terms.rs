use serde::Deserialize;
use serde_json::Value;

/// The rules of a mail server's account for a conversation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Terms {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) require_login: bool,
    pub(super) require_tls: bool,
    pub(super) offer_tls: bool,
    pub(super) unknown_recipients: Vec<String>,
    pub(super) full_recipients: Vec<String>,
}

impl Terms {
    /// Reads the JSON form of the account.
    pub(super) fn of(account: Value) -> Self {
        serde_json::from_value(account).unwrap_or_default()
    }
}
