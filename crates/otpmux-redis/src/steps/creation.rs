//! A new verification or delivery.

use std::time::SystemTime;

use otpmux_engine::{Create, Created, LimitHit, LimitKey, LimitScope, longest};

use super::time_until;
use crate::codec;
use crate::decoder::Read;
use crate::encoder::Encode;
use crate::error::CallError;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::{ScriptCall, is_long};

/// The place of a hit that is not there.
const NO_HIT: u8 = u8::MAX;

pub(crate) fn create<'a>(names: &'a KeyNames, create: &Create, now: SystemTime) -> ScriptCall<'a> {
    let Create { record, external, limit_hits, repeat } = create;
    let request = record.request.as_deref();
    let mut call = ScriptCall::on_record(Operation::Create, names, record.id, now)
        .key(&Key::Recipient(&record.recipient))
        .key(&Key::Health);
    if let Some(request) = request {
        call = call.key(&Key::Request(&request.name));
    }
    for tag in external {
        call = call.key(&Key::External(tag));
    }
    let mode = match (record.id.is_delivery(), repeat) {
        (true, _) => b'd',
        (false, true) => b'r',
        (false, false) => b'-',
    };
    // The recipient's own hit is in the recipient's key, so it is none of the others.
    let own = LimitKey::of_recipient(LimitScope::Recipient, &record.recipient);
    let own = limit_hits.iter().position(|limit_hit| limit_hit.key == own);
    let windows = own.map_or(&[][..], |place| &limit_hits[place].windows);
    let others = limit_hits.iter().enumerate();
    let others = others.filter_map(|(place, hit)| (Some(place) != own).then_some(hit));
    let long = u8::from(others.clone().any(is_long));
    // A client has far fewer server keys and limits.
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let (externals, own) = (byte(external.len()), own.map_or(NO_HIT, byte));
    let kept = time_until(record.kept_until(), now);
    call.time_to_live(kept)
        .argument(|bytes| codec::write(bytes, record))
        .text([mode, u8::from(request.is_some()), externals, long, own])
        .argument(|bytes| {
            if !record.id.is_delivery() {
                bytes.seconds(record.kept_until());
                bytes.field(codec::purpose(&record.purpose));
            }
        })
        .windows(windows)
        .time_to_live(kept.max(longest(windows)))
        .limit_hits(others)
}

pub(crate) fn created(mut reply: Reply, limit_hits: &[LimitHit]) -> Read<Created> {
    let created = match &*reply.word {
        "new" => Created::New(reply.maybe_updates()?),
        "before" => Created::Replayed(Box::new(reply.record_with_id()?)),
        "live" => Created::Live(Box::new(reply.record_with_id()?)),
        "key_reused" => Created::KeyReused,
        "external_id_taken" => Created::ExternalIdTaken,
        "given_up" => Created::GivenUp,
        "limited" => Created::LimitExceeded(reply.limited(limit_hits)?),
        _ => return Err(CallError::Unreadable),
    };
    reply.end(created)
}
