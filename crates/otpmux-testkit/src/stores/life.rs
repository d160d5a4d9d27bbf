//! Records come, change hands, and go.

use otpmux_core::{Purpose, Verdict};
use otpmux_engine::{Begun, LegState, VerificationId};

use super::Store;
use super::records::{
    CODE, after, approve, begin, end, leg, now, put, read, record, settle, try_code, try_code_at,
};

pub(super) async fn a_record_comes_back_as_it_went_in(store: Store) {
    let mut full = record(1);
    full.attempts = 2;
    full.resends = 1;
    full.legs.push(leg("second", false, LegState::Refused));
    full.legs.push(leg("third", true, LegState::Unknown));
    full.legs[2].reference = None;
    let id = put(&*store, full.clone()).await;
    // Records have no equality of their own: their forms tell every field.
    assert_eq!(format!("{:?}", read(&*store, id).await), format!("{full:?}"));
    let (back, sealed) = (read(&*store, id).await, full.sealed);
    assert_eq!(back.recipient, full.recipient);
    assert_eq!(back.sealed.bytes, sealed.bytes);
    assert_eq!(back.code.map(|code| code.mac), full.code.map(|code| code.mac));
    let references = |legs: &[otpmux_engine::Leg]| -> Vec<Option<String>> {
        legs.iter().map(|leg| Some(leg.reference.as_ref()?.as_str().to_owned())).collect()
    };
    assert_eq!(references(&back.legs), references(&full.legs));
}

pub(super) async fn a_new_one_closes_the_older_of_its_recipient_and_purpose(store: Store) {
    let old = put(&*store, record(1)).await;
    let mut other_purpose = record(1);
    other_purpose.purpose = Purpose::new("payment").expect("a purpose");
    let other_purpose = put(&*store, other_purpose).await;
    let other_recipient = put(&*store, record(2)).await;
    let new = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, old, CODE).await, "not_found");
    assert_eq!(approve(&*store, old).await, Verdict::NotFound);
    for id in [other_purpose, other_recipient, new] {
        assert_eq!(try_code(&*store, id, CODE).await, "approved");
    }
}

pub(super) async fn an_approved_one_is_not_touched_by_a_new_one(store: Store) {
    let old = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, old, CODE).await, "approved");
    put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, old, CODE).await, "already_used");
}

pub(super) async fn expiry_is_exact_for_every_step(store: Store) {
    let [early, late, vendors, sent] = [1, 2, 3, 4].map(record);
    let early = put(&*store, early).await;
    assert_eq!(try_code_at(&*store, early, CODE, after(299)).await, "approved");
    let late = put(&*store, late).await;
    assert_eq!(try_code_at(&*store, late, CODE, after(300)).await, "expired");
    let vendors = put(&*store, vendors).await;
    let verdict = store.approve(vendors, after(300)).await.expect("a store that works");
    assert_eq!(verdict, Verdict::Expired);
    let sent = put(&*store, sent).await;
    let begun =
        store.begin_leg(sent, begin("second"), after(300)).await.expect("a store that works");
    assert_eq!(begun, Begun::Over(Verdict::Expired));
    assert!(!store.cancel(sent, after(300)).await.expect("a store that works"));
    assert_eq!(read(&*store, late).await.attempts, 0, "what is over counts no attempt");
}

pub(super) async fn cancelling_closes_once(store: Store) {
    let id = put(&*store, record(1)).await;
    assert!(store.cancel(id, now()).await.expect("a store that works"));
    assert!(!store.cancel(id, now()).await.expect("a store that works"));
    assert_eq!(try_code(&*store, id, CODE).await, "not_found");
    let used = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, used, CODE).await, "approved");
    assert!(!store.cancel(used, now()).await.expect("a store that works"));
    assert_eq!(try_code(&*store, used, CODE).await, "already_used");
}

pub(super) async fn an_unknown_id_is_not_found(store: Store) {
    let id = VerificationId::from_bytes([7; 16]);
    assert_eq!(try_code(&*store, id, CODE).await, "not_found");
    assert_eq!(approve(&*store, id).await, Verdict::NotFound);
    assert!(!store.cancel(id, now()).await.expect("a store that works"));
    assert!(store.load(id, now()).await.expect("a store that works").is_none());
    let begun = store.begin_leg(id, begin("second"), now()).await.expect("a store that works");
    assert_eq!(begun, Begun::Over(Verdict::NotFound));
    let settled = settle(end(0, LegState::Accepted));
    store.settle(id, settled, now()).await.expect("nothing to do is no error");
}
