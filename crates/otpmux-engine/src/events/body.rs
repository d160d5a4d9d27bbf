use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use otpmux_core::{Entropy, ProviderId, Purpose, Recipient, rfc3339};
use serde::{Deserialize, Serialize};

use super::{EventId, EventType, QueuedEvent};
use crate::{DeliveryId, Sealed, ServerKeys, VerificationId};

/// What is encrypted: shorter than the data that a payload is bound to, so that none passes for the other.
const METADATA: &[u8] = b"event metadata";

/// The longest body: receivers of Standard Webhooks take 20 kB.
const LONGEST: usize = 20_000;

/// Something that happened. Contains no recipient, code or address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its id, the same in every repeat: events come at least once.
    pub id: EventId,
    /// When it happened, by the store's clock. Events come in no particular order.
    pub at: SystemTime,
    /// What it says.
    pub data: EventData,
}

/// What an event says. A field that does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EventData {
    /// The verification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The code delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// The index of the send attempt, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_attempt: Option<u8>,
    /// The purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The channel of the newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The country of the telephone number, in two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The provider of the newest message, or the provider that the event reports on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Why it happened: see the documentation of each type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The metadata of the send, for endpoints that ask for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: &'a EventData,
}

impl Event {
    /// Its type.
    pub const fn event(&self) -> EventType {
        self.id.event()
    }

    /// The body in the form of Standard Webhooks: `type`, `timestamp` and `data`. At most 20,000 bytes:
    /// metadata that does not fit is left out.
    pub fn body(&self) -> String {
        let timestamp = rfc3339::milliseconds(self.at).unwrap_or_default();
        let render = |data: &EventData| {
            let body = Body { r#type: self.event().as_str(), timestamp: timestamp.clone(), data };
            // Texts and numbers always serialise.
            serde_json::to_string(&body).unwrap_or_default()
        };
        let whole = render(&self.data);
        if whole.len() <= LONGEST {
            return whole;
        }
        render(&EventData { metadata: BTreeMap::new(), ..self.data.clone() })
    }

    /// Puts an event together from its entry in the outbox; `None` if that cannot be read.
    pub(crate) fn read(entry: &QueuedEvent, metadata: bool, keys: &ServerKeys) -> Option<Self> {
        let facts = Facts::from_text(&entry.facts)?;
        let about = entry.id.verification();
        let mut data = EventData {
            id: about.filter(|id| !id.is_delivery()).map(|id| id.to_string()),
            delivery: about.and_then(DeliveryId::of).map(|id| id.to_string()),
            send_attempt: entry.id.place(),
            reason: entry.reason.as_deref().map(str::to_owned),
            ..EventData::default()
        };
        if metadata && let Some(id) = about {
            data.metadata = facts.open(id, keys).unwrap_or_default();
        }
        (data.purpose, data.channel) = (facts.purpose, facts.channel);
        (data.country, data.provider) = (facts.country, facts.provider);
        Some(Self { id: entry.id, at: entry.at, data })
    }
}

/// What every event of a record says, as a store keeps it. Names are short: they are stored with
/// every record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Facts {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<String>,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) country: Option<String>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// The metadata, encrypted as in the record: it may be personal.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<(String, String)>,
}

impl Facts {
    pub(crate) fn of(purpose: &Purpose, recipient: &Recipient) -> Self {
        let country = recipient.phone().and_then(crate::numbers::country_of);
        Self {
            purpose: Some(purpose.as_str().to_owned()),
            country: country.map(str::to_owned),
            ..Self::default()
        }
    }

    pub(crate) fn of_provider(provider: &ProviderId) -> Self {
        Self { provider: Some(provider.as_str().to_owned()), ..Self::default() }
    }

    /// Adds metadata, encrypted. Without randomness it is left out.
    pub(crate) fn with_metadata(
        mut self,
        metadata: &BTreeMap<String, String>,
        id: VerificationId,
        keys: &ServerKeys,
        entropy: &dyn Entropy,
    ) -> Self {
        if metadata.is_empty() {
            return self;
        }
        let text = serde_json::to_vec(metadata).unwrap_or_default();
        let sealed = keys.seal_as(id, METADATA, &text, entropy).ok();
        self.metadata = sealed.map(|it| (it.key.to_string(), STANDARD_NO_PAD.encode(&it.bytes)));
        self
    }

    fn open(&self, id: VerificationId, keys: &ServerKeys) -> Option<BTreeMap<String, String>> {
        let (key, bytes) = self.metadata.as_ref()?;
        let sealed =
            Sealed { key: key.as_str().into(), bytes: STANDARD_NO_PAD.decode(bytes).ok()?.into() };
        let text = keys.open_as(id, METADATA, &sealed)?;
        serde_json::from_slice(&text).ok()
    }

    pub(crate) fn to_text(&self) -> Arc<str> {
        // Texts always serialise.
        serde_json::to_string(self).unwrap_or_default().into()
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
