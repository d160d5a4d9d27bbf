//! The steps of the store, a file for each subject: each is the call of a function of the database,
//! and how its answer is read.

pub(crate) mod creation;
pub(crate) mod due_set;
pub(crate) mod guesses;
pub(crate) mod receipts;
pub(crate) mod send_attempts;
pub(crate) mod standing;

use std::time::SystemTime;

use otpmux_engine::{Record, VerificationId};

use crate::answer::Answer;
use crate::call::Call;
use crate::error::Read;

pub(crate) fn load(id: VerificationId, now: SystemTime) -> Call {
    Call::new("load").bytes(id.to_bytes()).time(now)
}

pub(crate) fn loaded(mut answer: Answer) -> Read<Option<Record>> {
    let record = if answer.is("record", "none")? { Some(answer.record()?) } else { None };
    answer.end(record)
}

pub(crate) fn cancel(id: VerificationId, now: SystemTime) -> Call {
    Call::new("cancel").bytes(id.to_bytes()).time(now)
}

pub(crate) fn cancelled(answer: Answer) -> Read<bool> {
    let live = answer.is("cancelled", "over")?;
    answer.end(live)
}
