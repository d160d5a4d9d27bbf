//! Answers a request whose idempotency key was used before.

use std::time::{Duration, SystemTime};

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use tokio::time::Instant;

use crate::client::inner::{Inner, gone, until};
use crate::client::payload::{Asked, Payload};
use crate::client::{InFlight, Verification};
use crate::{IdempotencyRecord, Record, State, VerificationId};

/// How often a request under way in another call is polled: at first, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(200);

/// The last pause before a request that does not want to wait is refused: after all pauses up to
/// this one, another process has recorded the outcome of a send that has returned.
const RECORDED: Duration = Duration::from_millis(40);

impl Inner {
    /// The form at rest of a request's idempotency key and content.
    pub(in crate::client) fn idempotency_record(
        &self,
        name: &str,
        asked: &Asked<'_>,
    ) -> IdempotencyRecord {
        let content = asked.content();
        // A send and a delivery may have the same key.
        let label = if asked.given.is_some() { "delivery name" } else { "request name" };
        IdempotencyRecord {
            name: self.keys.tag(label, name.as_bytes()),
            content: self.keys.tag("request content", &content),
        }
    }

    /// The answer of the earlier request, once it is known or the deadline has passed.
    pub(in crate::client) async fn replay(
        &self,
        mut record: Record,
        in_flight: InFlight,
    ) -> Result<Verification, Error> {
        let deadline = self.deadline();
        let mut pause = FIRST_LOOK;
        if under_way(&record, self.clock.now()).is_some()
            && self.accepted.flush_one(record.id).await
        {
            record = self.look_again(record.id).await?;
        }
        while let Some(left) = under_way(&record, self.clock.now())
            && Instant::now() < deadline
        {
            let may_be_recorded_soon = self.accepted.defers() && pause <= RECORDED;
            if in_flight == InFlight::Refuse && !may_be_recorded_soon {
                return Err(still_under_way(left));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
            record = self.look_again(record.id).await?;
        }
        if record.has_failed() {
            return Err(has_failed(&record));
        }
        let payload = Payload::open(&mut record, &self.keys)?;
        Ok(Verification::of(&record, &payload.recipient, self.clock.now()))
    }
}

impl Inner {
    /// Reads the record of a send under way. It may have been sent, even if its record can no
    /// longer be read.
    async fn look_again(&self, id: VerificationId) -> Result<Record, Error> {
        let found = self.store.load(id, self.clock.now()).await;
        found
            .and_then(|found| found.ok_or_else(gone))
            .map_err(|error| error.with_certainty(Certainty::Unknown))
    }
}

/// How long, at most, the answer may still change; `None` if it cannot.
pub(super) fn under_way(record: &Record, now: SystemTime) -> Option<Duration> {
    let last = record.under_way_until(now)?;
    (record.state == State::Pending).then(|| until(last, now))
}

fn still_under_way(left: Duration) -> Error {
    Error::new(ErrorKind::Conflict, Certainty::NotSent, Blame::Caller)
        .with_detail("the first request under this idempotency key is still under way")
        .with_retry_after(left)
}

pub(in crate::client) fn key_reused() -> Error {
    Error::new(ErrorKind::KeyReused, Certainty::NotSent, Blame::Caller)
        .with_detail("this idempotency key was used for another request; use a new one")
}

fn has_failed(record: &Record) -> Error {
    let kind = record
        .send_attempts
        .last()
        .and_then(|attempt| attempt.failure)
        .unwrap_or(ErrorKind::Unavailable);
    let blame = if kind == ErrorKind::Store { Blame::Internal } else { Blame::Provider };
    Error::new(kind, Certainty::Rejected, blame)
        .with_detail("the first request under this idempotency key has failed; ask again")
}
