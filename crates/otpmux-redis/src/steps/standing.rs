//! What belongs to no verification: health updates, server keys, the probe, and the time.

use std::time::SystemTime;

use otpmux_engine::{HealthUpdate, KeyCheck, KeyId};

use crate::decoder::Read;
use crate::error::CallError;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

pub(crate) fn health(names: &KeyNames, now: SystemTime) -> ScriptCall<'_> {
    ScriptCall::new(Operation::Health, names, now).key(&Key::Health)
}

pub(crate) fn updates(reply: Reply) -> Read<Vec<HealthUpdate>> {
    let mut reply = reply.after("updates")?;
    let updates = reply.updates()?;
    reply.end(updates)
}

pub(crate) fn check_keys<'a>(names: &'a KeyNames, keys: &[KeyCheck]) -> ScriptCall<'a> {
    let call = ScriptCall::timeless(Operation::CheckKeys, names).key(&Key::Keys);
    keys.iter().fold(call, |call, key| call.text(key.id.as_bytes()).text(key.value))
}

/// Reads the places of those that differ.
pub(crate) fn differing(mut reply: Reply, keys: &[KeyCheck]) -> Read<Vec<KeyId>> {
    let mut differ = Vec::new();
    while let Some(place) = reply.maybe_number::<usize>()? {
        differ.push(KeyId::clone(&keys.get(place).ok_or(CallError::Unreadable)?.id));
    }
    reply.end(differ)
}

/// `operation` is [`Probe`](Operation::Probe) or [`ProbeWhenFull`](Operation::ProbeWhenFull).
pub(crate) fn probe(names: &KeyNames, operation: Operation, now: SystemTime) -> ScriptCall<'_> {
    ScriptCall::new(operation, names, now).key(&Key::Probe)
}

pub(crate) fn time(names: &KeyNames) -> ScriptCall<'_> {
    ScriptCall::timeless(Operation::Time, names).key(&Key::Probe)
}

pub(crate) fn time_of_clock(mut reply: Reply) -> Read<SystemTime> {
    let since = reply.millis()?;
    let time = SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)?;
    reply.end(time)
}
