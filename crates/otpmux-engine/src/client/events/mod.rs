//! Events: what is written into the outbox, and how it is taken from there.

mod methods;
mod stream;
mod write;

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use tokio::sync::watch;

pub use stream::EventStream;

use super::inner::Inner;
use crate::{
    EndedEvent, EndpointName, EndpointState, EndpointStatus, Event, EventEnd, EventEndpoint,
    EventId, EventSettings, EventType, EventTypes, EventsEnded, Outbox, QueuedEvent, Want, Wanted,
};

/// How long a process may take to deliver an event that it has taken, before another one may.
pub(super) const LEASE: Duration = Duration::from_mins(1);

/// The most waiting events that one look reads for each endpoint.
const MOST_SHOWN: usize = 1_000;

/// The endpoints of a client, and what their records need.
#[derive(Debug)]
pub(super) struct Events {
    settings: EventSettings,
    types: EventTypes,
    verifications: Arc<[Want]>,
    deliveries: Arc<[Want]>,
    /// Whether an endpoint gets metadata.
    metadata: bool,
    /// Wakes those that take events, in this process.
    wake: watch::Sender<()>,
}

/// An event that was taken from the outbox, for one endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventDelivery {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// The event.
    pub event: Event,
    /// Tries that failed before.
    pub tries: u32,
    /// When its next try is due, or when the lease of the process that tries now ends.
    pub due_at: std::time::SystemTime,
}

impl EventDelivery {
    /// Returns what to record with [`OtpClient::end_events`](crate::OtpClient::end_events) when this became
    /// of the event.
    #[must_use]
    pub fn ended(&self, end: EventEnd) -> EndedEvent {
        EndedEvent { endpoint: self.endpoint.clone(), id: self.event.id, end }
    }
}

/// What a client took from its outbox.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TakenEvents {
    /// The events, each to be ended with [`OtpClient::end_events`](crate::OtpClient::end_events).
    pub deliveries: Vec<EventDelivery>,
    /// How many were dropped since the last call because too many waited, or because they could not
    /// be read.
    pub dropped: u64,
}

impl Events {
    /// `wake` is that of an earlier state of the same client.
    pub(super) fn new(settings: EventSettings, wake: Option<watch::Sender<()>>) -> Self {
        let wants = |fits: fn(EventType) -> bool| {
            let want = |endpoint: &EventEndpoint| {
                let types: EventTypes = endpoint.types.iter().filter(|it| fits(*it)).collect();
                (!types.is_empty()).then(|| Want(endpoint.name.clone(), types))
            };
            settings.endpoints().iter().filter_map(want).collect()
        };
        Self {
            types: settings.types(),
            verifications: wants(|it| !it.is_of_process()),
            deliveries: wants(EventType::is_of_deliveries),
            metadata: settings.endpoints().iter().any(|endpoint| endpoint.metadata),
            wake: wake.unwrap_or_default(),
            settings,
        }
    }

    pub(super) fn settings(&self) -> &EventSettings {
        &self.settings
    }

    /// Whether a process must look at every verification when it expires.
    pub(super) fn want_failed(&self) -> bool {
        self.types.contains(EventType::VerificationFailed)
    }

    pub(super) fn waker(&self) -> watch::Sender<()> {
        self.wake.clone()
    }

    /// Wakes those that take events; costs nothing without endpoints.
    pub(super) fn wake(&self) {
        if !self.types.is_empty() {
            self.wake.send_replace(());
        }
    }
}

impl Inner {
    fn outbox(&self) -> Result<&dyn Outbox, Error> {
        self.store.outbox().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Internal).with_detail(
                "this store keeps no events; use another store, or configure no endpoints",
            )
        })
    }

    pub(super) async fn take_events(&self, wanted: &[Wanted]) -> Result<TakenEvents, Error> {
        let due = self.outbox()?.events_due(wanted, LEASE, self.clock.now()).await?;
        let mut taken = TakenEvents { deliveries: Vec::new(), dropped: due.dropped };
        let mut unreadable = Vec::new();
        for entry in due.events {
            if let Some(delivery) = self.read_event(&entry) {
                taken.deliveries.push(delivery);
            } else {
                tracing::warn!(event = %entry.id, "an event cannot be read and is dropped");
                taken.dropped += 1;
                let (endpoint, id) = (entry.endpoint, entry.id);
                unreadable.push(EndedEvent { endpoint, id, end: EventEnd::Dropped });
            }
        }
        if !unreadable.is_empty() {
            self.end_events(&unreadable).await?;
        }
        Ok(taken)
    }

    pub(super) async fn end_events(&self, ended: &[EndedEvent]) -> Result<EventsEnded, Error> {
        self.outbox()?.end_events(ended, self.clock.now()).await
    }

    /// The events that wait for the configured endpoints, or for one of them.
    pub(super) async fn events_waiting(
        &self,
        endpoint: Option<&str>,
        most: usize,
    ) -> Result<Vec<EventDelivery>, Error> {
        let mut all = Vec::new();
        for it in self.events.settings.endpoints() {
            if endpoint.is_none_or(|endpoint| endpoint == it.name.as_str()) {
                let entries = self.outbox()?.events_waiting(&it.name, most.min(MOST_SHOWN)).await?;
                all.extend(entries.iter().filter_map(|entry| self.read_event(entry)));
            }
        }
        Ok(all)
    }

    fn read_event(&self, entry: &QueuedEvent) -> Option<EventDelivery> {
        let settings = self.events.settings.get(entry.endpoint.as_str());
        let metadata = settings.is_some_and(|it| it.metadata);
        Some(EventDelivery {
            endpoint: entry.endpoint.clone(),
            event: Event::read(entry, metadata, &self.keys)?,
            tries: entry.tries,
            due_at: entry.due_at,
        })
    }

    /// Makes an event due now at every endpoint where it waits. Returns whether there is one.
    pub(super) async fn retry_event(&self, id: EventId) -> Result<bool, Error> {
        let end = EventEnd::Again(self.clock.now());
        let endpoints = self.events.settings.endpoints().iter();
        let again = |it: &EventEndpoint| EndedEvent { endpoint: it.name.clone(), id, end };
        let again: Vec<_> = endpoints.map(again).collect();
        let found = !again.is_empty() && self.end_events(&again).await?.waited > 0;
        self.events.wake();
        Ok(found)
    }

    /// What is known about every configured endpoint.
    pub(super) async fn endpoint_statuses(&self) -> Result<Vec<EndpointStatus>, Error> {
        let endpoints = self.events.settings.endpoints();
        if endpoints.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = endpoints.iter().map(|it| it.name.clone()).collect();
        self.outbox()?.endpoints(&names).await
    }

    pub(super) async fn set_endpoint(&self, name: &str, state: EndpointState) -> Result<(), Error> {
        let endpoint = self.events.settings.get(name).ok_or_else(|| no_endpoint(name))?;
        self.outbox()?.set_endpoint(&endpoint.name, state).await?;
        self.events.wake();
        Ok(())
    }
}

pub(super) fn no_endpoint(name: &str) -> Error {
    // A name of the configuration, and short.
    let name: String = name.chars().take(40).collect();
    Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
        .with_detail(format!("no endpoint for events is named `{name}`"))
}
