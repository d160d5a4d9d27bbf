//! Trials of expiry.

use std::time::{Duration, SystemTime};

use otpmux_core::{ErrorKind, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, Created, RETENTION, Record, RecordOutcome, State, VerificationId,
    VerificationStore,
};

use super::Store;
use super::records::{
    CODE, WRONG, after, after_ms, begin, end, now, purpose, put, read, record, record_outcome,
    try_code_at,
};
use super::steps::{approve_at, begin_at, cancel_at, create_at, load_at, recorded_at};

/// Creates a verification that is valid for this many seconds.
async fn put_at(
    store: &dyn VerificationStore,
    number: u32,
    at: SystemTime,
    seconds: u64,
) -> VerificationId {
    let record = Record { expires_at: at + Duration::from_secs(seconds), ..record(number) };
    let id = record.id;
    let created = create_at(store, record, &[], at).await;
    assert!(matches!(created, Created::New(_)), "{created:?}");
    id
}

pub(super) async fn expiry_is_exact_for_every_step(store: Store) {
    let (good, bad) = (after_ms(300_122), after_ms(300_123));
    let fresh = async |number| put(&*store, Record { expires_at: bad, ..record(number) }).await;
    for (text, early, late) in
        [(CODE, "approved", "already_used"), (WRONG, "wrong_code", "expired")]
    {
        let id = fresh(1).await;
        assert_eq!(try_code_at(&*store, id, text, good).await, early);
        assert_eq!(try_code_at(&*store, id, text, bad).await, late);
    }
    let id = fresh(1).await;
    assert_eq!(try_code_at(&*store, id, CODE, bad).await, "expired");
    assert_eq!(approve_at(&*store, id, bad).await, Verdict::Expired);
    assert_eq!(
        begin_at(&*store, id, begin("b"), bad).await,
        AttemptStarted::Over(Verdict::Expired)
    );
    assert!(!cancel_at(&*store, id, bad).await);
    let back = read(&*store, id).await;
    assert_eq!((back.guesses, back.state), (0, State::Pending), "what is over stays as it was");
    assert_eq!(begin_at(&*store, id, begin("b"), good).await, AttemptStarted::Started(1));
    assert_eq!(approve_at(&*store, id, good).await, Verdict::Approved);
    let id = fresh(1).await;
    assert!(cancel_at(&*store, id, good).await);
}

pub(super) async fn a_late_guess_gets_expired_until_the_record_is_gone(store: Store) {
    let id = put(&*store, record(1)).await;
    let [cancelled, used] = [put(&*store, record(2)).await, put(&*store, record(3)).await];
    assert!(cancel_at(&*store, cancelled, now()).await);
    assert_eq!(approve_at(&*store, used, now()).await, Verdict::Approved);
    let end_of_grace = after(300) + RETENTION;
    for at in [after(300), after(600), end_of_grace - Duration::from_millis(1)] {
        for (id, expected) in [(id, "expired"), (cancelled, "not_found"), (used, "already_used")] {
            assert_eq!(try_code_at(&*store, id, CODE, at).await, expected);
            assert_eq!(approve_at(&*store, id, at).await.as_str(), expected);
            let begun = begin_at(&*store, id, begin("b"), at).await;
            assert!(matches!(begun, AttemptStarted::Over(verdict) if verdict.as_str() == expected));
            assert!(!cancel_at(&*store, id, at).await);
            assert!(load_at(&*store, id, at).await.is_some());
        }
        // Late answers of vendors are still recorded.
        let state =
            recorded_at(&*store, id, record_outcome(end(0, AttemptState::Rejected)), at).await;
        assert_eq!(state, State::Pending);
        let back = load_at(&*store, id, at).await.expect("a record");
        assert_eq!(back.send_attempts[0].failure, Some(ErrorKind::Unavailable));
        recorded_at(&*store, id, record_outcome(end(0, AttemptState::Accepted)), at).await;
    }
    for at in [end_of_grace, end_of_grace + Duration::from_hours(1_000)] {
        for id in [id, cancelled, used] {
            assert_eq!(try_code_at(&*store, id, CODE, at).await, "not_found");
            assert_eq!(approve_at(&*store, id, at).await, Verdict::NotFound);
            let begun = begin_at(&*store, id, begin("b"), at).await;
            assert_eq!(begun, AttemptStarted::Over(Verdict::NotFound));
            assert_eq!(recorded_at(&*store, id, RecordOutcome::default(), at).await, State::Closed);
            assert!(!cancel_at(&*store, id, at).await);
            assert!(load_at(&*store, id, at).await.is_none());
        }
    }
}

pub(super) async fn one_that_has_expired_is_not_superseded(store: Store) {
    let superseded = put_at(&*store, 1, now(), 10).await;
    let expired = put_at(&*store, 1, after(9), 11).await;
    // Exactly at its expiry, not a millisecond before.
    let live = put_at(&*store, 1, after(20), 300).await;
    for (id, expected) in [(superseded, "not_found"), (expired, "expired"), (live, "approved")] {
        assert_eq!(try_code_at(&*store, id, CODE, after(21)).await, expected);
    }
    let almost = put_at(&*store, 2, now(), 20).await;
    put_at(&*store, 2, after_ms(19_999), 300).await;
    assert_eq!(try_code_at(&*store, almost, CODE, after(20)).await, "not_found");
}

pub(super) async fn an_ending_record_removes_no_other(store: Store) {
    // The first ends while the second, of the same recipient and purpose, is live.
    let first = put_at(&*store, 1, now(), 60).await;
    let second = put_at(&*store, 1, after(50), 3_600).await;
    let gone = after(60) + RETENTION;
    let bystander = put_at(&*store, 2, gone, 300).await;
    assert!(load_at(&*store, first, gone).await.is_none());
    // So the third must still find and close the second.
    let third = put_at(&*store, 1, gone, 300).await;
    assert_eq!(try_code_at(&*store, second, CODE, gone).await, "not_found");
    // One that expires before an older one: the older one stays closed, the next one is live.
    let fourth = put_at(&*store, 1, gone, 1).await;
    let later = gone + Duration::from_secs(1) + RETENTION;
    let fifth = put_at(&*store, 1, later, 300).await;
    for (id, expected) in [(second, "not_found"), (third, "not_found"), (fourth, "not_found")] {
        assert_eq!(try_code_at(&*store, id, CODE, later).await, expected);
    }
    assert_eq!(try_code_at(&*store, bystander, CODE, later).await, "expired");
    assert_eq!(try_code_at(&*store, fifth, CODE, later).await, "approved");
}

pub(super) async fn purposes_end_each_by_itself(store: Store) {
    let short = put_at(&*store, 1, now(), 1).await;
    let other = Record { purpose: purpose("payment"), expires_at: after(3_600), ..record(1) };
    let other = put(&*store, other).await;
    let gone = after(1) + RETENTION;
    let next = put_at(&*store, 1, gone, 300).await;
    assert_eq!(try_code_at(&*store, short, CODE, gone).await, "not_found");
    for id in [other, next] {
        assert_eq!(try_code_at(&*store, id, CODE, gone).await, "approved");
    }
}
