//! Schemas: made once, also by several processes at the same time; of another version; missing.

use std::sync::Arc;

use otpmux_core::Verdict;
use otpmux_engine::VerificationStore;
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::PostgresServer;

use crate::world::{CODE, assert_all_fail, every_operation, now, put, record, store, verdict};

fn without_migration(server: &PostgresServer) -> Arc<PostgresStore> {
    let options = Options::default().with_schema("test").with_migrate(false);
    Arc::new(PostgresStore::connect(server.url(), options).unwrap())
}

#[tokio::test]
async fn several_processes_make_it_once() {
    let server = PostgresServer::start();
    let calls: Vec<_> = (0..8)
        .map(|number| {
            let store = store(&server);
            tokio::spawn(async move { put(&store, record(number)).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(server.sql("SELECT count(*), sum(newest) FROM test.versions"), "1|1");
    assert_eq!(server.sql("SELECT count(*) FROM test.records"), "8");
}

#[tokio::test]
async fn a_newer_schema_is_used_if_it_allows_that_and_refused_otherwise() {
    let server = PostgresServer::start();
    let id = put(&store(&server), record(1)).await;
    // A newer version has added a column, and its functions.
    server.sql(
        "ALTER TABLE test.records ADD COLUMN more bigint; UPDATE test.versions SET newest = 2",
    );
    let older = store(&server);
    put(&older, record(2)).await;
    assert_eq!(verdict(&older, id, CODE).await, Verdict::Approved);
    server.sql("UPDATE test.versions SET oldest = 2");
    let words = "needs version 2 or later of the store, and this is version 1; upgrade otpmux";
    assert_all_fail(every_operation(&store(&server), id).await, words);
}

#[tokio::test]
async fn an_administrator_can_make_it() {
    let server = PostgresServer::start();
    let id = record(1).id;
    let strict = without_migration(&server);
    assert_all_fail(every_operation(&strict, id).await, "migrate is off");
    let migration = Options::default().with_schema("test").migration().unwrap();
    for _ in 0..2 {
        server.sql(&migration);
    }
    put(&strict, record(1)).await;
}

#[tokio::test]
async fn a_schema_that_is_gone_is_made_again() {
    let server = PostgresServer::start();
    let store = store(&server);
    put(&store, record(1)).await;
    server.sql("DROP SCHEMA test CASCADE");
    let error = store.health(now()).await.unwrap_err();
    assert!(error.detail().contains("the schema is not complete"), "{error}");
    let id = put(&store, record(1)).await;
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
}

#[tokio::test]
async fn two_schemas_of_one_database_know_nothing_of_each_other() {
    let server = PostgresServer::start();
    let (one, other) = (store(&server), crate::world::store_at(&server.url(), "other"));
    let id = put(&one, record(1)).await;
    assert!(other.load(id, now()).await.unwrap().is_none());
    assert_eq!(verdict(&other, id, CODE).await, Verdict::NotFound);
    assert_eq!(verdict(&one, id, CODE).await, Verdict::Approved);
}

#[tokio::test]
async fn transactions_that_would_not_see_each_other_are_refused() {
    let server = PostgresServer::start();
    server.sql("ALTER ROLE otpmux SET default_transaction_isolation = 'repeatable read'");
    let error = store(&server).health(now()).await.unwrap_err();
    assert!(error.detail().contains("set default_transaction_isolation"), "{error}");
}
