//! What vendors report about messages.

use std::time::SystemTime;

use otpmux_engine::{DeliveryMark, ReceiptOf, Received};

use crate::answer::Answer;
use crate::call::Call;
use crate::codec;
use crate::error::{CallError, Read};

pub(crate) fn receive(attempt: ReceiptOf, mark: DeliveryMark, now: SystemTime) -> Call {
    let (id, place, tag) = match attempt {
        ReceiptOf::Attempt { id, place } => (Some(id), Some(i32::from(place)), None),
        ReceiptOf::Reference(tag) => (None, None, Some(tag.to_vec())),
    };
    Call::new("receive")
        .maybe_bytes(id.map(|id| id.to_bytes().to_vec()))
        .maybe_place(place)
        .maybe_bytes(tag)
        .number(codec::mark(mark))
        .time(now)
}

pub(crate) fn received(mut answer: Answer) -> Read<Received> {
    let received = match &*answer.word {
        "changed" => {
            let place = answer.number()?;
            let before = answer.mark()?;
            Received::Changed { record: Box::new(answer.record()?), place, before }
        }
        "same" => Received::Same,
        "gone" => Received::Gone,
        _ => return Err(CallError::Unreadable),
    };
    answer.end(received)
}
