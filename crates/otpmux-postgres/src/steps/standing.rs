//! What belongs to no verification: health updates, server keys, the probe, and the time.

use std::time::{Duration, SystemTime};

use otpmux_engine::{HealthUpdate, KeyCheck, KeyId};

use crate::answer::Answer;
use crate::call::Call;
use crate::error::{CallError, Read};

pub(crate) fn health(now: SystemTime) -> Call {
    Call::new("health").time(now)
}

pub(crate) fn updates(answer: Answer) -> Read<Vec<HealthUpdate>> {
    let mut answer = answer.after("updates")?;
    let updates = answer.health_updates()?;
    answer.end(updates)
}

pub(crate) fn check_keys(keys: &[KeyCheck]) -> Call {
    Call::new("check_keys")
        .many_bytes(keys.iter().map(|key| key.id.as_bytes().to_vec()).collect())
        .many_bytes(keys.iter().map(|key| key.value.to_vec()).collect())
}

/// Reads the ids of those that differ.
pub(crate) fn differing(answer: Answer, keys: &[KeyCheck]) -> Read<Vec<KeyId>> {
    let mut answer = answer.after("keys")?;
    let differ = answer.list()?;
    let ids = keys.iter().map(|key| &key.id);
    let ids = ids.filter(|id| differ.iter().any(|it| it == id.as_bytes()));
    answer.end(ids.map(KeyId::clone).collect())
}

pub(crate) fn probe(now: SystemTime) -> Call {
    Call::new("probe").time(now)
}

pub(crate) fn probed(answer: Answer) -> Read<()> {
    answer.after("written")?.end(())
}

pub(crate) fn time_of_clock(answer: Answer) -> Read<SystemTime> {
    let mut answer = answer.after("time")?;
    let since = Duration::from_millis(answer.number()?);
    let time = SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)?;
    answer.end(time)
}
