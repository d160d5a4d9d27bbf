//! Events that wait, as the functions return them: JSON.

use std::time::{Duration, SystemTime};

use otpmux_engine::{EndpointName, EndpointState, EndpointStatus, EventEnd, QueuedEvent};
use serde::Deserialize;

use crate::call::stamp;
use crate::error::CallError;

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
pub(crate) fn entries(all: &[Vec<u8>]) -> Result<Vec<QueuedEvent>, CallError> {
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

/// Decodes what is known about endpoints.
pub(crate) fn statuses(all: &[Vec<u8>]) -> Result<Vec<EndpointStatus>, CallError> {
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

/// Encodes what became of an event: a letter, and when it is due again.
pub(crate) fn end(end: EventEnd) -> (&'static str, Option<i64>) {
    match end {
        EventEnd::Delivered => ("d", None),
        EventEnd::Dropped => ("x", None),
        EventEnd::Failed(at) => ("f", Some(stamp(at))),
        EventEnd::Again(at) => ("a", Some(stamp(at))),
    }
}

pub(crate) fn time(since: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(since))
}
