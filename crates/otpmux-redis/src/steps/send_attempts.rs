//! Further send attempts, and the outcomes of all.

use std::time::SystemTime;

use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, AttemptState, LimitHit, Lost, RecordOutcome, SendAttempt,
    StartAttempt, State, VerificationId,
};

use super::time_until;
use crate::codec;
use crate::decoder::Read;
use crate::encoder::Encode;
use crate::error::CallError;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::{ScriptCall, push_decimal};

/// The most accepted send attempts that one script records. Redis runs one script at a time: this
/// many hold up the other calls for about 0.2 ms.
pub(crate) const MOST_ACCEPTED: usize = 32;

pub(crate) fn start<'a>(
    names: &'a KeyNames,
    id: VerificationId,
    begin: &StartAttempt,
    now: SystemTime,
) -> ScriptCall<'a> {
    ScriptCall::on_record(Operation::StartAttempt, names, id, now)
        .key(&Key::Health)
        .argument(|bytes| codec::ends(bytes, &begin.ends))
        .argument(|bytes| codec::skips(bytes, &begin.skips))
        .argument(|bytes| codec::new_attempt(bytes, &begin.attempt))
        .argument(|bytes| {
            if let Some(terms) = begin.resend {
                bytes.number(terms.max_resends);
                bytes.time(terms.next_after);
            }
            if let Some(terms) = begin.escalation {
                bytes.push(terms.step);
                codec::maybe_time(bytes, terms.next_due_at);
            }
        })
        .health_updates(&begin.health_updates)
        .text(begin.facts.as_deref().unwrap_or_default())
        .limit_hits(&begin.limit_hits)
}

pub(crate) fn started(mut reply: Reply, limit_hits: &[LimitHit]) -> Read<AttemptStarted> {
    let started = match &*reply.word {
        "attempt" => AttemptStarted::Started(reply.number()?),
        "over" => return reply.nested().map(AttemptStarted::Over),
        "too_soon" => AttemptStarted::TooSoon(reply.millis()?),
        "too_many" => AttemptStarted::TooMany,
        "not_due" => AttemptStarted::NotDue,
        "limited" => AttemptStarted::LimitExceeded(reply.limited(limit_hits)?),
        _ => return Err(CallError::Unreadable),
    };
    reply.end(started)
}

pub(crate) fn record_outcome(
    names: &KeyNames,
    id: VerificationId,
    record_outcome: RecordOutcome,
    now: SystemTime,
) -> ScriptCall<'_> {
    let RecordOutcome { ends, skips, health_updates, close, refunds, lost, unconfirmed } =
        record_outcome;
    let call = ScriptCall::on_record(Operation::RecordOutcome, names, id, now).key(&Key::Health);
    refunds
        .iter()
        .fold(call, |call, refund| call.key(&Key::Limit(refund.key)))
        .argument(|bytes| codec::ends(bytes, &ends))
        .argument(|bytes| codec::skips(bytes, &skips))
        .argument(|bytes| {
            bytes.push(u8::from(close));
            for refund in &refunds {
                bytes.time(refund.at);
            }
        })
        .health_updates(&health_updates)
        .argument(|bytes| match lost {
            None => {}
            Some(Lost::Creation(until)) => {
                bytes.push(b'c');
                push_decimal(bytes, time_until(until, now));
            }
            Some(Lost::SendAttempt(attempt)) => {
                bytes.push(b'a');
                let attempt = SendAttempt { state: AttemptState::NotSent, ..attempt };
                codec::new_attempt(bytes, &attempt);
            }
        })
        .argument(|bytes| {
            if let Some(unconfirmed) = unconfirmed {
                bytes.place(usize::from(unconfirmed.place));
                bytes.extend_from_slice(unconfirmed.reason.as_str().as_bytes());
            }
        })
}

pub(crate) fn recorded(reply: Reply) -> Read<State> {
    let state = match reply.word.as_bytes() {
        [letter] => codec::read_state(*letter),
        _ => None,
    };
    reply.end(state.ok_or(CallError::Unreadable)?)
}

/// Records at most [`MOST_ACCEPTED`].
pub(crate) fn record_accepted<'a>(
    names: &'a KeyNames,
    all: &[AcceptedAttempt],
    now: SystemTime,
) -> ScriptCall<'a> {
    let call = ScriptCall::new(Operation::RecordAccepted, names, now);
    let call = all.iter().fold(call, |call, accepted| call.key(&Key::record(accepted.id)));
    call.argument(|bytes| {
        for accepted in all {
            codec::accepted(bytes, accepted);
        }
    })
}
