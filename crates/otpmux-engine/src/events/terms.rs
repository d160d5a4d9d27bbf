use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::ErrorKind;
use serde::{Deserialize, Serialize};

use super::{EventId, EventType, EventTypes, QueuedEvent};
use crate::VerificationId;

/// Name of a receiver of events: 1 to 40 lower-case letters, digits, `-` and `_`, the first a
/// letter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointName(Arc<str>);

/// The text is no name of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 40 lower-case letters, digits, `-` and `_`, and begins with a letter")]
pub struct EndpointNameError;

impl EndpointName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// The text is no name.
    pub fn new(text: impl AsRef<str>) -> Result<Self, EndpointNameError> {
        let text = text.as_ref();
        let other = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let is_name = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.len() <= 40
            && text.chars().all(other);
        if is_name { Ok(Self(text.into())) } else { Err(EndpointNameError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndpointName {
    type Err = EndpointNameError;

    fn from_str(text: &str) -> Result<Self, EndpointNameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for EndpointName {
    type Error = EndpointNameError;

    fn try_from(text: String) -> Result<Self, EndpointNameError> {
        Self::new(text)
    }
}

impl From<EndpointName> for String {
    fn from(name: EndpointName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl Borrow<str> for EndpointName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which events an endpoint gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Want(pub EndpointName, pub EventTypes);

/// The events of one record: which endpoints get which, and what they say. A part of the record, so
/// that every step that makes an event true can write it without a further argument; a record without
/// it has no events.
///
/// The endpoints are those that were configured when the verification was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct EventTerms {
    /// Which endpoints get which events.
    pub wants: Arc<[Want]>,
    /// What every event of the record says; opaque for a store.
    pub facts: Arc<str>,
}

/// Terms as a store keeps them.
#[derive(Serialize, Deserialize)]
struct Form<W, F> {
    #[serde(rename = "w")]
    wants: W,
    #[serde(rename = "f")]
    facts: F,
}

impl EventTerms {
    /// The text of the terms for a store: JSON such as `{"w":[["billing","cax"]],"f":"{..}"}`, with the
    /// [letters](EventType::letter) of the types.
    pub fn to_text(&self) -> String {
        // Texts in lists always serialise.
        serde_json::to_string(&Form { wants: &*self.wants, facts: &*self.facts })
            .unwrap_or_default()
    }

    /// Reads the text of a store.
    pub fn from_text(text: &str) -> Option<Self> {
        let Form::<Vec<Want>, String> { wants, facts } = serde_json::from_str(text).ok()?;
        Some(Self { wants: wants.into(), facts: facts.into() })
    }

    /// The entries of the outbox for something that happened to this record.
    pub(crate) fn entries(
        &self,
        about: VerificationId,
        happened: &Happened,
        now: SystemTime,
    ) -> impl Iterator<Item = QueuedEvent> {
        let id = EventId::of(about, happened.event, happened.place);
        let wants = self.wants.iter().filter(move |want| want.1.contains(id.event()));
        wants.map(move |want| QueuedEvent {
            endpoint: want.0.clone(),
            id,
            at: now,
            facts: Arc::clone(&self.facts),
            reason: happened.reason.map(|reason| reason.as_str().into()),
            tries: 0,
            due_at: now,
        })
    }
}

/// An event that a step makes true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// Its type.
    pub event: EventType,
    /// The index of its send attempt, if it has one.
    pub place: Option<u8>,
    /// Why, in a word of the documentation.
    pub reason: Option<Reason>,
}

/// Why something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason(&'static str);

impl Reason {
    pub(crate) const CANCELLED: Self = Self("cancelled");
    pub(crate) const EXPIRED: Self = Self("expired");
    pub(crate) const SUPERSEDED: Self = Self("superseded");
    pub(crate) const NOT_SENT: Self = Self("not_sent");

    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<ErrorKind> for Reason {
    fn from(kind: ErrorKind) -> Self {
        Self(kind.as_str())
    }
}

impl From<otpmux_core::Delivery> for Reason {
    fn from(delivery: otpmux_core::Delivery) -> Self {
        Self(delivery.as_str())
    }
}

impl Happened {
    pub(crate) const fn to(event: EventType) -> Self {
        Self { event, place: None, reason: None }
    }

    #[must_use]
    pub(crate) fn because(self, reason: impl Into<Reason>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }

    #[must_use]
    pub(crate) fn at(self, place: usize) -> Self {
        Self { place: u8::try_from(place).ok(), ..self }
    }
}
