//! Ended rows are removed, a few at a time, with later calls.

use std::time::{Duration, SystemTime};

use otpmux_core::{Delivery, ErrorKind, ProviderId, RateLimit};
use otpmux_engine::{
    AttemptState, Create, DeliveryMark, HEALTH_TTL, HealthUpdate, IdempotencyRecord, LimitHit,
    LimitKey, LimitScope, OpenCircuit, RETENTION, ReceiptOf, RecordOutcome, VerificationStore,
    Witness,
};
use otpmux_postgres::PostgresStore;
use otpmux_testkit::PostgresServer;
use tokio::time::Instant;

use crate::world::{LIMIT, check, create, guess, keys, now, put, record, record_outcome, store};

const TABLES: [&str; 10] = [
    "records",
    "externals",
    "live",
    "requests",
    "guesses",
    "attempt_references",
    "limits",
    "hits",
    "health",
    "early_receipts",
];

fn rows(server: &PostgresServer) -> Vec<u32> {
    let counts = TABLES.map(|table| format!("(SELECT count(*) FROM test.{table})"));
    let row = server.sql(&format!("SELECT {}", counts.join(", ")));
    row.split('|').map(|count| count.parse().unwrap()).collect()
}

/// Creates a verification with all that belongs to one: limits (one with more hits than a row
/// holds), an idempotency key, a named guess, a reference, and a health update.
async fn whole(store: &PostgresStore, number: u32) {
    let mut record = record(number);
    let name = u128::from(number).to_be_bytes();
    record.request = Some(Box::new(IdempotencyRecord { name, content: [1; 16] }));
    record.external = Some(name);
    let (id, recipient) = (record.id, record.recipient);
    let hit = |scope, count| LimitHit {
        key: LimitKey::of_recipient(scope, &recipient),
        windows: [RateLimit::new(count, Duration::from_mins(1))].into(),
    };
    let limit_hits = vec![hit(LimitScope::Recipient, 5), hit(LimitScope::Global, 1_000)];
    store.create(Create { limit_hits, ..create(record) }, now()).await.unwrap();
    let open = OpenCircuit { since: now(), until: now(), why: ErrorKind::Unavailable };
    let update = HealthUpdate {
        provider: ProviderId::new("ours").unwrap(),
        witness: Witness::default(),
        at: now(),
        state: Some(open),
    };
    let mut outcome = record_outcome(AttemptState::Accepted);
    outcome.ends[0].found_by = Some(name);
    let outcome = RecordOutcome { health_updates: vec![update], ..outcome };
    store.record_outcome(id, outcome, now()).await.unwrap();
    let sent = DeliveryMark::new(Delivery::Sent, now(), false);
    store.receive(ReceiptOf::Reference(name), sent, now()).await.unwrap();
    let unknown = u128::from(number + 1_000_000).to_be_bytes();
    store.receive(ReceiptOf::Reference(unknown), sent, now()).await.unwrap();
    let windows = [RateLimit::new(9, Duration::from_mins(1))];
    let named = crate::world::guess_name(keys(), id, "a", &crate::world::code("000000"));
    let guess = guess(id, "000000").within(windows.into()).named(Some(named));
    check(store, &guess).await.unwrap();
}

/// Asks for sweeps at a time until no row is left, and returns how many.
async fn until_empty(server: &PostgresServer, store: &PostgresStore, at: SystemTime) -> u32 {
    let begun = Instant::now();
    for turn in 1.. {
        store.probe(at).await.unwrap();
        let left = rows(server);
        if left.iter().all(|count| *count == 0) {
            return turn;
        }
        assert!(begun.elapsed() < 3 * LIMIT, "still there: {left:?}");
    }
    0
}

#[tokio::test]
async fn everything_that_is_over_goes() {
    let server = PostgresServer::start();
    let store = store(&server);
    for number in 0..60 {
        whole(&store, number).await;
    }
    let before = rows(&server);
    assert_eq!(before[..6], [60; 6], "{before:?}");
    assert_eq!(before[6..], [180, 60, 1, 60], "{before:?}");
    // Limits and guesses end before the records do.
    until(&server, &store, now() + Duration::from_mins(2), 6).await;
    let mid = rows(&server);
    assert_eq!((&mid[..6], mid[7]), (&[60; 6][..], 0), "{mid:?}");
    until_empty(&server, &store, now() + RETENTION + HEALTH_TTL).await;
}

/// Asks for sweeps until a table is empty.
async fn until(server: &PostgresServer, store: &PostgresStore, at: SystemTime, table: usize) {
    let begun = Instant::now();
    while rows(server)[table] > 0 {
        store.probe(at).await.unwrap();
        assert!(begun.elapsed() < 3 * LIMIT, "still there: {:?}", rows(server));
    }
}

/// No call asks for it: new verifications remove old ones.
#[tokio::test]
async fn new_verifications_remove_old_ones() {
    let server = PostgresServer::start();
    let store = store(&server);
    for number in 0..200 {
        put(&store, record(number)).await;
    }
    let late = now() + Duration::from_mins(5) + RETENTION;
    let begun = Instant::now();
    let mut number = 1_000;
    // Those that are new at the later time stay.
    while server.sql("SELECT count(*) FROM test.records WHERE guesses < 0 OR ends_at < (SELECT max(ends_at) - 60000 FROM test.records)") != "0" || number < 1_040 {
        let mut record = record(number);
        record.expires_at = late + Duration::from_mins(5);
        store.create(create(record), late).await.unwrap();
        number += 1;
        assert!(begun.elapsed() < 3 * LIMIT, "{:?}", rows(&server));
    }
    assert_eq!(rows(&server)[0], number - 1_000);
}

/// A limit with more hits than a row should hold moves to separate rows, and is counted on.
#[tokio::test]
async fn a_count_that_has_grown_is_counted_in_rows() {
    let server = PostgresServer::start();
    let store = store(&server);
    let key = LimitKey::of_recipient(LimitScope::Global, &record(1).recipient);
    let hit = |count| {
        vec![LimitHit { key, windows: [RateLimit::new(count, Duration::from_hours(1))].into() }]
    };
    let begun = now();
    for number in 0..150 {
        let count = if number == 0 { 100 } else { 152 };
        let create = Create { limit_hits: hit(count), ..create(record(number)) };
        store.create(create, begun + Duration::from_secs(u64::from(number))).await.unwrap();
    }
    assert_eq!(server.sql("SELECT cardinality(times), newest FROM test.limits"), "150|");
    let later = begun + Duration::from_hours(1) + Duration::from_secs(10);
    let patience = Instant::now();
    while server.sql("SELECT newest FROM test.limits") != "150" {
        store.probe(later).await.unwrap();
        assert!(patience.elapsed() < LIMIT, "{}", server.sql("SELECT * FROM test.limits"));
    }
    // 11 of 150 are over, so there is room for 13.
    for number in 200..213 {
        let create = Create { limit_hits: hit(152), ..create(record(number)) };
        let created = store.create(create, later).await.unwrap();
        assert!(matches!(created, otpmux_engine::Created::New(_)), "{number}: {created:?}");
    }
    let create = Create { limit_hits: hit(152), ..create(record(300)) };
    let created = store.create(create, later).await.unwrap();
    assert!(matches!(created, otpmux_engine::Created::LimitExceeded(_)), "{created:?}");
}
