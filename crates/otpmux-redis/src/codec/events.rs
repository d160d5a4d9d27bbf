//! Events as scripts keep them: see `lua/shared/outbox.lua`.

use std::time::{Duration, SystemTime};

use otpmux_engine::{
    EndpointName, EndpointState, EndpointStatus, EventEnd, EventId, EventTerms, QueuedEvent, Want,
    Wanted,
};

use crate::decoder::{Decoder, Read};
use crate::encoder::Encode;
use crate::error::CallError;
use crate::reply::Reply;

/// Appends what every event of a record says, and which endpoints get which.
pub(crate) fn write_terms(bytes: &mut Vec<u8>, terms: &EventTerms) {
    bytes.field(terms.facts.as_bytes());
    for Want(endpoint, types) in &*terms.wants {
        bytes.field(endpoint.as_str().as_bytes());
        bytes.field(types.letters().as_bytes());
    }
}

/// Decodes what [`write_terms`] has written.
pub(crate) fn read_terms(bytes: &[u8]) -> Read<EventTerms> {
    let mut terms = Decoder::new(bytes);
    let facts = terms.text()?.into();
    let mut wants = Vec::new();
    while !terms.is_empty() {
        let name = EndpointName::new(terms.text()?).map_err(|_| CallError::Unreadable)?;
        let types = terms.text()?.to_owned().try_into().map_err(|_| CallError::Unreadable)?;
        wants.push(Want(name, types));
    }
    Ok(EventTerms { wants: wants.into(), facts })
}

/// The letter of a state.
pub(crate) fn letter(state: EndpointState) -> &'static str {
    match state {
        EndpointState::On => "o",
        EndpointState::Paused => "p",
        EndpointState::Off => "x",
    }
}

/// Encodes what became of an event.
pub(crate) fn write_end(bytes: &mut Vec<u8>, end: EventEnd) {
    bytes.extend_from_slice(end.letter().as_bytes());
    bytes.time(end.due_at().unwrap_or(SystemTime::UNIX_EPOCH));
}

/// Decodes since when an endpoint fails, if it does.
pub(crate) fn read_since(reply: &mut Reply) -> Read<Option<SystemTime>> {
    let since = reply.millis()?;
    if since.is_zero() {
        return Ok(None);
    }
    SystemTime::UNIX_EPOCH.checked_add(since).map(Some).ok_or(CallError::Unreadable)
}

/// Decodes the events of these endpoints that a process has taken until `due_at`: of each endpoint how many, and
/// of each event its id and itself.
pub(crate) fn read_taken(
    reply: &mut Reply,
    wanted: &[Wanted],
    due_at: SystemTime,
) -> Read<Vec<QueuedEvent>> {
    let mut events = Vec::new();
    for Wanted { endpoint, .. } in wanted {
        for _ in 0..reply.number::<u32>()? {
            let (id, event) = (reply.bytes()?, reply.bytes()?);
            events.push(read(endpoint, &id, &event, due_at)?);
        }
    }
    Ok(events)
}

/// Decodes the events that follow, all of this endpoint: of each its id, when it is due, and itself.
pub(crate) fn read_waiting(reply: &mut Reply, endpoint: &EndpointName) -> Read<Vec<QueuedEvent>> {
    let mut events = Vec::new();
    while let Some(id) = reply.maybe_bytes()? {
        let due = reply.text()?.parse().map_err(|_| CallError::Unreadable)?;
        let due_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(due));
        let due_at = due_at.ok_or(CallError::Unreadable)?;
        events.push(read(endpoint, &id, &reply.bytes()?, due_at)?);
    }
    Ok(events)
}

fn read(endpoint: &EndpointName, id: &[u8], event: &[u8], due_at: SystemTime) -> Read<QueuedEvent> {
    let mut event = Decoder::new(event);
    let (at, tries) = (event.time()?, event.number()?);
    let reason = Some(event.text()?).filter(|reason| !reason.is_empty()).map(Into::into);
    let facts = str::from_utf8(event.rest()).map_err(|_| CallError::Unreadable)?.into();
    let id = EventId::from_bytes(id).ok_or(CallError::Unreadable)?;
    Ok(QueuedEvent { endpoint: endpoint.clone(), id, at, facts, reason, tries, due_at })
}

/// Decodes the states of these endpoints.
pub(crate) fn read_endpoints(
    reply: &mut Reply,
    endpoints: &[EndpointName],
) -> Read<Vec<EndpointStatus>> {
    let mut all = Vec::new();
    for endpoint in endpoints {
        let (state, failing_since) = match &*reply.bytes()? {
            [] => (EndpointState::On, None),
            bytes => read_known(Decoder::new(bytes))?,
        };
        let (endpoint, waiting) = (endpoint.clone(), reply.number()?);
        all.push(EndpointStatus { endpoint, state, failing_since, waiting });
    }
    Ok(all)
}

fn read_known(mut known: Decoder<'_>) -> Read<(EndpointState, Option<SystemTime>)> {
    let state = match known.byte()? {
        b'o' => EndpointState::On,
        b'p' => EndpointState::Paused,
        b'x' => EndpointState::Off,
        _ => return Err(CallError::Unreadable),
    };
    let since = Some(known.time()?).filter(|since| *since != SystemTime::UNIX_EPOCH);
    known.end()?;
    Ok((state, since))
}
