//! Entries of an audit log, and the place that takes them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use otpmux_core::{Error, rfc3339};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{AttemptState, RecipientHash, SendAttemptView};

/// Takes the entries of an audit log: one for each send, resend, delivery, verify, cancel and change
/// of a message's delivery, when it has ended. Set it with
/// [`ClientBuilder::audit`](crate::ClientBuilder::audit).
///
/// ```
/// use otpmux_engine::{AuditEntry, AuditSink};
///
/// #[derive(Debug)]
/// struct Printed;
///
/// impl AuditSink for Printed {
///     fn record(&self, entry: AuditEntry) {
///         println!("{}", entry.to_json());
///     }
/// }
/// ```
pub trait AuditSink: fmt::Debug + Send + Sync {
    /// Takes an entry. It is called within requests, so it must return at once: an entry that cannot
    /// be kept now is to be queued or dropped.
    fn record(&self, entry: AuditEntry);

    /// Writes what was taken. Called when a service stops; may block.
    fn flush(&self) {}
}

/// One entry of an audit log. Nothing in it is personal: a recipient is there as a keyed hash, and
/// no code, address, text or note is. Serialises as one JSON object without absent fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When it happened, by the store's clock if it was read. Serialised in ISO 8601, in UTC.
    #[serde(serialize_with = "time")]
    pub at: SystemTime,
    /// What happened: `send`, `resend`, `deliver`, `redeliver`, `verify`, `cancel`, `end_delivery`,
    /// `receipt`, or a word of the program around the client.
    pub event: &'static str,
    /// The name of the API key: the [tenant](crate::ScopedClient::of_tenant) of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The id of the verification or delivery. An event that selects by it may have no recipient:
    /// the entry of its send has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The recipient: the first 128 bits of [`ServerKeys::hash`](crate::ServerKeys::hash) in hex, the
    /// same for all spellings that may name one mailbox or telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_hash: Option<String>,
    /// The purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The country of a telephone number, in two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<&'static str>,
    /// The channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The provider of the newest message, or the one that the error is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The result. Of a send: `confirmed`, `unconfirmed` or the kind of the error. `abandoned`: the
    /// caller dropped the call before it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The verdict on a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// What the vendor reported about the delivery of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<&'static str>,
    /// What is known about the effect of a failed call, or of a send that is not confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certainty: Option<&'static str>,
    /// On whose side the cause of a failure is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blame: Option<&'static str>,
    /// The limit that refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<&'static str>,
    /// When a repeat may succeed, in seconds, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The send attempts of the verification so far, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub send_attempts: Vec<AuditAttempt>,
    /// Fields of the program around the client. Must not be personal or secret.
    #[serde(flatten)]
    pub more: BTreeMap<&'static str, Value>,
}

/// One send attempt in an [`AuditEntry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditAttempt {
    /// The provider.
    pub provider: String,
    /// The channel.
    pub channel: String,
    /// The outcome, as far as it is known.
    pub state: &'static str,
    /// The kind of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
}

impl AuditEntry {
    /// An entry of a program around the client; its time is now.
    ///
    /// ```
    /// # use std::time::SystemTime;
    /// # use otpmux_engine::AuditEntry;
    /// let mut entry = AuditEntry::new("texts_changed", SystemTime::UNIX_EPOCH);
    /// entry.outcome = Some("done");
    /// let line = r#"{"at":"1970-01-01T00:00:00.000Z","event":"texts_changed","outcome":"done"}"#;
    /// assert_eq!(entry.to_json(), line);
    /// ```
    pub fn new(event: &'static str, at: SystemTime) -> Self {
        Self {
            at,
            event,
            api_key: None,
            id: None,
            recipient_hash: None,
            purpose: None,
            country: None,
            channel: None,
            provider: None,
            outcome: None,
            verdict: None,
            delivery: None,
            certainty: None,
            blame: None,
            limit: None,
            retry_after: None,
            send_attempts: Vec::new(),
            more: BTreeMap::new(),
        }
    }

    /// The entry as one line of JSON, without a line ending.
    pub fn to_json(&self) -> String {
        // It cannot fail: all keys are texts, and every time has a form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Sets the fields that an error gives.
    pub fn failed(&mut self, error: &Error) {
        self.outcome = Some(error.kind().as_str());
        self.certainty = Some(error.certainty().as_str());
        self.blame = Some(error.blame().as_str());
        self.limit = error.limit();
        self.retry_after = error.retry_after().map(whole_seconds);
        if let Some(provider) = error.provider() {
            self.provider = Some(provider.to_string());
        }
    }

    pub(crate) fn tried(&mut self, attempts: &[SendAttemptView]) {
        let accepted = |it: &&SendAttemptView| it.state == AttemptState::Accepted;
        let carried = attempts.iter().rfind(accepted).or(attempts.last());
        self.provider = carried.map(|it| it.provider.to_string());
        let of = |it: &SendAttemptView| AuditAttempt {
            provider: it.provider.to_string(),
            channel: it.channel.to_string(),
            state: it.state.as_str(),
            failure: it.failure.map(otpmux_core::ErrorKind::as_str),
        };
        self.send_attempts = attempts.iter().map(of).collect();
    }
}

impl RecipientHash {
    /// The form of the recipient in an audit log.
    pub fn audit_text(&self) -> String {
        let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
        self.counted().iter().fold(String::with_capacity(32), hex)
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn time<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let text = rfc3339::milliseconds(*at).ok_or_else(|| S::Error::custom("no year of RFC 3339"))?;
    serializer.serialize_str(&text)
}
