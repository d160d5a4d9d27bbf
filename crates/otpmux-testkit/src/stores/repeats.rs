//! A send that repeats the live verification of its recipient and purpose.

use std::collections::BTreeSet;
use std::time::SystemTime;

use otpmux_engine::{
    AttemptState, Create, Created, LimitScope, Record, RecordOutcome, State, VerificationId,
    VerificationStore,
};

use super::named::named;
use super::races::all_at_once;
use super::records::{
    CODE, WRONG, after, end, limit, limit_hit, now, purpose, put, read, record, record_outcome,
    try_code,
};
use super::steps::{cancel_at, create_at, load_at, recorded_at};
use super::whole::spelled;
use super::{Effort, Store};

/// Returns the result of a send that may repeat, in one word, and its verification.
async fn repeat(
    store: &dyn VerificationStore,
    record: Record,
    at: SystemTime,
) -> (&'static str, VerificationId) {
    let id = record.id;
    let limit_hits = vec![limit_hit(limit(LimitScope::Ip, 1), &[(2, 60)])];
    let create = Create { record, external: Vec::new(), limit_hits, repeat: true };
    match store.create(create, at).await.expect("a store that works") {
        Created::New(_) => ("new", id),
        Created::Live(live) => ("live", live.id),
        Created::Replayed(before) => ("before", before.id),
        Created::KeyReused => ("other content", id),
        Created::ExternalIdTaken => ("external id taken", id),
        Created::LimitExceeded(_) => ("limited", id),
        Created::GivenUp => ("given up", id),
    }
}

pub(super) async fn a_repeat_returns_the_live_one_and_changes_nothing(store: Store) {
    let first = record(1);
    let id = first.id;
    assert_eq!(repeat(&*store, first, now()).await, ("new", id));
    assert_eq!(try_code(&*store, id, WRONG).await, "wrong_code");
    let before = spelled(&read(&*store, id).await);
    for _ in 0..5 {
        let again = record(1);
        let new = again.id;
        assert_eq!(repeat(&*store, again, after(10)).await, ("live", id), "no limit counts it");
        assert!(load_at(&*store, new, after(10)).await.is_none());
    }
    assert_eq!(spelled(&read(&*store, id).await), before);
    // Of another recipient or purpose.
    let other = Record { purpose: purpose("payment"), ..record(1) };
    let payment = other.id;
    assert_eq!(repeat(&*store, other, after(10)).await, ("new", payment));
    assert_eq!(repeat(&*store, record(2), after(10)).await.0, "limited", "those two were counted");
    assert_eq!(repeat(&*store, record(1), after(10)).await, ("live", id), "also without room");
    assert_eq!(try_code(&*store, id, CODE).await, "approved");
}

pub(super) async fn an_ended_request_is_not_repeated(store: Store) {
    let approved = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, approved, CODE).await, "approved");
    let cancelled = put(&*store, record(2)).await;
    assert!(cancel_at(&*store, cancelled, now()).await);
    let locked = put(&*store, record(3)).await;
    while try_code(&*store, locked, WRONG).await == "wrong_code" {}
    let expired = put(&*store, Record { expires_at: after(60), ..record(4) }).await;
    for (number, older) in [(1, approved), (2, cancelled), (3, locked), (4, expired)] {
        // One limit per case.
        let at = after(60 * u64::from(number) + 100);
        let new = Record { expires_at: after(3_600), ..record(number) };
        let id = new.id;
        assert_eq!(repeat(&*store, new, at).await, ("new", id), "case {number}");
        let supersedes = load_at(&*store, id, at).await.expect("a record").supersedes;
        assert_eq!(supersedes, Some(older), "case {number}");
    }
}

pub(super) async fn one_that_was_restored_is_repeated(store: Store) {
    let old = put(&*store, record(1)).await;
    let mut newer = record(1);
    newer.send_attempts[0].state = AttemptState::Intended;
    let newer = put(&*store, newer).await;
    assert_eq!(repeat(&*store, record(1), now()).await, ("live", newer));
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    assert_eq!(recorded_at(&*store, newer, closing, now()).await, State::Closed);
    assert_eq!(repeat(&*store, record(1), now()).await, ("live", old));
}

/// The idempotency key comes first: a repeat of the request that created the live one, and a key
/// that another request used.
pub(super) async fn a_name_comes_before_the_live_one(store: Store) {
    let first = named(1, 1, 1);
    let id = first.id;
    assert_eq!(repeat(&*store, first, now()).await, ("new", id));
    assert_eq!(repeat(&*store, named(1, 1, 1), now()).await, ("before", id));
    assert_eq!(repeat(&*store, named(1, 1, 2), now()).await.0, "other content");
    assert_eq!(repeat(&*store, named(1, 2, 1), now()).await, ("live", id));
    // A repeat takes no name.
    create_at(&*store, record(9), &[], now()).await;
    assert_eq!(repeat(&*store, named(9, 2, 2), now()).await.0, "live");
}

pub(super) async fn of_sends_at_once_one_creates(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let answers = all_at_once(12, |_| {
            let store = store.clone();
            async move {
                let create = Create {
                    record: record(round),
                    external: Vec::new(),
                    limit_hits: Vec::new(),
                    repeat: true,
                };
                let own = create.record.id;
                match store.create(create, now()).await.expect("a store that works") {
                    Created::New(_) => (true, own),
                    Created::Live(live) => (false, live.id),
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|(new, _)| *new).count(), 1, "round {round}");
        let ids: BTreeSet<_> = answers.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), 1, "round {round}");
    }
}
