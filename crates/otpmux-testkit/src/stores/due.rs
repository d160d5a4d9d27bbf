//! Trials of the due set: which verifications a process must look at, and when.

use std::time::{Duration, SystemTime};

use otpmux_core::{Incompatibility, ProviderId, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, Choice, EscalationTerms, LimitScope, Record, RecordOutcome,
    Reschedule, ResendTerms, Skip, SkipReason, StartAttempt, VerificationId, VerificationStore,
};

use super::records::{
    CODE, WRONG, after, after_ms, begin, end, limit, limit_hit, now, put, read, record,
    record_outcome, try_code, try_code_at,
};
use super::steps::{begin_at, cancel_at, create_at, load_at, recorded_at};
use super::{Effort, Store};

const LEASE: Duration = Duration::from_secs(10);

/// Expires after 300 seconds, as every record here; due so long after its creation.
fn due(number: u32, seconds: u64) -> Record {
    Record { due_at: Some(after(seconds)), ..record(number) }
}

/// As `due`, and a process must look at it when it expires.
fn watched(number: u32, seconds: u64) -> Record {
    Record { due_after_end: Some(after(300)), ..due(number, seconds) }
}

async fn due_at(store: &dyn VerificationStore, at: SystemTime, most: usize) -> Vec<VerificationId> {
    store.due(at, LEASE, most).await.expect("a store that works")
}

fn step(step: u8, next_due_at: Option<SystemTime>) -> StartAttempt {
    let mut begin = begin("second");
    begin.attempt.reason = Choice::Escalation;
    StartAttempt { escalation: Some(EscalationTerms { step, next_due_at }), ..begin }
}

pub(super) async fn what_is_due_is_returned_in_order_and_leased(store: Store) {
    let mut ids = Vec::new();
    for (number, seconds) in [(1, 30), (2, 20), (3, 40), (4, 20)] {
        ids.push(put(&*store, due(number, seconds)).await);
    }
    put(&*store, record(5)).await;
    let [first, second] = if ids[1] < ids[3] { [ids[1], ids[3]] } else { [ids[3], ids[1]] };
    assert_eq!(due_at(&*store, after_ms(19_999), 9).await, []);
    assert_eq!(due_at(&*store, after(20), 1).await, [first]);
    assert_eq!(due_at(&*store, after(20), 9).await, [second], "the first one is leased");
    assert_eq!(due_at(&*store, after(29), 9).await, []);
    assert_eq!(read(&*store, first).await.due_at, Some(after(30)));
    // Those whose processes died come again, at the end of their leases.
    let again = due_at(&*store, after(40), 9).await;
    let mut expected = vec![first, second, ids[0]];
    expected.sort();
    assert_eq!(again, [expected, vec![ids[2]]].concat());
}

pub(super) async fn a_due_time_comes_back_as_it_went_in(store: Store) {
    for (number, due_at, due_after_end, escalations) in [
        (1, None, None, 0),
        (2, Some(after_ms(30_001)), None, 0),
        (3, None, Some(after_ms(300_999)), 3),
        (4, Some(now()), Some(after(300)), u8::MAX),
    ] {
        let id =
            put(&*store, Record { due_at, due_after_end, escalations, ..record(number) }).await;
        let back = read(&*store, id).await;
        assert_eq!(
            (back.due_at, back.due_after_end, back.escalations),
            (due_at, due_after_end, escalations)
        );
    }
}

pub(super) async fn an_end_takes_a_verification_out(store: Store) {
    let typed = put(&*store, watched(1, 30)).await;
    let vendors = put(&*store, watched(2, 30)).await;
    let cancelled = put(&*store, due(3, 30)).await;
    let superseded = put(&*store, due(4, 30)).await;
    let failed = put(&*store, due(5, 30)).await;
    let resent = put(&*store, due(6, 30)).await;
    assert_eq!(try_code(&*store, typed, CODE).await, "approved");
    assert_eq!(super::records::approve(&*store, vendors).await, Verdict::Approved);
    assert!(cancel_at(&*store, cancelled, now()).await);
    create_at(&*store, record(4), &[], now()).await;
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::Rejected)) };
    recorded_at(&*store, failed, closing, now()).await;
    let terms = ResendTerms { max_resends: 4, next_after: after(60) };
    let resend = StartAttempt { resend: Some(terms), ..begin("second") };
    let started = begin_at(&*store, resent, resend, after(30)).await;
    assert_eq!(started, AttemptStarted::Started(1));
    for id in [typed, vendors, cancelled, superseded, failed, resent] {
        assert_eq!(read(&*store, id).await.due_at, None);
    }
    assert_eq!(due_at(&*store, after(299), 9).await, []);
    assert_eq!(due_at(&*store, after(899), 9).await, []);
}

pub(super) async fn an_end_that_is_watched_is_due_at_the_expiry(store: Store) {
    let approved = put(&*store, watched(1, 30)).await;
    let cancelled = put(&*store, watched(2, 30)).await;
    let superseded = put(&*store, watched(3, 30)).await;
    let failed = put(&*store, watched(4, 30)).await;
    let resent = put(&*store, watched(5, 30)).await;
    let last = put(&*store, watched(6, 30)).await;
    assert_eq!(try_code(&*store, approved, CODE).await, "approved");
    assert!(cancel_at(&*store, cancelled, now()).await);
    create_at(&*store, record(3), &[], now()).await;
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::Rejected)) };
    recorded_at(&*store, failed, closing, now()).await;
    let terms = ResendTerms { max_resends: 4, next_after: after(60) };
    let resend = StartAttempt { resend: Some(terms), ..begin("second") };
    begin_at(&*store, resent, resend, after(30)).await;
    let started = begin_at(&*store, last, step(0, None), after(30)).await;
    assert_eq!(started, AttemptStarted::Started(1));
    assert_eq!(due_at(&*store, after_ms(299_999), 9).await, []);
    let mut expected = vec![cancelled, superseded, failed, resent, last];
    expected.sort();
    assert_eq!(due_at(&*store, after(300), 9).await, expected);
}

pub(super) async fn a_step_begins_once_and_moves_the_time(store: Store) {
    let id = put(&*store, due(1, 30)).await;
    let at = after(30);
    assert_eq!(begin_at(&*store, id, step(1, None), at).await, AttemptStarted::NotDue);
    let first = step(0, Some(after(90)));
    assert_eq!(begin_at(&*store, id, first.clone(), at).await, AttemptStarted::Started(1));
    assert_eq!(begin_at(&*store, id, step(0, None), at).await, AttemptStarted::NotDue);
    let back = read(&*store, id).await;
    assert_eq!((back.escalations, back.due_at, back.send_attempts.len()), (1, Some(after(90)), 2));
    assert_eq!(back.send_attempts[1].reason, Choice::Escalation);
    assert_eq!(due_at(&*store, after(89), 9).await, []);
    assert_eq!(due_at(&*store, after(90), 9).await, [id]);
    assert_eq!(begin_at(&*store, id, step(1, None), after(90)).await, AttemptStarted::Started(2));
    let back = read(&*store, id).await;
    assert_eq!((back.escalations, back.due_at, back.resends), (2, None, 0));
    assert_eq!(back.resend_after, after(30), "a step is no resend");
}

pub(super) async fn no_step_begins_once_the_user_has_done_anything(store: Store) {
    let guessed = put(&*store, due(1, 30)).await;
    assert_eq!(try_code(&*store, guessed, WRONG).await, "wrong_code");
    let resent = put(&*store, due(2, 30)).await;
    let terms = ResendTerms { max_resends: 4, next_after: after(60) };
    let resend = StartAttempt { resend: Some(terms), ..begin("second") };
    begin_at(&*store, resent, resend, after(30)).await;
    for id in [guessed, resent] {
        assert_eq!(begin_at(&*store, id, step(0, None), after(30)).await, AttemptStarted::NotDue);
    }
    let approved = put(&*store, due(3, 30)).await;
    try_code(&*store, approved, CODE).await;
    let told = begin_at(&*store, approved, step(0, None), after(30)).await;
    assert_eq!(told, AttemptStarted::Over(Verdict::AlreadyUsed));
    let expired = put(&*store, due(4, 30)).await;
    let told = begin_at(&*store, expired, step(0, None), after(300)).await;
    assert_eq!(told, AttemptStarted::Over(Verdict::Expired));
    assert_eq!(try_code_at(&*store, guessed, CODE, after(31)).await, "approved");
}

pub(super) async fn a_step_without_room_does_not_begin(store: Store) {
    let id = put(&*store, due(1, 30)).await;
    let limit_hits = vec![limit_hit(limit(LimitScope::Purpose, 1), &[(1, 600)])];
    create_at(&*store, record(2), &limit_hits, now()).await;
    let full = StartAttempt { limit_hits, ..step(0, Some(after(90))) };
    let told = begin_at(&*store, id, full, after(30)).await;
    assert!(matches!(told, AttemptStarted::LimitExceeded(_)), "{told:?}");
    let back = read(&*store, id).await;
    assert_eq!((back.escalations, back.due_at, back.send_attempts.len()), (0, Some(after(30)), 1));
}

pub(super) async fn a_time_is_changed_unless_another_step_came_first(store: Store) {
    let id = put(&*store, due(1, 30)).await;
    let skip = |before| Skip {
        before,
        provider: ProviderId::new("second").expect("a name"),
        reason: SkipReason::Unable(Incompatibility::Channel),
    };
    let change = async |step, next_step, due_at, skips| {
        let reschedule = Reschedule { step, next_step, due_at, skips };
        store.reschedule(id, reschedule, now()).await.expect("a store that works");
    };
    change(0, 0, Some(after(5)), Vec::new()).await;
    assert_eq!(due_at(&*store, after(5), 9).await, [id]);
    change(0, 1, Some(after(70)), vec![skip(1)]).await;
    change(0, 1, Some(after(6)), vec![skip(2)]).await;
    let back = read(&*store, id).await;
    assert_eq!((back.escalations, back.due_at), (1, Some(after(70))));
    assert_eq!(back.skips, [skip(1)]);
    change(1, 2, None, Vec::new()).await;
    assert_eq!(read(&*store, id).await.due_at, None);
    assert_eq!(due_at(&*store, after(299), 9).await, []);
    let unknown = VerificationId::from_bytes([0x22; 16]);
    let reschedule = Reschedule { step: 0, next_step: 0, due_at: Some(now()), skips: Vec::new() };
    store.reschedule(unknown, reschedule, now()).await.expect("a missing one is no error");
    assert_eq!(due_at(&*store, after(299), 9).await, []);
}

pub(super) async fn one_whose_retention_has_passed_is_not_due(store: Store) {
    let gone = put(&*store, due(1, 30)).await;
    let kept = put(&*store, Record { expires_at: after(2_000), ..due(2, 40) }).await;
    assert_eq!(due_at(&*store, after(900), 1).await, [kept], "nor does it take a place");
    assert!(load_at(&*store, gone, after(900)).await.is_none());
}

pub(super) async fn of_many_processes_one_takes_each(store: Store, effort: Effort) {
    let count = effort.rounds();
    let mut expected = Vec::new();
    for number in 0..count {
        expected.push(put(&*store, due(number, 30)).await);
    }
    let takers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                let mut empty = 0;
                // A store may pass over what another call holds just then.
                while empty < 3 {
                    let ids = store.due(after(30), LEASE, 16).await.expect("a store that works");
                    empty = if ids.is_empty() { empty + 1 } else { 0 };
                    taken.extend(ids);
                    tokio::task::yield_now().await;
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for taker in takers {
        taken.extend(taker.await.expect("no panic"));
    }
    taken.extend(due_at(&*store, after(30), usize::try_from(count).expect("a count")).await);
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected);
}

pub(super) async fn of_many_processes_one_begins_a_step(store: Store, effort: Effort) {
    for number in 0..effort.some_rounds() {
        let id = put(&*store, due(number, 30)).await;
        let begun: Vec<_> = (0..8)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    store.start_attempt(id, step(0, Some(after(90))), after(30)).await
                })
            })
            .collect();
        let mut started = 0;
        for begun in begun {
            match begun.await.expect("no panic").expect("a store that works") {
                AttemptStarted::Started(1) => started += 1,
                AttemptStarted::NotDue => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((started, read(&*store, id).await.send_attempts.len()), (1, 2));
    }
}
