//! What vendors report about messages.

use std::time::SystemTime;

use otpmux_engine::{DeliveryMark, ReceiptOf, Received};

use crate::decoder::Read;
use crate::encoder::Encode;
use crate::error::CallError;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

pub(crate) fn receive(
    names: &KeyNames,
    attempt: ReceiptOf,
    mark: DeliveryMark,
    now: SystemTime,
) -> ScriptCall<'_> {
    let (key, place) = match attempt {
        ReceiptOf::Attempt { id, place } => (Key::record(id), Some(place)),
        ReceiptOf::Reference(tag) => (Key::Reference(tag), None),
    };
    ScriptCall::new(Operation::Receive, names, now)
        .key(&key)
        .argument(|bytes| bytes.long_number(mark.number()))
        .argument(|bytes| {
            if let Some(place) = place {
                bytes.place(usize::from(place));
            }
        })
}

pub(crate) fn received(mut reply: Reply) -> Read<Received> {
    let received = match &*reply.word {
        "changed" => {
            let id = reply.id()?;
            let place = reply.number()?;
            let before = reply.mark()?;
            Received::Changed { record: Box::new(reply.record(id)?), place, before }
        }
        "same" => Received::Same,
        "gone" => Received::Gone,
        _ => return Err(CallError::Unreadable),
    };
    reply.end(received)
}
