//! Lost answers: the caller that gave up a step records its outcome. The step was carried out, is
//! carried out later, or never.

use otpmux_core::{ErrorKind, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, Created, LimitScope, Lost, RETENTION, Record, RecordOutcome,
    ResendTerms, SendAttempt, StartAttempt, State, VerificationId,
};

use super::Store;
use super::limits::{refund, send};
use super::named::{ask, named};
use super::records::{
    CODE, after, attempt, begin, end, limit, limit_hit, now, put, read, record, try_code,
};
use super::steps::{begin_at, create_at, load_at, recorded_at};

fn under_way(record: Record) -> Record {
    Record { send_attempts: vec![attempt("primary", true, AttemptState::Intended)], ..record }
}

/// Returns the step of a caller whose creation had no answer.
fn no_creation(refunds: Vec<otpmux_engine::Refund>) -> RecordOutcome {
    RecordOutcome {
        ends: vec![end(0, AttemptState::NotSent)],
        close: true,
        refunds,
        lost: Some(Lost::Creation(after(300) + RETENTION)),
        ..RecordOutcome::default()
    }
}

pub(super) async fn a_creation_that_was_carried_out_is_settled_as_not_sent(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Global, 1), &[(2, 600)])];
    let older = put(&*store, record(1)).await;
    let new = under_way(named(1, 1, 1));
    let id = new.id;
    for new in [new, record(2)] {
        assert!(matches!(create_at(&*store, new, &limit_hits, now()).await, Created::New(_)));
    }
    // Repeated, as until an answer arrives.
    for _ in 0..3 {
        let record_outcome = no_creation(vec![refund(limit_hits[0].key, now())]);
        assert_eq!(recorded_at(&*store, id, record_outcome, after(1)).await, State::Closed);
    }
    assert_eq!(send(&*store, &limit_hits, after(1)).await, None, "one hit was taken back");
    assert!(send(&*store, &limit_hits, after(1)).await.is_some(), "one, not all");
    assert_eq!(read(&*store, id).await.send_attempts[0].state, AttemptState::NotSent);
    assert_eq!(ask(&*store, named(3, 1, 2), after(1)).await.0, "new", "its name is free");
    assert_eq!(try_code(&*store, older, CODE).await, "approved", "the older one is good again");
}

pub(super) async fn a_creation_that_was_given_up_is_not_carried_out_later(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Global, 1), &[(1, 600)])];
    let older = put(&*store, record(1)).await;
    let late = under_way(named(1, 1, 1));
    let id = late.id;
    for at in [0, 1] {
        let record_outcome = no_creation(vec![refund(limit_hits[0].key, now())]);
        assert_eq!(recorded_at(&*store, id, record_outcome, after(at)).await, State::Closed);
    }
    assert!(load_at(&*store, id, after(1)).await.is_none());
    for at in [1, 299, 899] {
        let created = create_at(&*store, late.clone(), &limit_hits, after(at)).await;
        assert!(matches!(created, Created::GivenUp), "after {at} s: {created:?}");
        assert!(load_at(&*store, id, after(at)).await.is_none());
        assert_eq!(try_code(&*store, id, CODE).await, "not_found");
    }
    assert_eq!(send(&*store, &limit_hits, after(1)).await, None, "nothing was counted");
    assert_eq!(ask(&*store, named(3, 1, 2), after(1)).await.0, "new", "nothing took its name");
    assert_eq!(try_code(&*store, older, CODE).await, "approved", "nor its older one's place");
}

pub(super) async fn a_refund_of_a_creation_that_never_was_takes_nothing_from_others(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Global, 1), &[(1, 600)])];
    assert_eq!(send(&*store, &limit_hits, now()).await, None);
    let record_outcome = no_creation(vec![refund(limit_hits[0].key, now())]);
    recorded_at(&*store, VerificationId::from_bytes([7; 16]), record_outcome, now()).await;
    assert!(send(&*store, &limit_hits, now()).await.is_some());
}

/// A further send attempt, and the step that gives it up.
fn further() -> (StartAttempt, SendAttempt) {
    let terms = ResendTerms { max_resends: 4, next_after: after(60) };
    let limit_hits = vec![limit_hit(limit(LimitScope::Global, 1), &[(1, 600)])];
    let begin = StartAttempt { resend: Some(terms), limit_hits, ..begin("second") };
    let attempt = SendAttempt { failure: Some(ErrorKind::Store), ..begin.attempt.clone() };
    (begin, attempt)
}

pub(super) async fn a_attempt_that_was_begun_and_given_up_is_not_sent(store: Store) {
    let id = put(&*store, record(1)).await;
    let (begin, attempt) = further();
    let limit_hits = begin.limit_hits.clone();
    assert_eq!(begin_at(&*store, id, begin, after(30)).await, AttemptStarted::Started(1));
    for _ in 0..2 {
        let refunds = vec![refund(limit_hits[0].key, after(30))];
        let lost = Some(Lost::SendAttempt(attempt.clone()));
        let record_outcome =
            RecordOutcome { close: true, refunds, lost, ..RecordOutcome::default() };
        assert_eq!(recorded_at(&*store, id, record_outcome, after(31)).await, State::Pending);
    }
    let send_attempts = read(&*store, id).await.send_attempts;
    assert_eq!((send_attempts.len(), send_attempts[1].state), (2, AttemptState::NotSent));
    assert_eq!(
        (send_attempts[1].key, send_attempts[1].failure),
        (attempt.key, Some(ErrorKind::Store))
    );
    assert_eq!(send(&*store, &limit_hits, after(31)).await, None, "its hit was taken back");
    assert_eq!(try_code(&*store, id, CODE).await, "approved", "the first message is out");
}

pub(super) async fn a_attempt_that_was_given_up_is_not_begun_later(store: Store) {
    let id = put(&*store, record(1)).await;
    let (begin, attempt) = further();
    let limit_hits = begin.limit_hits.clone();
    let refunds = vec![refund(limit_hits[0].key, after(30))];
    let record_outcome = RecordOutcome {
        refunds,
        lost: Some(Lost::SendAttempt(attempt)),
        ..RecordOutcome::default()
    };
    recorded_at(&*store, id, record_outcome, after(30)).await;
    let begun = begin_at(&*store, id, begin, after(30)).await;
    assert_eq!(begun, AttemptStarted::Over(Verdict::NotFound));
    let back = read(&*store, id).await;
    assert_eq!((back.send_attempts.len(), back.send_attempts[1].state), (2, AttemptState::NotSent));
    assert_eq!((back.resends, back.resend_after), (0, after(30)));
    assert_eq!(send(&*store, &limit_hits, after(31)).await, None, "nothing was counted");
}

/// A failover whose start was lost: the send has failed, in either order of the steps.
pub(super) async fn a_send_whose_next_attempt_was_lost_comes_to_nothing(store: Store) {
    for (number, carried_out) in [(1, true), (2, false)] {
        let older = put(&*store, record(number)).await;
        let limit_hits = [limit_hit(limit(LimitScope::Global, 10 + number), &[(1, 600)])];
        let new = under_way(record(number));
        let id = new.id;
        assert!(matches!(create_at(&*store, new, &limit_hits, now()).await, Created::New(_)));
        let ends = vec![end(0, AttemptState::Rejected)];
        let begin = StartAttempt { ends: ends.clone(), ..begin("second") };
        let lost = Some(Lost::SendAttempt(begin.attempt.clone()));
        if carried_out {
            assert_eq!(begin_at(&*store, id, begin, now()).await, AttemptStarted::Started(1));
        }
        let refunds = vec![refund(limit_hits[0].key, now())];
        let record_outcome =
            RecordOutcome { ends, close: true, refunds, lost, ..RecordOutcome::default() };
        for _ in 0..2 {
            assert_eq!(
                recorded_at(&*store, id, record_outcome.clone(), now()).await,
                State::Closed
            );
        }
        let states: Vec<_> =
            read(&*store, id).await.send_attempts.iter().map(|attempt| attempt.state).collect();
        assert_eq!(states, [AttemptState::Rejected, AttemptState::NotSent]);
        assert_eq!(send(&*store, &limit_hits, now()).await, None, "{carried_out}");
        assert_eq!(try_code(&*store, older, CODE).await, "approved");
    }
}
