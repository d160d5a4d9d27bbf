//! The steps of the store, a file for each subject: each is the call of a script, and how the answer
//! is read.

pub(crate) mod creation;
pub(crate) mod due_set;
pub(crate) mod guesses;
pub(crate) mod receipts;
pub(crate) mod send_attempts;
pub(crate) mod standing;

use std::time::{Duration, SystemTime};

use otpmux_engine::{Record, VerificationId};

use crate::decoder::Read;
use crate::key_names::KeyNames;
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

pub(crate) fn load(names: &KeyNames, id: VerificationId, now: SystemTime) -> ScriptCall<'_> {
    ScriptCall::on_record(Operation::Load, names, id, now)
}

pub(crate) fn loaded(mut reply: Reply, id: VerificationId) -> Read<Option<Record>> {
    let record = if reply.is("record", "none")? { Some(reply.record(id)?) } else { None };
    reply.end(record)
}

pub(crate) fn cancel(names: &KeyNames, id: VerificationId, now: SystemTime) -> ScriptCall<'_> {
    ScriptCall::on_record(Operation::Cancel, names, id, now)
}

pub(crate) fn cancelled(reply: Reply) -> Read<bool> {
    let live = reply.is("cancelled", "over")?;
    reply.end(live)
}

/// How long a value is kept that ends then. Redis refuses a time to live of zero.
pub(crate) fn time_until(end: SystemTime, now: SystemTime) -> Duration {
    end.duration_since(now).unwrap_or_default().max(Duration::from_millis(1))
}
