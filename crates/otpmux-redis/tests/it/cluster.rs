//! A cluster of three: every namespace is on one node, and is found there.

use otpmux_core::Verdict;
use otpmux_engine::VerificationStore;
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::{RedisReply, RedisServer};

use crate::world::{CODE, now, put, record, store_at, verdict};

fn on_cluster(nodes: &[RedisServer], namespace: &str) -> RedisStore {
    let options = Options::default().with_namespace(namespace).in_cluster();
    RedisStore::connect(nodes.iter().map(RedisServer::url), options).unwrap()
}

/// Returns the node that holds keys, by its first key.
fn holder(nodes: &[RedisServer]) -> usize {
    let full = |node: &RedisServer| node.command(&["DBSIZE"]).number() > 0;
    nodes.iter().position(full).expect("a node with keys")
}

#[tokio::test]
async fn a_namespace_is_found_stays_together_and_moves() {
    let mut nodes = RedisServer::start_cluster(3);
    // Namespaces are spread.
    for number in 0..12 {
        put(&on_cluster(&nodes, &format!("n{number}")), record(number)).await;
    }
    for node in &nodes {
        let keys = node.command(&["DBSIZE"]).number();
        assert!(keys > 0 && keys % 2 == 0, "records and what points to them are apart: {keys}");
        node.command(&["FLUSHALL"]);
    }

    // A redirected call is sent to the other node; a store that does not know of the cluster
    // returns an error.
    let store = on_cluster(&nodes, "test");
    let id = put(&store, record(1)).await;
    let holder = holder(&nodes);
    let other = (holder + 1) % 3;
    let lost = store_at(&nodes[other].url(), "test").health(now()).await.unwrap_err();
    assert!(lost.detail().contains("set cluster = true"), "{lost}");
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);

    // The slot moves to another node.
    nodes[holder].command(&["FLUSHALL"]);
    let slot = nodes[0].command(&["CLUSTER", "KEYSLOT", "{test}:"]).number().to_string();
    let to = nodes[other].command(&["CLUSTER", "MYID"]).text();
    for node in [other, holder, 3 - other - holder] {
        let moved = nodes[node].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to]);
        assert_eq!(moved, RedisReply::Text("OK".into()));
    }
    let id = put(&store, record(1)).await;
    assert!(nodes[other].command(&["DBSIZE"]).number() > 0);
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);

    // With a node that is down its namespaces are lost, and come back with it.
    nodes[other].kill();
    let (lost, refused) = (store.health(now()).await, store.health(now()).await);
    assert!(lost.is_err());
    let words = "no connection to Redis: the node that has the keys cannot be reached";
    assert_eq!(refused.unwrap_err().detail(), words);
    nodes[other].restart();
    nodes[other].until_cluster_serves();
    assert!(store.health(now()).await.is_ok());
}
