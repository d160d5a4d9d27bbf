//! Restarts, and callers that go away.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use otpmux_core::{ProviderId, RateLimit};
use otpmux_engine::{
    Create, Created, HealthUpdate, IdempotencyRecord, LimitHit, LimitKey, LimitScope,
    RecordOutcome, VerificationStore, Witness,
};

use crate::home::{CODE, Home, WRONG, create, guess, keys, now, put, read, record};

pub(crate) async fn everything_is_there_after_a_restart() {
    let home = Home::new();
    let store = home.open();
    let windows = Arc::new([RateLimit::new(1, Duration::from_mins(1))]);
    let limit_hits =
        vec![LimitHit { key: LimitKey { scope: LimitScope::Ip, hash: [1; 16] }, windows }];
    let mut named = record(1);
    named.request = Some(Box::new(IdempotencyRecord { name: [2; 16], content: [3; 16] }));
    let (id, named_again) = (named.id, named.request.clone());
    let counted = Create {
        record: named,
        limit_hits: limit_hits.clone(),
        external: Vec::new(),
        repeat: false,
    };
    assert!(matches!(store.create(counted, now()).await.unwrap(), Created::New(_)));
    let provider = ProviderId::new("down").unwrap();
    let witness = Witness::default();
    let health_updates = vec![HealthUpdate { provider, witness, at: now(), state: None }];
    store
        .record_outcome(
            id,
            RecordOutcome { health_updates: health_updates.clone(), ..RecordOutcome::default() },
            now(),
        )
        .await
        .unwrap();
    let wait: Arc<[_]> = Arc::new([RateLimit::new(1, Duration::from_hours(1))]);
    let wrong = || keys().guess(id, &WRONG.parse().unwrap()).within(Arc::clone(&wait));
    store.check_guess(&wrong(), now()).await.unwrap();
    let used = put(&store, record(2)).await;
    assert_eq!(guess(&store, used, CODE).await.unwrap(), "approved");
    let before = format!("{:?}", read(&store, id).await);
    drop(store);

    let store = home.open();
    assert_eq!(format!("{:?}", read(&store, id).await), before);
    assert_eq!(guess(&store, used, CODE).await.unwrap(), "already_used");
    let mut again = record(1);
    again.request = named_again;
    let again = Create {
        record: again,
        limit_hits: limit_hits.clone(),
        external: Vec::new(),
        repeat: false,
    };
    assert!(matches!(store.create(again, now()).await.unwrap(), Created::Replayed(_)));
    let full = Create { record: record(3), limit_hits, external: Vec::new(), repeat: false };
    assert!(matches!(store.create(full, now()).await.unwrap(), Created::LimitExceeded(_)));
    assert_eq!(store.health(now()).await.unwrap(), health_updates);
    let guessed = store.check_guess(&wrong(), now()).await.unwrap();
    assert!(format!("{guessed:?}").contains("TooManyGuesses"), "{guessed:?}");
    assert_eq!(guess(&store, id, CODE).await.unwrap(), "approved");
}

/// Asks, and goes away before there is an answer.
async fn ask_and_go(ask: impl Future) {
    let mut ask = Box::pin(ask);
    let asked = std::future::poll_fn(|cx| Poll::Ready(ask.as_mut().poll(cx).is_pending()));
    assert!(asked.await, "answered too soon for this trial");
}

pub(crate) async fn queued_steps_are_done_when_the_store_is_dropped() {
    let home = Home::new();
    let store = home.open();
    let other = home.look();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut ids = Vec::new();
    for number in 0..100 {
        let record = record(number);
        ids.push(record.id);
        ask_and_go(store.create(create(record), now())).await;
    }
    drop(store);
    other.execute_batch("COMMIT").unwrap();
    let done = async {
        while home.rows("records") < 100 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), done).await.unwrap();
    let store = home.open();
    for id in ids {
        assert_eq!(guess(&store, id, CODE).await.unwrap(), "approved");
    }
}

pub(crate) async fn a_dropped_call_harms_no_other() {
    let home = Home::new();
    let store = home.open();
    let id = put(&store, record(1)).await;
    let other = home.look();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ask_and_go(guess(&store, id, WRONG)).await;
    ask_and_go(guess(&store, id, CODE)).await;
    other.execute_batch("COMMIT").unwrap();
    // They were asked before, so they are done before.
    assert_eq!(guess(&store, id, CODE).await.unwrap(), "already_used");
    assert_eq!(read(&store, id).await.guesses, 2);
}
