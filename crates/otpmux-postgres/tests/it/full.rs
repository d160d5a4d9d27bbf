//! A disk without room. The limit of a file's size has the same effect: PostgreSQL ignores its signal, so
//! that a write beyond it fails as one on a full disk does, and it needs no right that a check may
//! lack.

use std::time::Duration;

use otpmux_core::{Certainty, Error, ErrorKind, RateLimit, Verdict};
use otpmux_engine::{
    Create, Created, LimitHit, LimitKey, LimitScope, NewVerification, VerificationStore,
};
use otpmux_testkit::PostgresServer;

use crate::world::{
    CODE, WRONG, check, client, create, guess, keys, limit_key_hex, now, provider, put, recipient,
    record, store, verdict,
};

/// Half a block above a segment of the write-ahead log. A write that reaches the limit is cut short,
/// as on a full disk; one that begins beyond it would be another error.
const LIMIT: u64 = (1 << 20) + 4_096;

/// More than fit below the limit.
const MOST: u32 = 20_000;

fn counted() -> LimitHit {
    let key = LimitKey::of_recipient(LimitScope::Global, &keys().hash(&recipient(0)));
    LimitHit { key, windows: [RateLimit::new(1_000_000, Duration::from_hours(1))].into() }
}

/// From version 16 on, PostgreSQL makes a file longer by several blocks at once: then the limit is an
/// internal error to it, of which the store does not know that it was rolled back.
fn assert_full(error: &Error, knows: bool) {
    let (certainty, words) = if knows {
        (Certainty::NotSent, "its disk is full; make room")
    } else {
        (Certainty::Unknown, "may have been carried out")
    };
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, certainty), "{error}");
    assert!(error.detail().contains(words), "{error}");
}

#[tokio::test]
async fn a_full_disk_refuses_whole_steps_and_goes_on_once_there_is_room() {
    let server = PostgresServer::start();
    let store = store(&server);
    let id = put(&store, record(0)).await;
    server.limit_files(Some(LIMIT));
    let new = |number| Create { limit_hits: vec![counted()], ..create(record(number)) };
    let mut made = 0;
    let error = loop {
        assert!(made < MOST, "the disk is never full");
        match store.create(new(1 + made), now()).await {
            Ok(created) => assert!(matches!(created, Created::New(_)), "{created:?}"),
            Err(error) => break error,
        }
        made += 1;
    };
    let knows = server.sql("SHOW server_version_num").parse::<u32>().unwrap() < 160_000;
    assert_full(&error, knows);

    // A send writes before it calls a provider: nothing goes out.
    let vendor = provider("primary");
    let client = client(&store, &[&vendor], |_| ());
    let refused = client.send(NewVerification::to(recipient(900_000))).await.unwrap_err();
    assert_eq!((refused.kind(), refused.certainty()), (ErrorKind::Store, Certainty::NotSent));
    assert_eq!(vendor.sends.count(), 0);

    // A guess is counted or refused, as a whole.
    let mut answered = 0;
    for _ in 0..3 {
        match check(&store, &guess(id, WRONG)).await {
            Ok(_) => answered += 1,
            Err(error) => assert_full(&error, knows),
        }
    }
    assert_eq!(store.load(id, now()).await.unwrap().unwrap().guesses, answered);
    for number in 0..5 {
        assert_full(&store.create(new(900_001 + number), now()).await.unwrap_err(), knows);
    }
    let hex = limit_key_hex(&counted().key);
    let hits = format!("SELECT newest FROM test.limits WHERE key = '\\x{hex}'");
    assert_eq!(server.sql(&hits), made.to_string(), "what was refused is not counted");
    assert_eq!(server.sql("SELECT count(*) FROM test.records"), (made + 1).to_string());

    server.limit_files(None);
    assert!(matches!(store.create(new(1 + made), now()).await.unwrap(), Created::New(_)));
    assert_eq!(server.sql(&hits), (made + 1).to_string());
    client.send(NewVerification::to(recipient(900_000))).await.unwrap();
    assert_eq!(vendor.sends.count(), 1);
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
    assert_eq!(verdict(&store, id, CODE).await, Verdict::AlreadyUsed);
}

/// Without room for its write-ahead log, PostgreSQL stops itself.
#[tokio::test]
async fn a_full_log_stops_the_server_and_loses_nothing_that_was_answered() {
    let mut server = PostgresServer::start();
    let store = store(&server);
    let (used, open) = (put(&store, record(1)).await, put(&store, record(2)).await);
    assert_eq!(verdict(&store, used, CODE).await, Verdict::Approved);
    check(&store, &guess(open, WRONG)).await.unwrap();

    server.limit_files(Some(4_096));
    let error = check(&store, &guess(open, WRONG)).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::Unknown));
    assert!(error.detail().contains("may have been carried out"), "{error}");

    // A new start has room.
    server.restart();
    let begun = tokio::time::Instant::now();
    let record = loop {
        match store.load(open, now()).await {
            Ok(record) => break record.unwrap(),
            Err(error) => assert!(begun.elapsed() < crate::world::LIMIT, "{error}"),
        }
    };
    assert_eq!(record.guesses, 1, "the one that was answered");
    assert_eq!(verdict(&store, used, CODE).await, Verdict::AlreadyUsed);
    assert_eq!(verdict(&store, open, CODE).await, Verdict::Approved);
}
