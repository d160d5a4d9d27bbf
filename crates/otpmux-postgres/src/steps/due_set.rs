//! The verifications at which a process must look.

use std::time::{Duration, SystemTime};

use otpmux_engine::{Reschedule, VerificationId};

use crate::answer::Answer;
use crate::call::{Call, stamp};
use crate::codec;
use crate::error::{CallError, Read};

pub(crate) fn due(now: SystemTime, lease: Duration, most: usize) -> Call {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Call::new("due").time(now).time(now + lease).number(most)
}

pub(crate) fn ids(answer: Answer) -> Read<Vec<VerificationId>> {
    let mut answer = answer.after("due")?;
    let id = |bytes: Vec<u8>| Some(VerificationId::from_bytes(bytes.try_into().ok()?));
    let ids = answer.list()?.into_iter().map(id).collect::<Option<_>>();
    answer.end(ids.ok_or(CallError::Unreadable)?)
}

pub(crate) fn reschedule(id: VerificationId, reschedule: &Reschedule, now: SystemTime) -> Call {
    Call::new("reschedule")
        .bytes(id.to_bytes())
        .number(reschedule.step)
        .number(reschedule.next_step)
        .maybe_number(reschedule.due_at.map(stamp))
        .bytes(codec::lines(&reschedule.skips))
        .time(now)
}
