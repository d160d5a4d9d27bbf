//! Trials of creation, change and removal of records.

use otpmux_core::{Purpose, Verdict};
use otpmux_engine::{AttemptStarted, AttemptState, VerificationId};

use super::Store;
use super::records::{CODE, approve, begin, end, now, put, record, record_outcome, try_code};

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
    let begun = store.start_attempt(id, begin("second"), now()).await.expect("a store that works");
    assert_eq!(begun, AttemptStarted::Over(Verdict::NotFound));
    let settled = record_outcome(end(0, AttemptState::Accepted));
    store.record_outcome(id, settled, now()).await.expect("nothing to do is no error");
}
