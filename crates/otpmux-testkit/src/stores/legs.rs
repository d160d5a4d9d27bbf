//! Legs are begun and settled.

use std::time::Duration;

use otpmux_core::{ErrorKind, VendorReference, Verdict};
use otpmux_engine::{BeginLeg, Begun, LegEnd, LegState, ResendTerms, Settle, State, VendorTerms};

use super::Store;
use super::records::{
    CODE, WRONG, after, begin, end, leg, now, put, read, record, settle, try_code, vendor_record,
};

fn next(ends: Vec<LegEnd>) -> BeginLeg {
    BeginLeg { ends, ..begin("second") }
}

fn again(max_resends: u32, next_after: u64) -> BeginLeg {
    let terms = ResendTerms { max_resends, next_after: after(next_after) };
    BeginLeg { resend: Some(terms), ..begin("second") }
}

pub(super) async fn a_leg_is_settled_and_the_next_begun_in_one_step(store: Store) {
    let mut intended = record(1);
    intended.legs[0].state = LegState::Intended;
    let id = put(&*store, intended).await;
    let begin = next(vec![end(0, LegState::Refused)]);
    let begun = store.begin_leg(id, begin, now()).await.expect("a store that works");
    assert_eq!(begun, Begun::Leg(1));
    let legs = read(&*store, id).await.legs;
    let told: Vec<_> = legs.iter().map(|leg| (leg.provider.as_str(), leg.state)).collect();
    assert_eq!(told, [("primary", LegState::Refused), ("second", LegState::Intended)]);
    assert_eq!(legs[0].failure, Some(ErrorKind::Unavailable));
}

pub(super) async fn what_is_over_begins_no_leg_but_settles_the_last(store: Store) {
    let id = put(&*store, record(1)).await;
    assert!(store.cancel(id, now()).await.expect("a store that works"));
    let begin = next(vec![end(0, LegState::Refused)]);
    let begun = store.begin_leg(id, begin, now()).await.expect("a store that works");
    assert_eq!(begun, Begun::Over(Verdict::NotFound));
    let legs = read(&*store, id).await.legs;
    assert_eq!((legs.len(), legs[0].state), (1, LegState::Refused));

    let used = put(&*store, record(2)).await;
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    let begun = store.begin_leg(used, next(Vec::new()), now()).await.expect("a store that works");
    assert_eq!(begun, Begun::Over(Verdict::AlreadyUsed));
}

pub(super) async fn settling_can_close(store: Store) {
    let id = put(&*store, record(1)).await;
    let closing = Settle { close: true, ..settle(end(0, LegState::Refused)) };
    let state = store.settle(id, closing.clone(), now()).await.expect("a store that works");
    assert_eq!((state, read(&*store, id).await.state), (State::Closed, State::Closed));
    let used = put(&*store, record(2)).await;
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    let state = store.settle(used, closing.clone(), now()).await.expect("a store that works");
    assert_eq!(state, State::Approved, "what is used stays so");
    let mut resent = record(3);
    resent.legs.push(leg("second", true, LegState::Accepted));
    let resent = put(&*store, resent).await;
    let state = store.settle(resent, closing, now()).await.expect("a store that works");
    assert_eq!(state, State::Pending, "another leg has sent the code");
}

pub(super) async fn settling_keeps_a_vendors_terms_that_it_does_not_replace(store: Store) {
    let terms = |max_guesses| {
        let expires_at = Some(after(60));
        let terms = VendorTerms { expires_at, max_guesses, ..VendorTerms::default() };
        Some(Box::new(terms))
    };
    let id = put(&*store, vendor_record(1)).await;
    let told = async || read(&*store, id).await.legs[0].vendor.clone();
    assert_eq!(told().await, None);
    for (end_says, expected) in
        [(terms(Some(3)), terms(Some(3))), (None, terms(Some(3))), (terms(None), terms(None))]
    {
        let end = LegEnd { vendor: end_says, ..end(0, LegState::Accepted) };
        store.settle(id, settle(end), now()).await.expect("a store that works");
        assert_eq!(told().await, expected);
    }
    let leg = read(&*store, id).await.legs.remove(0);
    assert_eq!(leg.reference, Some(VendorReference::new("vendor-reference")), "and the reference");
}

pub(super) async fn settling_keeps_a_reference_that_it_does_not_replace(store: Store) {
    let id = put(&*store, record(1)).await;
    store.settle(id, settle(end(0, LegState::Accepted)), now()).await.expect("a store that works");
    let kept = read(&*store, id).await.legs[0].reference.clone();
    assert_eq!(kept, Some(VendorReference::new("primary-reference")));
    let new = LegEnd { reference: Some(VendorReference::new("new")), ..end(0, LegState::Accepted) };
    store.settle(id, settle(new), now()).await.expect("a store that works");
    let replaced = read(&*store, id).await.legs[0].reference.clone();
    assert_eq!(replaced, Some(VendorReference::new("new")));
    store
        .settle(id, settle(end(9, LegState::Refused)), now())
        .await
        .expect("no such leg is no error");
}

pub(super) async fn a_resend_obeys_its_terms(store: Store) {
    let id = put(&*store, record(1)).await;
    let begun = |terms, at| {
        let store = &store;
        async move { store.begin_leg(id, terms, after(at)).await.expect("a store that works") }
    };
    assert_eq!(begun(again(2, 60), 10).await, Begun::TooSoon(Duration::from_secs(20)));
    assert_eq!(begun(again(2, 60), 30).await, Begun::Leg(1));
    assert_eq!(begun(again(2, 90), 59).await, Begun::TooSoon(Duration::from_secs(1)));
    assert_eq!(begun(again(2, 90), 60).await, Begun::Leg(2));
    assert_eq!(begun(again(2, 120), 90).await, Begun::TooMany);
    let back = read(&*store, id).await;
    assert_eq!((back.resends, back.legs.len(), back.resend_after), (2, 3, after(90)));
    assert_eq!(back.expires_at, after(300), "a resend does not renew the lifetime");
}

pub(super) async fn a_locked_one_is_not_sent_again(store: Store) {
    let id = put(&*store, record(1)).await;
    for _ in 0..5 {
        try_code(&*store, id, WRONG).await;
    }
    let begun = store.begin_leg(id, again(4, 90), after(60)).await.expect("a store that works");
    assert_eq!(begun, Begun::Over(Verdict::TooManyGuesses { retry_after: None }));
}
