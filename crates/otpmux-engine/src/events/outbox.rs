//! The outbox of a store: events that wait for their delivery, for each endpoint by itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;

use super::{EndpointName, EventId};

/// The outbox of a store that keeps events: for each endpoint at most one entry of each id.
///
/// Every operation is atomic, over all processes that share the store. Of more than [`MOST_EVENTS`]
/// entries of one endpoint, the oldest are dropped, at the latest by [`events_due`](Self::events_due).
/// The steps of [`VerificationStore`](crate::VerificationStore) add entries too.
#[async_trait]
pub trait Outbox: Send + Sync + fmt::Debug {
    /// Writes an event that no step on a record makes true. Returns whether it was written: not
    /// while its [key](Once::key) is held.
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error>;

    /// Takes events whose time has come, of each endpoint at most so many, oldest due first, and moves
    /// them to `now + lease`: so each is taken by one process at a time, and again if that process dies.
    /// Takes none of an endpoint that is not [on](EndpointState::On).
    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error>;

    /// Records the outcomes of events, or makes the events due, in their order. Each event appears at most
    /// once. For an event that no longer exists, nothing changes, except that a delivery ends the failing
    /// of its endpoint. Each event is a separate step: after an error, any of them may be recorded.
    async fn end_events(&self, ended: &[EndedEvent], now: SystemTime)
    -> Result<EventsEnded, Error>;

    /// Reads events that wait for an endpoint, oldest first.
    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error>;

    /// Reads the state of these endpoints and how many events wait for each, in their order. An endpoint
    /// that never had an event or a state is on, and no event waits for it.
    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error>;

    /// Switches an endpoint on or off, or pauses it, for all processes. Switching it on ends its failing.
    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error>;
}

/// The most events that may wait for one endpoint. Beyond that, the oldest are dropped.
pub const MOST_EVENTS: usize = 100_000;

/// An event that waits for its delivery to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct QueuedEvent {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// Its id: one entry for each id and endpoint.
    pub id: EventId,
    /// When it happened.
    pub at: SystemTime,
    /// What it says; opaque for a store.
    pub facts: Arc<str>,
    /// Why it happened, in a word of the documentation.
    pub reason: Option<Box<str>>,
    /// Tries that failed.
    pub tries: u32,
    /// When the next try is due, or when the lease of the process that tries now ends.
    pub due_at: SystemTime,
}

/// An event that no step on a record makes true.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct NewEvent {
    /// The endpoints that get it.
    pub endpoints: Vec<EndpointName>,
    /// Its id.
    pub id: EventId,
    /// What it says.
    pub facts: Arc<str>,
    /// Why it happened.
    pub reason: Option<Box<str>>,
    /// Under which condition it is written.
    pub once: Option<Once>,
}

impl NewEvent {
    /// Its entries of the outbox, one for each endpoint.
    pub fn entries(self, now: SystemTime) -> impl Iterator<Item = QueuedEvent> {
        let Self { endpoints, id, facts, reason, .. } = self;
        endpoints.into_iter().map(move |endpoint| QueuedEvent {
            endpoint,
            id,
            at: now,
            facts: Arc::clone(&facts),
            reason: reason.clone(),
            tries: 0,
            due_at: now,
        })
    }
}

/// An event that many calls or processes notice, and that is written once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Once {
    /// While this key is held, the event is not written again.
    pub key: [u8; 16],
    /// How long this event holds it.
    pub until: SystemTime,
    /// The key that it releases: that of its opposite.
    pub releases: Option<[u8; 16]>,
}

/// How many due events of an endpoint are taken.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Wanted {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// At most so many.
    pub most: usize,
}

/// Result of [`Outbox::events_due`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct DueEvents {
    /// The events, leased.
    pub events: Vec<QueuedEvent>,
    /// How many events of these endpoints were dropped since the last call because too many waited.
    pub dropped: u64,
}

/// What became of an event at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct EndedEvent {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// The event.
    pub id: EventId,
    /// What became of it.
    pub end: EventEnd,
}

/// Result of [`Outbox::end_events`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct EventsEnded {
    /// How many of the events were waiting.
    pub waited: usize,
    /// Since when their endpoints fail, after this step; without those that do not.
    pub failing_since: HashMap<EndpointName, SystemTime>,
}

/// What became of a leased event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores must handle each of them")]
pub enum EventEnd {
    /// The receiver has it. It is removed, and the endpoint no longer fails.
    Delivered,
    /// It is given up and removed.
    Dropped,
    /// The try failed. Its next one is due then.
    Failed(SystemTime),
    /// It was not tried, or an operator asks for a further try: it is due then, and nothing is counted.
    Again(SystemTime),
}

impl EventEnd {
    /// Its letter, for stores whose steps run in a server.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Delivered => "d",
            Self::Dropped => "x",
            Self::Failed(_) => "f",
            Self::Again(_) => "a",
        }
    }

    /// When the event is due again, if it stays in the outbox.
    pub const fn due_at(self) -> Option<SystemTime> {
        match self {
            Self::Delivered | Self::Dropped => None,
            Self::Failed(at) | Self::Again(at) => Some(at),
        }
    }
}

/// Whether an endpoint gets events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum EndpointState {
    /// It gets them.
    #[default]
    On,
    /// An operator has paused it; its events wait.
    Paused,
    /// It answered 410, or nothing succeeded for days; its events wait until an operator resumes it.
    Off,
}

impl EndpointState {
    /// The word that the HTTP API, metrics and stores use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Paused => "paused",
            Self::Off => "off",
        }
    }

    /// Reads the word of a store; [`On`](Self::On) for any other.
    pub fn from_word(word: &str) -> Self {
        match word {
            "paused" => Self::Paused,
            "off" => Self::Off,
            _ => Self::On,
        }
    }
}

/// The state of an endpoint, and how many events wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct EndpointStatus {
    /// Its name.
    pub endpoint: EndpointName,
    /// Whether it gets events.
    pub state: EndpointState,
    /// Since when every try failed, if the last one did.
    pub failing_since: Option<SystemTime>,
    /// How many events wait for it, those under way included.
    pub waiting: u64,
}
