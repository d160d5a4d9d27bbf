//! Trials of send attempts.

use std::time::Duration;

use otpmux_core::{ErrorKind, VendorReference, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptEnd, AttemptStarted, AttemptState, RecordOutcome, ResendTerms,
    StartAttempt, State, VendorTerms, VerificationId,
};

use super::Store;
use super::records::{
    CODE, WRONG, after, attempt, begin, end, now, put, read, record, record_outcome, try_code,
    vendor_record,
};

fn next(ends: Vec<AttemptEnd>) -> StartAttempt {
    StartAttempt { ends, ..begin("second") }
}

fn again(max_resends: u32, next_after: u64) -> StartAttempt {
    let terms = ResendTerms { max_resends, next_after: after(next_after) };
    StartAttempt { resend: Some(terms), ..begin("second") }
}

pub(super) async fn a_attempt_is_settled_and_the_next_begun_in_one_step(store: Store) {
    let mut intended = record(1);
    intended.send_attempts[0].state = AttemptState::Intended;
    let id = put(&*store, intended).await;
    let begin = next(vec![end(0, AttemptState::Rejected)]);
    let begun = store.start_attempt(id, begin, now()).await.expect("a store that works");
    assert_eq!(begun, AttemptStarted::Started(1));
    let send_attempts = read(&*store, id).await.send_attempts;
    let told: Vec<_> =
        send_attempts.iter().map(|attempt| (attempt.provider.as_str(), attempt.state)).collect();
    assert_eq!(told, [("primary", AttemptState::Rejected), ("second", AttemptState::Intended)]);
    assert_eq!(send_attempts[0].failure, Some(ErrorKind::Unavailable));
}

pub(super) async fn an_ended_verification_begins_no_attempt_but_settles_the_last(store: Store) {
    let id = put(&*store, record(1)).await;
    assert!(store.cancel(id, now()).await.expect("a store that works"));
    let begin = next(vec![end(0, AttemptState::Rejected)]);
    let begun = store.start_attempt(id, begin, now()).await.expect("a store that works");
    assert_eq!(begun, AttemptStarted::Over(Verdict::NotFound));
    let send_attempts = read(&*store, id).await.send_attempts;
    assert_eq!((send_attempts.len(), send_attempts[0].state), (1, AttemptState::Rejected));

    let used = put(&*store, record(2)).await;
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    let begun =
        store.start_attempt(used, next(Vec::new()), now()).await.expect("a store that works");
    assert_eq!(begun, AttemptStarted::Over(Verdict::AlreadyUsed));
}

pub(super) async fn many_accepted_attempts_are_recorded_at_once(store: Store) {
    let accepted = |id, reference: Option<&str>| AcceptedAttempt {
        id,
        attempt: 0,
        reference: reference.map(|it| VendorReference::new(it.to_owned())),
    };
    let mut all = Vec::new();
    for n in 1..=100 {
        let mut intended = record(n);
        intended.send_attempts[0].state = AttemptState::Intended;
        intended.send_attempts[0].reference = None;
        let id = put(&*store, intended).await;
        let reference = format!("vendor reference {n}");
        all.push(accepted(id, (n % 3 > 0).then_some(&*reference)));
    }
    let gone = VerificationId::from_bytes([0xee; 16]);
    let (used, cancelled) = (all[7].id, all[8].id);
    all.push(accepted(gone, Some("of none")));
    all.push(AcceptedAttempt { attempt: 5, ..accepted(used, Some("of no attempt")) });
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    assert!(store.cancel(cancelled, now()).await.expect("a store that works"));

    // A repeat changes nothing.
    for _ in 0..2 {
        store.record_accepted(all.clone(), now()).await.expect("a store that works");
        for (n, expected) in (1..).zip(&all[..100]) {
            let found = read(&*store, expected.id).await;
            let attempt = &found.send_attempts[0];
            assert_eq!((attempt.state, attempt.failure), (AttemptState::Accepted, None), "{n}");
            assert_eq!(attempt.reference, expected.reference, "{n}");
            let state = match expected.id {
                id if id == used => State::Approved,
                id if id == cancelled => State::Closed,
                _ => State::Pending,
            };
            assert_eq!((found.state, found.send_attempts.len()), (state, 1), "{n}");
        }
    }
    assert!(store.load(gone, now()).await.expect("a store that works").is_none());
    store.record_accepted(Vec::new(), now()).await.expect("a store that works");
}

pub(super) async fn settling_can_close(store: Store) {
    let id = put(&*store, record(1)).await;
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::Rejected)) };
    let state = store.record_outcome(id, closing.clone(), now()).await.expect("a store that works");
    assert_eq!((state, read(&*store, id).await.state), (State::Closed, State::Closed));
    let used = put(&*store, record(2)).await;
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    let state =
        store.record_outcome(used, closing.clone(), now()).await.expect("a store that works");
    assert_eq!(state, State::Approved, "what is used stays so");
    let mut resent = record(3);
    resent.send_attempts.push(attempt("second", true, AttemptState::Accepted));
    let resent = put(&*store, resent).await;
    let state = store.record_outcome(resent, closing, now()).await.expect("a store that works");
    assert_eq!(state, State::Pending, "another attempt has sent the code");
}

pub(super) async fn settling_keeps_a_vendors_terms_that_it_does_not_replace(store: Store) {
    let terms = |max_guesses| {
        let expires_at = Some(after(60));
        let terms = VendorTerms { expires_at, max_guesses, ..VendorTerms::default() };
        Some(Box::new(terms))
    };
    let id = put(&*store, vendor_record(1)).await;
    let told = async || read(&*store, id).await.send_attempts[0].vendor.clone();
    assert_eq!(told().await, None);
    for (end_says, expected) in
        [(terms(Some(3)), terms(Some(3))), (None, terms(Some(3))), (terms(None), terms(None))]
    {
        let end = AttemptEnd { vendor: end_says, ..end(0, AttemptState::Accepted) };
        store.record_outcome(id, record_outcome(end), now()).await.expect("a store that works");
        assert_eq!(told().await, expected);
    }
    let attempt = read(&*store, id).await.send_attempts.remove(0);
    assert_eq!(
        attempt.reference,
        Some(VendorReference::new("vendor-reference")),
        "and the reference"
    );
}

pub(super) async fn settling_keeps_a_reference_that_it_does_not_replace(store: Store) {
    let id = put(&*store, record(1)).await;
    store
        .record_outcome(id, record_outcome(end(0, AttemptState::Accepted)), now())
        .await
        .expect("a store that works");
    let kept = read(&*store, id).await.send_attempts[0].reference.clone();
    assert_eq!(kept, Some(VendorReference::new("primary-reference")));
    let new = AttemptEnd {
        reference: Some(VendorReference::new("new")),
        ..end(0, AttemptState::Accepted)
    };
    store.record_outcome(id, record_outcome(new), now()).await.expect("a store that works");
    let replaced = read(&*store, id).await.send_attempts[0].reference.clone();
    assert_eq!(replaced, Some(VendorReference::new("new")));
    store
        .record_outcome(id, record_outcome(end(9, AttemptState::Rejected)), now())
        .await
        .expect("no such attempt is no error");
}

pub(super) async fn a_resend_obeys_its_terms(store: Store) {
    let id = put(&*store, record(1)).await;
    let begun = |terms, at| {
        let store = &store;
        async move { store.start_attempt(id, terms, after(at)).await.expect("a store that works") }
    };
    assert_eq!(begun(again(2, 60), 10).await, AttemptStarted::TooSoon(Duration::from_secs(20)));
    assert_eq!(begun(again(2, 60), 30).await, AttemptStarted::Started(1));
    assert_eq!(begun(again(2, 90), 59).await, AttemptStarted::TooSoon(Duration::from_secs(1)));
    assert_eq!(begun(again(2, 90), 60).await, AttemptStarted::Started(2));
    assert_eq!(begun(again(2, 120), 90).await, AttemptStarted::TooMany);
    let back = read(&*store, id).await;
    assert_eq!((back.resends, back.send_attempts.len(), back.resend_after), (2, 3, after(90)));
    assert_eq!(back.expires_at, after(300), "a resend does not renew the ttl");
}

pub(super) async fn a_locked_one_is_not_sent_again(store: Store) {
    let id = put(&*store, record(1)).await;
    for _ in 0..5 {
        try_code(&*store, id, WRONG).await;
    }
    let begun = store.start_attempt(id, again(4, 90), after(60)).await.expect("a store that works");
    assert_eq!(begun, AttemptStarted::Over(Verdict::TooManyGuesses { retry_after: None }));
}
