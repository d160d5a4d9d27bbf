//! Replicas: refused, promoted, and found by a URL with several hosts.

use otpmux_core::{Certainty, Verdict};
use otpmux_engine::VerificationStore;
use otpmux_testkit::PostgresServer;

use crate::world::{CODE, assert_all_fail, every_operation, now, put, record, store_at, verdict};

#[tokio::test]
async fn a_replica_is_refused_and_used_once_it_is_the_primary() {
    let server = PostgresServer::start();
    let store = store_at(&server.url(), "test");
    let id = put(&store, record(1)).await;
    let replica = server.replica();
    let there = store_at(&replica.url(), "test");
    for (name, outcome) in every_operation(&there, id).await {
        let error = outcome.expect_err(name);
        assert_eq!(error.certainty(), Certainty::NotSent, "{name}: {error}");
        assert!(error.detail().contains("replica"), "{name}: {error}");
    }
    drop(server);
    assert_eq!(replica.sql("SELECT pg_promote()"), "t");
    assert_eq!(verdict(&there, id, CODE).await, Verdict::Approved);
}

/// With synchronous replication, a failover loses no approval.
#[tokio::test]
async fn an_approval_survives_a_failover_to_a_synchronous_replica() {
    let mut server = PostgresServer::start();
    let replica = server.replica();
    server.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    server.sql("SELECT pg_reload_conf()");
    // The replica is the first host: the store looks for the one that takes writes.
    let (first, second) = (replica.port(), server.port());
    let url = format!("postgres://otpmux@127.0.0.1:{first},127.0.0.1:{second}/postgres");
    let store = store_at(&url, "test");
    let (used, open) = (put(&store, record(1)).await, put(&store, record(2)).await);
    assert_eq!(verdict(&store, used, CODE).await, Verdict::Approved);
    server.kill();
    assert_eq!(replica.sql("SELECT pg_promote()"), "t");
    // The first call may find the connection that has just ended.
    let _ = store.load(used, now()).await;
    assert_eq!(verdict(&store, used, CODE).await, Verdict::AlreadyUsed);
    assert_eq!(verdict(&store, open, CODE).await, Verdict::Approved);
}

/// A connection that outlives the change of its server.
#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_left() {
    let server = PostgresServer::start();
    let store = store_at(&server.url(), "test");
    let id = put(&store, record(1)).await;
    server.sql("ALTER ROLE otpmux SET default_transaction_read_only = on");
    server.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'otpmux'",
    );
    let _ = store.health(now()).await;
    let writes = ["create", "check_guess", "approve"];
    let outcomes = every_operation(&store, id).await.into_iter();
    assert_all_fail(outcomes.filter(|it| writes.contains(&it.0)).collect(), "replica");
}
