//! The steps of the contract, for a store that works.

use std::time::SystemTime;

use otpmux_core::Verdict;
use otpmux_engine::{
    AttemptStarted, Create, Created, DeliveryMark, Guess, Guessed, HealthUpdate, LimitHit,
    ReceiptOf, Received, Record, RecordOutcome, StartAttempt, State, VerificationId,
    VerificationStore,
};

use super::records::{CODE, external_of, guess};

pub(super) async fn create_at(
    store: &dyn VerificationStore,
    record: Record,
    limit_hits: &[LimitHit],
    at: SystemTime,
) -> Created {
    let create = Create {
        external: external_of(&record),
        record,
        limit_hits: limit_hits.to_vec(),
        repeat: false,
    };
    store.create(create, at).await.expect("a store that works")
}

pub(super) async fn begin_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    begin: StartAttempt,
    at: SystemTime,
) -> AttemptStarted {
    store.start_attempt(id, begin, at).await.expect("a store that works")
}

pub(super) async fn recorded_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    record_outcome: RecordOutcome,
    at: SystemTime,
) -> State {
    store.record_outcome(id, record_outcome, at).await.expect("a store that works")
}

/// Returns the verdict on a guess at a code that otpmux generated.
pub(super) async fn guess_at(
    store: &dyn VerificationStore,
    guess: &Guess,
    at: SystemTime,
) -> Verdict {
    match store.check_guess(guess, at).await.expect("a store that works") {
        Guessed::Verdict { verdict, .. } => verdict,
        other => panic!("no vendor has sent a code, and no guess has a name: {other:?}"),
    }
}

pub(super) async fn approve_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    at: SystemTime,
) -> Verdict {
    store.approve(id, &guess(id, CODE), at).await.expect("a store that works")
}

pub(super) async fn receive_at(
    store: &dyn VerificationStore,
    attempt: ReceiptOf,
    mark: DeliveryMark,
    at: SystemTime,
) -> Received {
    store.receive(attempt, mark, at).await.expect("a store that works")
}

pub(super) async fn cancel_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    at: SystemTime,
) -> bool {
    store.cancel(id, at).await.expect("a store that works")
}

pub(super) async fn load_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    at: SystemTime,
) -> Option<Record> {
    store.load(id, at).await.expect("a store that works")
}

/// Returns the health updates, in the order of the providers' names.
pub(super) async fn health_at(store: &dyn VerificationStore, at: SystemTime) -> Vec<HealthUpdate> {
    in_order(store.health(at).await.expect("a store that works"))
}

/// A store may return updates in any order.
pub(super) fn in_order(mut updates: Vec<HealthUpdate>) -> Vec<HealthUpdate> {
    updates.sort_by(|a, b| (&a.provider, a.witness.process).cmp(&(&b.provider, b.witness.process)));
    updates
}
