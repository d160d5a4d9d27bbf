//! Trials of the server keys that processes share, and of whether the store accepts writes.

use otpmux_engine::{KeyCheck, KeyId};

use super::Store;
use super::records::{now, put, record};
use super::steps::health_at;

fn key(id: &str, value: u8) -> KeyCheck {
    KeyCheck { id: KeyId::from(id), value: [value; 32] }
}

async fn differ(store: &Store, keys: &[KeyCheck]) -> Vec<String> {
    let ids = store.check_keys(keys).await.expect("an answer");
    ids.iter().map(ToString::to_string).collect()
}

pub(super) async fn the_first_key_of_an_id_counts(store: Store) {
    assert!(differ(&store, &[]).await.is_empty());
    assert!(differ(&store, &[key("1", 1), key("2", 2)]).await.is_empty());
    assert!(differ(&store, &[key("2", 2), key("1", 1)]).await.is_empty());
    // Two ids may have the same value.
    assert!(differ(&store, &[key("3", 1)]).await.is_empty());
    let told = differ(&store, &[key("4", 4), key("2", 9), key("1", 1), key("3", 8)]).await;
    assert_eq!(told, ["2", "3"]);
    // A different value replaces nothing, and a new key is kept beside it.
    assert!(differ(&store, &[key("1", 1), key("2", 2), key("3", 1), key("4", 4)]).await.is_empty());
    assert_eq!(differ(&store, &[key("4", 5)]).await, ["4"]);
}

pub(super) async fn a_probe_writes_beside_everything_else(store: Store) {
    let id = put(&*store, record(1)).await;
    for _ in 0..3 {
        store.probe(now()).await.expect("it takes writes");
    }
    assert!(store.load(id, now()).await.expect("an answer").is_some());
    assert_eq!(health_at(&*store, now()).await, []);
}
