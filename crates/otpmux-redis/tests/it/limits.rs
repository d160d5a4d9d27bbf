//! Limits in the forms that this store has for them: a log that is never read whole, and the key of a
//! recipient, which holds more than hits.

use std::time::Duration;

use otpmux_core::{Purpose, RateLimit};
use otpmux_engine::{
    Create, Created, LimitHit, LimitKey, LimitScope, RETENTION, RecordOutcome, Refund,
    VerificationId, VerificationStore,
};
use otpmux_redis::RedisStore;
use otpmux_testkit::RedisServer;

use crate::world::{create, now, put, record, store};

/// More than a log holds that is read whole.
const MANY: u32 = 300;
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_window_with_a_large_count_is_exact() {
    let server = RedisServer::start();
    let store = store(&server);
    let key = LimitKey { scope: LimitScope::Provider, hash: [7; 16] };
    let windows = [RateLimit::new(MANY, 60 * SECOND), RateLimit::new(MANY - 1, SECOND)];
    let limit_hits = vec![LimitHit { key, windows: windows.into() }];
    let begun = now();
    let wait_at = async |number, at| {
        let create = Create { limit_hits: limit_hits.clone(), ..create(record(number)) };
        match store.create(create, at).await.unwrap() {
            Created::New(_) => None,
            Created::LimitExceeded(limited) => Some((limited.window, limited.retry_after)),
            other => panic!("{other:?}"),
        }
    };
    // Often enough for the log to be cut twice.
    for turn in 0..5 {
        let from = begun + turn * 60 * SECOND;
        for number in 0..MANY - 1 {
            assert_eq!(wait_at(number, from).await, None, "turn {turn}, {number}");
        }
        assert_eq!(wait_at(0, from).await, Some((windows[1], SECOND)));
        assert_eq!(wait_at(0, from + SECOND).await, None);
        assert_eq!(wait_at(0, from + 2 * SECOND).await, Some((windows[0], 58 * SECOND)));
    }
    // One hit is taken back, and there is room for one.
    let at = begun + 4 * 60 * SECOND + SECOND;
    let id = put(&store, record(1)).await;
    let refund = RecordOutcome { refunds: vec![Refund { key, at }], ..RecordOutcome::default() };
    store.record_outcome(id, refund, at).await.unwrap();
    assert_eq!(wait_at(0, at + SECOND).await, None);
    assert_eq!(wait_at(0, at + SECOND).await, Some((windows[0], 58 * SECOND)));
}

/// Creates a verification of one recipient for a purpose, with windows of a second.
async fn send(store: &RedisStore, purpose: &str, ttl: Duration) -> VerificationId {
    let mut record = record(1);
    record.purpose = Purpose::new(purpose).unwrap();
    record.expires_at = now() + ttl;
    let (id, key) = (record.id, LimitKey::of_recipient(LimitScope::Recipient, &record.recipient));
    let limit_hit = LimitHit { key, windows: [RateLimit::new(1_000, SECOND)].into() };
    let create = Create { limit_hits: vec![limit_hit], ..create(record) };
    assert!(matches!(store.create(create, now()).await.unwrap(), Created::New(_)));
    id
}

fn key_of_recipient() -> Vec<u8> {
    [&b"{test}:R"[..], &record(1).recipient.counted()].concat()
}

#[tokio::test]
async fn a_recipient_is_kept_as_long_as_its_verifications() {
    let server = RedisServer::start();
    let store = store(&server);
    let kept = || server.command(&[&b"PTTL"[..], &key_of_recipient()]).number();
    let hour = 3_600_000 + i64::try_from(RETENTION.as_millis()).unwrap();
    send(&store, "login", 3_600 * SECOND).await;
    assert!((hour - 60_000..=hour).contains(&kept()));
    // A shorter one of another purpose, and one that takes the place of the first.
    send(&store, "payment", 60 * SECOND).await;
    assert!((hour - 60_000..=hour).contains(&kept()));
    send(&store, "login", 60 * SECOND).await;
    assert!((hour - 60_000..=hour).contains(&kept()));
}

#[tokio::test]
async fn a_recipient_with_many_purposes_takes_no_more_room_than_those_that_are_kept() {
    let server = RedisServer::start();
    let store = store(&server);
    let length = || server.command(&[&b"STRLEN"[..], &key_of_recipient()]).number();
    let mut record = record(1);
    let mut at = now();
    for number in 0..100 {
        record.id = crate::world::record(1).id;
        record.purpose = Purpose::new(format!("order-{number}")).unwrap();
        record.expires_at = at + 60 * SECOND;
        let created = store.create(create(record.clone()), at).await.unwrap();
        assert!(matches!(created, Created::New(_)));
        at += 4 * 60 * SECOND;
    }
    // Three or four of them are kept at the same time.
    assert!(length() < 200, "{} bytes", length());
}
