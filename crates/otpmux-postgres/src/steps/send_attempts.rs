//! Further send attempts, and the outcomes of all.

use std::time::SystemTime;

use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, AttemptState, LimitHit, Lost, RecordOutcome, SendAttempt,
    StartAttempt, State, VerificationId,
};

use crate::answer::Answer;
use crate::call::{Call, limit_key, stamp};
use crate::codec;
use crate::error::{CallError, Read};

/// The most verifications whose accepted sends one step records: it takes a lock for each.
pub(crate) const MOST_ACCEPTED: usize = 64;

pub(crate) fn start(id: VerificationId, begin: &StartAttempt, now: SystemTime) -> Call {
    let (resend, escalation) = (begin.resend, begin.escalation);
    Call::new("start_attempt")
        .bytes(id.to_bytes())
        .ends(&begin.ends)
        .bytes(codec::lines(&begin.skips))
        .attempt(Some(&begin.attempt))
        .maybe_number(resend.map(|terms| i64::from(terms.max_resends)))
        .maybe_number(resend.map(|terms| stamp(terms.next_after)))
        .maybe_number(escalation.map(|terms| i64::from(terms.step)))
        .maybe_number(escalation.and_then(|terms| terms.next_due_at).map(stamp))
        .maybe_text(begin.facts.as_deref().map(str::to_owned))
        .limit_hits(&begin.limit_hits)
        .health_updates(&begin.health_updates)
        .time(now)
}

pub(crate) fn started(mut answer: Answer, limit_hits: &[LimitHit]) -> Read<AttemptStarted> {
    let started = match &*answer.word {
        "attempt" => AttemptStarted::Started(answer.number()?),
        "too_soon" => AttemptStarted::TooSoon(answer.wait()?),
        "too_many" => AttemptStarted::TooMany,
        "not_due" => AttemptStarted::NotDue,
        "limited" => AttemptStarted::LimitExceeded(answer.limited(limit_hits)?),
        "already_used" | "not_found" | "expired" | "too_many_guesses" => {
            return answer.verdict().map(AttemptStarted::Over);
        }
        _ => return Err(CallError::Unreadable),
    };
    answer.end(started)
}

pub(crate) fn record_outcome(
    id: VerificationId,
    record_outcome: RecordOutcome,
    now: SystemTime,
) -> Call {
    let RecordOutcome { ends, skips, health_updates, close, refunds, lost, unconfirmed } =
        record_outcome;
    let (until, attempt) = match lost {
        None => (None, None),
        Some(Lost::Creation(until)) => (Some(stamp(until)), None),
        Some(Lost::SendAttempt(attempt)) => {
            (None, Some(SendAttempt { state: AttemptState::NotSent, ..attempt }))
        }
    };
    Call::new("record_outcome")
        .bytes(id.to_bytes())
        .ends(&ends)
        .bytes(codec::lines(&skips))
        .flag(close)
        .many_bytes(refunds.iter().map(|refund| limit_key(&refund.key)).collect())
        .numbers(refunds.iter().map(|refund| stamp(refund.at)).collect())
        .maybe_number(until)
        .attempt(attempt.as_ref())
        .maybe_number(unconfirmed.map(|it| i64::from(it.place)))
        .maybe_text(unconfirmed.map(|it| it.reason.as_str().to_owned()))
        .health_updates(&health_updates)
        .time(now)
}

pub(crate) fn recorded(answer: Answer) -> Read<State> {
    let state = codec::read_state(&answer.word).ok_or(CallError::Unreadable)?;
    answer.end(state)
}

/// Records at most [`MOST_ACCEPTED`].
pub(crate) fn record_accepted(all: &[AcceptedAttempt], now: SystemTime) -> Call {
    Call::new("record_accepted")
        .many_bytes(all.iter().map(|it| it.id.to_bytes().to_vec()).collect())
        .places(all.iter().map(|it| it.attempt))
        .many_maybe_bytes(all.iter().map(|it| codec::reference(it.reference.as_ref())).collect())
        .time(now)
}
