//! The outbox: events that wait for their delivery. The functions return them as JSON.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;
use otpmux_engine::{
    DueEvents, EndedEvent, EndpointName, EndpointState, EndpointStatus, EventsEnded, NewEvent,
    Outbox, QueuedEvent, Wanted,
};
use serde::Deserialize;

use crate::answer::Answer;
use crate::call::{Call, stamp};
use crate::error::{CallError, Read};
use crate::store::PostgresStore;

#[async_trait]
impl Outbox for PostgresStore {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        let once = event.once;
        let call = Call::new("put_event")
            .many_texts(event.endpoints.iter().map(|it| it.as_str().to_owned()).collect())
            .text(event.id.to_string())
            .text(&*event.facts)
            .maybe_text(event.reason.map(Into::into))
            .maybe_bytes(once.map(|once| once.key.to_vec()))
            .maybe_number(once.map(|once| stamp(once.until)))
            .maybe_bytes(once.and_then(|once| once.releases).map(|key| key.to_vec()))
            .time(now);
        self.run(call, |answer| {
            let written = answer.is("written", "held")?;
            answer.end(written)
        })
        .await
    }

    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        let most = |it: &Wanted| i64::try_from(it.most).unwrap_or(i64::MAX);
        let call = Call::new("events_due")
            .many_texts(wanted.iter().map(|it| it.endpoint.as_str().to_owned()).collect())
            .numbers(wanted.iter().map(most).collect())
            .time(now + lease)
            .time(now);
        self.run(call, |answer| {
            let mut answer = answer.after("events")?;
            let dropped = answer.number()?;
            let events = entries(&answer.list()?)?;
            answer.end(DueEvents { events, dropped })
        })
        .await
    }

    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        // So that two processes insert endpoints in one order.
        let mut ended: Vec<_> = ended.iter().collect();
        ended.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        let call = Call::new("end_events")
            .many_texts(ended.iter().map(|it| it.endpoint.as_str().to_owned()).collect())
            .many_texts(ended.iter().map(|it| it.id.to_string()).collect())
            .many_texts(ended.iter().map(|it| it.end.letter().to_owned()).collect())
            .many_maybe_numbers(ended.iter().map(|it| it.end.due_at().map(stamp)).collect())
            .time(now);
        self.run(call, |answer| {
            let mut answer = answer.after("ended")?;
            let waited = answer.number()?;
            let statuses = statuses(&answer.list()?)?.into_iter();
            let failing_since = statuses.filter_map(|it| Some((it.endpoint, it.failing_since?)));
            answer.end(EventsEnded { waited, failing_since: failing_since.collect() })
        })
        .await
    }

    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let call = Call::new("events_waiting").text(endpoint.as_str()).number(most);
        self.run(call, |answer| {
            let mut answer = answer.after("events")?;
            let events = entries(&answer.list()?)?;
            answer.end(events)
        })
        .await
    }

    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        let names = endpoints.iter().map(|it| it.as_str().to_owned()).collect();
        self.run(Call::new("endpoints").many_texts(names), |answer| {
            let mut answer = answer.after("endpoints")?;
            let statuses = statuses(&answer.list()?)?;
            answer.end(statuses)
        })
        .await
    }

    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        let call = Call::new("set_endpoint").text(endpoint.as_str()).text(state.as_str());
        self.run(call, Answer::done).await
    }
}

#[derive(Deserialize)]
struct Entry {
    endpoint: EndpointName,
    id: String,
    at: u64,
    facts: String,
    reason: Option<String>,
    tries: u32,
    due_at: u64,
}

#[derive(Deserialize)]
struct Status {
    endpoint: EndpointName,
    state: String,
    failing_since: Option<u64>,
    waiting: u64,
}

/// Decodes entries.
fn entries(all: &[Vec<u8>]) -> Read<Vec<QueuedEvent>> {
    all.iter().map(|bytes| entry(bytes).ok_or(CallError::Unreadable)).collect()
}

fn entry(bytes: &[u8]) -> Option<QueuedEvent> {
    let Entry { endpoint, id, at, facts, reason, tries, due_at } =
        serde_json::from_slice(bytes).ok()?;
    Some(QueuedEvent {
        endpoint,
        id: id.parse().ok()?,
        at: time(at)?,
        facts: facts.into(),
        reason: reason.map(Into::into),
        tries,
        due_at: time(due_at)?,
    })
}

/// Decodes the states of endpoints.
fn statuses(all: &[Vec<u8>]) -> Read<Vec<EndpointStatus>> {
    all.iter().map(|bytes| status(bytes).ok_or(CallError::Unreadable)).collect()
}

fn status(bytes: &[u8]) -> Option<EndpointStatus> {
    let Status { endpoint, state, failing_since, waiting } = serde_json::from_slice(bytes).ok()?;
    let failing_since = match failing_since {
        Some(since) => Some(time(since)?),
        None => None,
    };
    let state = EndpointState::from_word(&state);
    Some(EndpointStatus { endpoint, state, failing_since, waiting })
}

fn time(since: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since))
}
