//! Ended records are removed.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{ErrorKind, ProviderId, RateLimit};
use otpmux_engine::{
    Create, Created, HealthUpdate, LimitHit, LimitKey, LimitScope, OpenCircuit, RETENTION,
    RecordOutcome, VerificationStore, Witness,
};
use otpmux_sqlite::SqliteStore;

use crate::home::{Home, WRONG, after, create, keys, now, put, quick, record};

const TABLES: [&str; 4] = ["records", "counters", "hits", "health_updates"];
const DAY: Duration = Duration::from_hours(24);

fn limit_hit(scope: LimitScope, number: u8, count: u32, per: Duration) -> LimitHit {
    let windows = Arc::new([RateLimit::new(count, per)]);
    LimitHit { key: LimitKey { scope, hash: [number; 16] }, windows }
}

pub(crate) async fn after_the_longest_time_nothing_is_left() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    let windows: Arc<[_]> = Arc::new([RateLimit::new(10, Duration::from_hours(1))]);
    for number in 0..300 {
        let record = record(number);
        let id = record.id;
        let own = u8::try_from(number % 100).unwrap();
        let limit_hits = vec![
            limit_hit(LimitScope::Ip, own, 50, DAY),
            limit_hit(LimitScope::Global, 0, 1_000, 7 * DAY),
        ];
        let created = store
            .create(Create { record, limit_hits, external: Vec::new(), repeat: false }, now())
            .await
            .unwrap();
        assert!(matches!(created, Created::New(_)));
        let wrong = keys().guess(id, &WRONG.parse().unwrap()).within(Arc::clone(&windows));
        store.check_guess(&wrong, now()).await.unwrap();
        let provider = ProviderId::new(format!("provider-{}", number % 10)).unwrap();
        let open = OpenCircuit { since: now(), until: after(60), why: ErrorKind::Timeout };
        let witness = Witness::default();
        let health_updates = vec![HealthUpdate { provider, witness, at: now(), state: Some(open) }];
        store
            .record_outcome(id, RecordOutcome { health_updates, ..RecordOutcome::default() }, now())
            .await
            .unwrap();
    }
    assert_eq!(TABLES.map(|table| home.rows(table)), [300, 401, 900, 10]);
    let millisecond = Duration::from_millis(1);
    for (at, left) in [
        (after(300) + RETENTION - millisecond, [300, 401, 900, 10]),
        (after(300) + RETENTION, [0, 401, 900, 10]),
        (after(3_600) - millisecond, [0, 401, 900, 10]),
        (after(3_600), [0, 101, 600, 0]),
        (now() + DAY, [0, 1, 300, 0]),
        (now() + 7 * DAY - millisecond, [0, 1, 300, 0]),
        (now() + 7 * DAY, [0; 4]),
    ] {
        for _ in 0..50 {
            store.health(at).await.unwrap();
        }
        assert_eq!(TABLES.map(|table| home.rows(table)), left, "{at:?}");
    }
}

pub(crate) async fn old_rows_go_a_few_at_a_time() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    for number in 0..1_000 {
        let limit_hits = vec![limit_hit(LimitScope::Global, 0, 1_000, Duration::from_mins(1))];
        store
            .create(
                Create { record: record(number), limit_hits, external: Vec::new(), repeat: false },
                now(),
            )
            .await
            .unwrap();
    }
    let (mut records, mut hits) = (1_000, 1_000);
    while records > 0 || hits > 0 {
        store.health(after(300) + RETENTION).await.unwrap();
        let left = (home.rows("records"), home.rows("hits"));
        assert!(records == 0 || (1..100).contains(&(records - left.0)), "{left:?}");
        assert!(hits == 0 || (1..100).contains(&(hits - left.1)), "{left:?}");
        (records, hits) = left;
    }
    // But faster than they come.
    for number in 0..200 {
        put(&store, record(number)).await;
    }
    for number in 0..100 {
        let later = after(300) + RETENTION;
        store.create(create(record(number)), later).await.unwrap();
    }
    assert_eq!(home.rows("records"), 0, "of those, too, each has ended");
}

pub(crate) async fn hits_go_though_their_key_is_in_use() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    for number in 0..200 {
        let limit_hits = vec![limit_hit(LimitScope::Global, 0, 1_000, Duration::from_mins(1))];
        let at = after(10 * u64::from(number));
        store
            .create(
                Create { record: record(number), limit_hits, external: Vec::new(), repeat: false },
                at,
            )
            .await
            .unwrap();
        assert_eq!(home.rows("hits"), 6.min(number + 1), "those of the last minute");
    }
}

pub(crate) async fn the_file_does_not_grow() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    let pages =
        || -> u32 { home.look().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap() };
    let mut early = 0;
    for number in 0..2_000_u32 {
        let at = after(10 * u64::from(number));
        let mut record = record(number);
        record.expires_at = at + Duration::from_mins(5);
        let own = u8::try_from(number % 200).unwrap();
        let limit_hits = vec![limit_hit(LimitScope::Recipient, own, 5, Duration::from_mins(10))];
        store
            .create(Create { record, limit_hits, external: Vec::new(), repeat: false }, at)
            .await
            .unwrap();
        if number == 500 {
            early = pages();
        }
    }
    assert!(pages() <= early + early / 4, "{early} pages have become {}", pages());
}
