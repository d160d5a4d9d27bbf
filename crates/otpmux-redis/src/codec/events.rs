//! Events as scripts keep them: see `lua/shared/outbox.lua`.

use std::time::SystemTime;

use otpmux_engine::{
    EndpointName, EndpointState, EndpointStatus, EventId, EventTerms, QueuedEvent, Want,
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
        let name = name(terms.text()?)?;
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

/// Decodes the events that follow: of each its endpoint, its id, and itself.
pub(crate) fn read(reply: &mut Reply) -> Read<Vec<QueuedEvent>> {
    let mut events = Vec::new();
    while let Some(endpoint) = reply.maybe_text()? {
        let (endpoint, id) = (name(&endpoint)?, reply.bytes()?);
        let bytes = reply.bytes()?;
        let mut event = Decoder::new(&bytes);
        let (at, due_at, tries) = (event.time()?, event.time()?, event.number()?);
        let reason = Some(event.text()?).filter(|reason| !reason.is_empty()).map(Into::into);
        let facts = str::from_utf8(event.rest()).map_err(|_| CallError::Unreadable)?.into();
        let id = EventId::from_bytes(&id).ok_or(CallError::Unreadable)?;
        events.push(QueuedEvent { endpoint, id, at, facts, reason, tries, due_at });
    }
    Ok(events)
}

/// Decodes what is known about endpoints, in the order of their names.
pub(crate) fn read_endpoints(reply: &mut Reply) -> Read<Vec<EndpointStatus>> {
    let mut all = Vec::new();
    while let Some(endpoint) = reply.maybe_text()? {
        let (endpoint, bytes) = (name(&endpoint)?, reply.bytes()?);
        let mut known = Decoder::new(&bytes);
        let state = match known.byte()? {
            b'o' => EndpointState::On,
            b'p' => EndpointState::Paused,
            b'x' => EndpointState::Off,
            _ => return Err(CallError::Unreadable),
        };
        let failing_since = Some(known.time()?).filter(|since| *since != SystemTime::UNIX_EPOCH);
        known.end()?;
        all.push(EndpointStatus { endpoint, state, failing_since, waiting: reply.number()? });
    }
    all.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    Ok(all)
}

fn name(text: &str) -> Read<EndpointName> {
    EndpointName::new(text).map_err(|_| CallError::Unreadable)
}
