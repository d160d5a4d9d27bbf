//! The verifications at which a process must look.

use std::time::{Duration, SystemTime};

use otpmux_engine::{Reschedule, VerificationId};

use crate::codec;
use crate::decoder::Read;
use crate::encoder::Encode;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

pub(crate) fn due(
    names: &KeyNames,
    now: SystemTime,
    lease: Duration,
    most: usize,
) -> ScriptCall<'_> {
    ScriptCall::new(Operation::Due, names, now)
        .key(&Key::Due)
        .argument(|bytes| bytes.time(now + lease))
        .text(most.to_string())
}

pub(crate) fn ids(reply: Reply) -> Read<Vec<VerificationId>> {
    let mut reply = reply.after("due")?;
    let mut ids = Vec::new();
    while let Some(id) = reply.maybe_id()? {
        ids.push(id);
    }
    reply.end(ids)
}

pub(crate) fn reschedule<'a>(
    names: &'a KeyNames,
    id: VerificationId,
    reschedule: &Reschedule,
    now: SystemTime,
) -> ScriptCall<'a> {
    ScriptCall::on_record(Operation::Reschedule, names, id, now)
        .argument(|bytes| {
            bytes.extend([reschedule.step, reschedule.next_step]);
            codec::maybe_time(bytes, reschedule.due_at);
        })
        .argument(|bytes| codec::skips(bytes, &reschedule.skips))
}
