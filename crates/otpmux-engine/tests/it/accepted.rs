//! Accepted sends that the store hears of a moment later, many at once.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use otpmux_core::{Capabilities, Channel, Clock, Sent, VendorReference};
use otpmux_engine::{
    AttemptState, InFlight, NewVerification, OtpClient, Record, Resend, State, VerificationId,
    VerificationStore,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::crash::{Failing, client};
use crate::world::{carrier, down, phone, vendor};

/// Longer than an accepted send may wait.
const SOON: Duration = Duration::from_millis(50);

async fn stored(store: &Failing, id: VerificationId) -> Record {
    let now = ManualClock::default().now();
    store.inner.load(id, now).await.unwrap().unwrap()
}

async fn state(store: &Failing, id: VerificationId) -> AttemptState {
    stored(store, id).await.send_attempts[0].state
}

async fn send(client: &OtpClient, to: usize) -> VerificationId {
    let new =
        NewVerification::to(format!("+9198765{to:05}").parse::<otpmux_core::Recipient>().unwrap());
    client.send(new).await.unwrap().id
}

fn with_references(provider: &ScriptedProvider) {
    let reference = VendorReference::new("message-1");
    provider.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
}

#[tokio::test(start_paused = true)]
async fn a_send_does_not_wait_for_the_record_of_its_outcome_and_many_are_recorded_at_once() {
    let a = carrier("a");
    with_references(&a);
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    let mut ids = Vec::new();
    for to in 0..100 {
        ids.push(send(&client, to).await);
    }
    for id in &ids {
        assert_eq!(state(&store, *id).await, AttemptState::Intended);
    }
    assert_eq!(store.recorded(), [0; 0]);
    tokio::time::sleep(SOON).await;
    assert_eq!(store.recorded(), [100]);
    for id in &ids {
        let record = stored(&store, *id).await;
        assert_eq!(record.send_attempts[0].state, AttemptState::Accepted);
        assert_eq!(record.send_attempts[0].reference, Some(VendorReference::new("message-1")));
    }
    // One that comes later gets a separate batch, and nothing runs between.
    let later = send(&client, 100).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(
        (store.recorded(), state(&store, later).await),
        (vec![100, 1], AttemptState::Accepted)
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let a = carrier("a");
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    let begun = tokio::time::Instant::now();
    for to in 0..128 {
        send(&client, to).await;
    }
    while store.recorded().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!((store.recorded(), begun.elapsed()), (vec![128], Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_code_is_good_before_its_send_is_recorded() {
    let a = carrier("a");
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    let id = send(&client, 1).await;
    let code = a.otpmux_codes().remove(0).parse().unwrap();
    assert!(client.verify(id, &code).await.unwrap().is_approved());
    assert_eq!(state(&store, id).await, AttemptState::Intended);
    tokio::time::sleep(SOON).await;
    let record = stored(&store, id).await;
    assert_eq!(
        (record.state, record.send_attempts[0].state),
        (State::Approved, AttemptState::Accepted)
    );
    assert!(!client.verify(id, &code).await.unwrap().is_approved());
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_verification_records_its_outcome_first() {
    let a = carrier("a");
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    let other = send(&client, 1).await;
    let id = send(&client, 2).await;
    let status = client.status(id).await.unwrap();
    assert_eq!(status.send_attempts[0].state, AttemptState::Accepted);
    // All that waits goes in one round trip.
    assert_eq!((store.recorded(), state(&store, other).await), (vec![2], AttemptState::Accepted));

    let id = send(&client, 3).await;
    // Too soon; but its outcome was asked for.
    client.resend(id, Resend::default()).await.unwrap_err();
    assert_eq!(state(&store, id).await, AttemptState::Accepted);

    // A repeat with the same key is not told that the first is under way.
    let named = || {
        let mut new = NewVerification::to(phone()).with_idempotency_key("k");
        new.options.in_flight = InFlight::Refuse;
        new
    };
    let first = client.send(named()).await.unwrap();
    assert_eq!(state(&store, first.id).await, AttemptState::Intended);
    let again = client.send(named()).await.unwrap();
    assert_eq!((again.id, again.confirmed), (first.id, true));
    assert_eq!(a.count(), 4);
}

/// A call that is dropped while it waits loses nothing of what it waited for.
#[tokio::test(start_paused = true)]
async fn a_status_that_is_dropped_loses_no_outcome() {
    let a = carrier("a");
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    let id = send(&client, 1).await;
    let asking = client.clone();
    let status = tokio::spawn(async move { asking.status(id).await });
    tokio::task::yield_now().await;
    status.abort();
    tokio::time::sleep(SOON).await;
    assert_eq!((store.recorded(), state(&store, id).await), (vec![1], AttemptState::Accepted));
}

#[tokio::test(start_paused = true)]
async fn flush_returns_when_everything_is_recorded() {
    let a = carrier("a");
    let store = Failing::batching(1_000);
    let client = client(&[&a], &store);
    client.flush().await;
    let ids = [send(&client, 1).await, send(&client, 2).await];
    let begun = tokio::time::Instant::now();
    client.flush().await;
    assert_eq!((store.recorded(), begun.elapsed()), (vec![2], Duration::ZERO));
    for id in ids {
        assert_eq!(state(&store, id).await, AttemptState::Accepted);
    }
}

/// Then it is written with the other outcomes that the store did not take.
#[tokio::test(start_paused = true)]
async fn what_the_store_does_not_take_is_recorded_when_it_answers_again() {
    let a = carrier("a");
    let store = Failing::batching(1);
    let client = client(&[&a], &store);
    let id = send(&client, 1).await;
    client.flush().await;
    assert_eq!(state(&store, id).await, AttemptState::Intended);
    store.left.store(100, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(state(&store, id).await, AttemptState::Accepted);
}

#[tokio::test(start_paused = true)]
async fn everything_else_is_recorded_before_the_send_returns() {
    let reports = {
        let mut it = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        it.report = true;
        Arc::new(ScriptedProvider::new("reports", it))
    };
    let by_reference = {
        let mut it = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        it.receipts_by_reference = true;
        Arc::new(ScriptedProvider::new("by-reference", it))
    };
    let (a, b, vendor) = (carrier("a"), carrier("b"), vendor("vendor"));
    with_references(&by_reference);
    a.sends.answer(Err(down()));
    for providers in [&[&reports][..], &[&by_reference], &[&vendor], &[&a, &b]] {
        let store = Failing::batching(1_000);
        let client = client(providers, &store);
        let id = send(&client, 1).await;
        let record = stored(&store, id).await;
        let last = record.send_attempts.last().unwrap();
        assert_eq!(last.state, AttemptState::Accepted, "{}", last.provider);
        tokio::time::sleep(SOON).await;
        assert_eq!(store.recorded(), [0; 0], "{}", last.provider);
    }
    // A failure too.
    let store = Failing::batching(1_000);
    a.sends.answer(Err(down()));
    client(&[&a], &store).send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!(store.recorded(), [0; 0]);
}
