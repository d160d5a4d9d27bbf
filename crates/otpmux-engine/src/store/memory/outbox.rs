use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;

use super::MemoryStore;
use crate::keyed_map::KeyedMap;
use crate::{
    DueEvents, EndedEvent, EndpointName, EndpointState, EndpointStatus, EventEnd, EventId,
    EventsEnded, MOST_EVENTS, NewEvent, Once, Outbox, QueuedEvent, Wanted,
};

#[async_trait]
impl Outbox for MemoryStore {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        let outbox = &mut self.tables().outbox;
        if event.once.is_some_and(|once| !outbox.hold(once, now)) {
            return Ok(false);
        }
        outbox.add(event.entries(now));
        Ok(true)
    }

    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        Ok(self.tables().outbox.due(wanted, lease, now))
    }

    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        Ok(self.tables().outbox.end(ended, now))
    }

    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        Ok(self.tables().outbox.waiting(endpoint, most))
    }

    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        Ok(self.tables().outbox.statuses(endpoints))
    }

    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        self.tables().outbox.set(endpoint, state);
        Ok(())
    }
}

/// The events that wait, by endpoint.
#[derive(Default)]
pub(super) struct WaitingEvents {
    endpoints: KeyedMap<EndpointName, Endpoint>,
    /// Until when the keys of events that are written once are held.
    held: HashMap<[u8; 16], SystemTime>,
}

#[derive(Default)]
struct Endpoint {
    state: EndpointState,
    failing_since: Option<SystemTime>,
    dropped: u64,
    entries: HashMap<EventId, QueuedEvent>,
    /// The oldest first.
    by_age: BTreeSet<(SystemTime, EventId)>,
    /// The next due first.
    due: BTreeSet<(SystemTime, EventId)>,
}

impl WaitingEvents {
    pub(super) fn add(&mut self, entries: impl IntoIterator<Item = QueuedEvent>) {
        for entry in entries {
            self.endpoints.entry(entry.endpoint.clone()).or_default().add(entry);
        }
    }

    /// Whether the key was free; then it is held from now on.
    pub(super) fn hold(&mut self, once: Once, now: SystemTime) -> bool {
        self.held.retain(|_, until| now < *until);
        if self.held.contains_key(&once.key) {
            return false;
        }
        if let Some(other) = once.releases {
            self.held.remove(&other);
        }
        self.held.insert(once.key, once.until);
        true
    }

    pub(super) fn due(&mut self, wanted: &[Wanted], lease: Duration, now: SystemTime) -> DueEvents {
        let mut due = DueEvents::default();
        for Wanted { endpoint, most } in wanted {
            let Some(endpoint) = self.endpoints.get_mut(endpoint) else { continue };
            due.dropped += std::mem::take(&mut endpoint.dropped);
            if endpoint.state == EndpointState::On {
                due.events.extend(endpoint.take_due(*most, lease, now));
            }
        }
        due
    }

    pub(super) fn end(&mut self, ended: &[EndedEvent], now: SystemTime) -> EventsEnded {
        let mut all = EventsEnded::default();
        for EndedEvent { endpoint: name, id, end } in ended {
            let Some(endpoint) = self.endpoints.get_mut(name) else { continue };
            all.waited += usize::from(endpoint.end(*id, *end, now));
            match endpoint.failing_since {
                Some(since) => all.failing_since.insert(name.clone(), since),
                None => all.failing_since.remove(name),
            };
        }
        all
    }

    pub(super) fn waiting(&self, endpoint: &EndpointName, most: usize) -> Vec<QueuedEvent> {
        let Some(endpoint) = self.endpoints.get(endpoint) else { return Vec::new() };
        let oldest = endpoint.by_age.iter().take(most);
        oldest.filter_map(|(_, id)| endpoint.entries.get(id).cloned()).collect()
    }

    pub(super) fn statuses(&self, endpoints: &[EndpointName]) -> Vec<EndpointStatus> {
        let status = |name: &EndpointName| {
            let known = self.endpoints.get(name);
            EndpointStatus {
                endpoint: name.clone(),
                state: known.map(|it| it.state).unwrap_or_default(),
                failing_since: known.and_then(|it| it.failing_since),
                waiting: known.map_or(0, |it| it.entries.len() as u64),
            }
        };
        endpoints.iter().map(status).collect()
    }

    pub(super) fn set(&mut self, endpoint: &EndpointName, state: EndpointState) {
        let endpoint = self.endpoints.entry(endpoint.clone()).or_default();
        endpoint.state = state;
        if state == EndpointState::On {
            endpoint.failing_since = None;
        }
    }
}

impl Endpoint {
    fn add(&mut self, entry: QueuedEvent) {
        if self.entries.contains_key(&entry.id) {
            return;
        }
        if self.entries.len() >= MOST_EVENTS
            && let Some((_, oldest)) = self.by_age.first()
        {
            self.remove(*oldest);
            self.dropped += 1;
        }
        self.due.insert((entry.due_at, entry.id));
        self.by_age.insert((entry.at, entry.id));
        self.entries.insert(entry.id, entry);
    }

    fn remove(&mut self, id: EventId) {
        if let Some(entry) = self.entries.remove(&id) {
            self.due.remove(&(entry.due_at, id));
            self.by_age.remove(&(entry.at, id));
        }
    }

    fn take_due(&mut self, most: usize, lease: Duration, now: SystemTime) -> Vec<QueuedEvent> {
        let ready = self.due.iter().take_while(|(due, _)| *due <= now).take(most);
        let ids: Vec<_> = ready.map(|(_, id)| *id).collect();
        ids.into_iter().filter_map(|id| self.move_to(id, now + lease).cloned()).collect()
    }

    fn move_to(&mut self, id: EventId, due_at: SystemTime) -> Option<&mut QueuedEvent> {
        let entry = self.entries.get_mut(&id)?;
        self.due.remove(&(entry.due_at, id));
        self.due.insert((due_at, id));
        entry.due_at = due_at;
        Some(entry)
    }

    /// Returns whether the event was waiting.
    fn end(&mut self, id: EventId, end: EventEnd, now: SystemTime) -> bool {
        let waited = self.entries.contains_key(&id);
        if end == EventEnd::Delivered {
            self.failing_since = None;
        }
        match end {
            EventEnd::Delivered | EventEnd::Dropped => self.remove(id),
            EventEnd::Again(at) => drop(self.move_to(id, at)),
            EventEnd::Failed(at) => {
                if let Some(entry) = self.move_to(id, at) {
                    entry.tries += 1;
                    self.failing_since.get_or_insert(now);
                }
            }
        }
        waited
    }
}
