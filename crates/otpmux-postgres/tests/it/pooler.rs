//! Behind PgBouncer in transaction mode, where each step may get another connection of the server.

use std::sync::Arc;

use otpmux_core::Verdict;
use otpmux_engine::{NewVerification, VerificationStore};
use otpmux_testkit::PostgresServer;

use crate::world::{
    CODE, WRONG, client, code, every_operation, now, provider, put, recipient, record, store_at,
    verdict,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flows_of_two_processes_share_few_connections() {
    let server = PostgresServer::start();
    let pooler = server.pooler(3);
    let stores = [store_at(&pooler.url(), "test"), store_at(&pooler.url(), "test")];
    let id = put(&stores[0], record(1)).await;
    for store in &stores {
        for (name, outcome) in every_operation(store, id).await {
            outcome.expect(name);
        }
    }
    let vendor = provider("primary");
    let clients = stores.each_ref().map(|store| Arc::new(client(store, &[&vendor], |_| ())));
    let flows: Vec<_> = (0..16)
        .map(|number| {
            let clients = clients.clone();
            tokio::spawn(async move {
                let [here, there] = &clients;
                let sent = here.send(NewVerification::to(recipient(100 + number))).await.unwrap();
                for _ in 0..2 {
                    there.verify(sent.id, &code(WRONG)).await.unwrap();
                }
                here.status(sent.id).await.unwrap().guesses_left
            })
        })
        .collect();
    for flow in flows {
        let left = flow.await.unwrap();
        // One in half a million codes is the one that was typed.
        assert!(left == 3 || left == 4, "{left}");
    }
    let id = put(&stores[0], record(2)).await;
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            tokio::spawn(async move { verdict(&store, id, CODE).await })
        })
        .collect();
    let mut approved = 0;
    for call in calls {
        approved += u32::from(call.await.unwrap() == Verdict::Approved);
    }
    assert_eq!(approved, 1);
    let connections =
        "SELECT count(*) <= 4 FROM pg_stat_activity WHERE backend_type = 'client backend'";
    assert_eq!(server.sql(connections), "t");
    // Nothing stays in a session: neither a statement nor a lock.
    assert_eq!(server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

#[tokio::test]
async fn a_server_that_the_pooler_has_lost_comes_back() {
    let mut server = PostgresServer::start();
    let pooler = server.pooler(3);
    let store = store_at(&pooler.url(), "test");
    let id = put(&store, record(1)).await;
    server.restart();
    let begun = tokio::time::Instant::now();
    while let Err(error) = store.load(id, now()).await {
        assert!(begun.elapsed() < crate::world::LIMIT, "{error}");
    }
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
}
