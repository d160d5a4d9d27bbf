//! Trials that limits count further send attempts.

use std::time::Duration;

use otpmux_core::{ErrorKind, ProviderId, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, HealthUpdate, LimitExceeded, LimitScope, ResendTerms, Skip,
    SkipReason, StartAttempt, VerificationId, Witness,
};

use super::Store;
use super::limits::send;
use super::records::{
    WRONG, after, begin, end, limit, limit_hit, now, put, read, record, try_code, window,
};
use super::steps::{begin_at, cancel_at, health_at};

fn counted(number: u32, windows: &[(u32, u64)]) -> StartAttempt {
    let limit_hits = vec![limit_hit(limit(LimitScope::Provider, number), windows)];
    StartAttempt { limit_hits, ..begin("second") }
}

pub(super) async fn a_attempt_without_room_is_not_begun_but_all_else_is_written(store: Store) {
    let id = put(&*store, record(1)).await;
    assert_eq!(
        begin_at(&*store, id, counted(1, &[(1, 60)]), now()).await,
        AttemptStarted::Started(1)
    );
    let provider = ProviderId::new("primary").expect("a name");
    let skip = Skip { before: 2, provider: provider.clone(), reason: SkipReason::Limit };
    let witness = Witness::default();
    let update = HealthUpdate { provider, witness, at: now(), state: None };
    let begin = StartAttempt {
        ends: vec![end(1, AttemptState::Rejected)],
        skips: vec![skip.clone()],
        health_updates: vec![update.clone()],
        ..counted(1, &[(1, 60)])
    };
    let window = window(1, 60);
    let retry_after = Duration::from_secs(59);
    let limited = LimitExceeded { scope: LimitScope::Provider, window, retry_after };
    assert_eq!(
        begin_at(&*store, id, begin, after(1)).await,
        AttemptStarted::LimitExceeded(limited)
    );
    let back = read(&*store, id).await;
    assert_eq!(
        (back.send_attempts.len(), back.send_attempts[1].state),
        (2, AttemptState::Rejected)
    );
    assert_eq!(back.send_attempts[1].failure, Some(ErrorKind::Unavailable));
    assert_eq!(back.skips, [skip]);
    assert_eq!(health_at(&*store, after(1)).await, [update]);
    assert_eq!(
        begin_at(&*store, id, counted(1, &[(1, 60)]), after(60)).await,
        AttemptStarted::Started(2)
    );
}

pub(super) async fn a_resend_without_room_uses_none_up(store: Store) {
    let id = put(&*store, record(1)).await;
    let resend = |number, next_after| {
        let terms = ResendTerms { max_resends: 1, next_after: after(next_after) };
        StartAttempt { resend: Some(terms), ..counted(number, &[(1, 600)]) }
    };
    assert_eq!(
        begin_at(&*store, id, counted(1, &[(1, 600)]), now()).await,
        AttemptStarted::Started(1)
    );
    let begun = begin_at(&*store, id, resend(1, 90), after(30)).await;
    assert!(matches!(begun, AttemptStarted::LimitExceeded(_)), "{begun:?}");
    let back = read(&*store, id).await;
    assert_eq!((back.resends, back.resend_after), (0, after(30)));
    assert_eq!(begin_at(&*store, id, resend(2, 90), after(31)).await, AttemptStarted::Started(2));
    let back = read(&*store, id).await;
    assert_eq!((back.resends, back.resend_after), (1, after(90)));
}

pub(super) async fn only_a_attempt_that_is_begun_counts(store: Store) {
    let [open, over, locked] = [1, 2, 3].map(record);
    let [open, over, locked] =
        [put(&*store, open).await, put(&*store, over).await, put(&*store, locked).await];
    assert!(cancel_at(&*store, over, now()).await);
    for _ in 0..5 {
        assert_eq!(try_code(&*store, locked, WRONG).await, "wrong_code");
    }
    let unknown = VerificationId::from_bytes([9; 16]);
    let counted = || counted(1, &[(1, 600)]);
    let resend = |max_resends| {
        let terms = ResendTerms { max_resends, next_after: after(60) };
        StartAttempt { resend: Some(terms), ..counted() }
    };
    let too_many = Verdict::TooManyGuesses { retry_after: None };
    for (id, begin, at, expected) in [
        (over, counted(), 1, AttemptStarted::Over(Verdict::NotFound)),
        (unknown, counted(), 1, AttemptStarted::Over(Verdict::NotFound)),
        (open, resend(4), 1, AttemptStarted::TooSoon(Duration::from_secs(29))),
        (open, resend(0), 30, AttemptStarted::TooMany),
        (locked, resend(4), 30, AttemptStarted::Over(too_many)),
        (open, counted(), 300, AttemptStarted::Over(Verdict::Expired)),
    ] {
        assert_eq!(begin_at(&*store, id, begin, after(at)).await, expected);
    }
    let limit_hits = counted().limit_hits;
    assert_eq!(send(&*store, &limit_hits, after(300)).await, None, "nothing was counted before");
    let full = send(&*store, &limit_hits, after(301)).await.expect("a full window");
    assert_eq!(full.retry_after, Duration::from_secs(599));
}

pub(super) async fn an_end_is_reported_before_a_full_count(store: Store) {
    let [open, over] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert!(cancel_at(&*store, over, now()).await);
    let counted = || counted(1, &[(1, 600)]);
    assert_eq!(send(&*store, &counted().limit_hits, now()).await, None);
    assert_eq!(
        begin_at(&*store, over, counted(), now()).await,
        AttemptStarted::Over(Verdict::NotFound)
    );
    let terms = ResendTerms { max_resends: 1, next_after: after(60) };
    let resend = StartAttempt { resend: Some(terms), ..counted() };
    let begun = begin_at(&*store, open, resend, now()).await;
    assert_eq!(begun, AttemptStarted::TooSoon(Duration::from_secs(30)));
    let begun = begin_at(&*store, open, counted(), now()).await;
    assert!(matches!(begun, AttemptStarted::LimitExceeded(_)), "{begun:?}");
}
