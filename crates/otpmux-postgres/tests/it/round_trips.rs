//! Every step is one statement, and so one round trip and one transaction.

use otpmux_engine::{NewVerification, VerificationStore};
use otpmux_testkit::PostgresServer;

use tokio::time::Instant;

use crate::world::{
    LIMIT, client, code, every_operation, now, provider, put, recipient, record, store,
};

/// Returns the functions that the server was asked for since the last call, in order, once there are
/// as many as expected: the server writes its log beside the answers.
fn asked(server: &PostgresServer, before: &mut usize, expected: usize) -> Vec<String> {
    let name = |line: &str| {
        let statement = line.split_once("LOG:  execute <unnamed>: ");
        let statement = statement.or_else(|| line.split_once("LOG:  statement: "))?.1;
        let name = statement.split_once("FROM test.v1_").map_or(statement, |(_, rest)| rest);
        Some(name.split('(').next().unwrap_or_default().to_owned())
    };
    let begun = Instant::now();
    loop {
        let log = server.log();
        let all: Vec<_> = log.lines().filter_map(name).skip(*before).collect();
        if all.len() >= expected {
            *before += all.len();
            return all;
        }
        assert!(begun.elapsed() < LIMIT, "{all:?}");
        std::thread::yield_now();
    }
}

/// Skips everything up to the first call of this function.
fn until(server: &PostgresServer, last: &str) -> usize {
    let mut before = 0;
    while asked(server, &mut before, 1).last().is_none_or(|name| name != last) {}
    before
}

#[tokio::test]
async fn every_operation_is_one_statement() {
    let server = PostgresServer::start_with(&["log_statement=all"]);
    let store = store(&server);
    let id = put(&store, record(1)).await;
    let mut before = until(&server, "create");
    for (name, outcome) in every_operation(&store, id).await {
        outcome.expect(name);
    }
    let names: Vec<_> = every_operation(&store, id).await.into_iter().map(|it| it.0).collect();
    let expected = [&names[..], &names].concat();
    assert_eq!(asked(&server, &mut before, expected.len()), expected);
    store.time().await.unwrap();
    assert_eq!(asked(&server, &mut before, 1), ["time"]);
}

#[tokio::test]
async fn a_send_takes_one_a_verify_one_and_all_outcomes_together_one() {
    let server = PostgresServer::start_with(&["log_statement=all"]);
    let (store, vendor) = (store(&server), provider("primary"));
    let client = client(&store, &[&vendor], |_| ());
    client.send(NewVerification::to(recipient(1))).await.unwrap();
    client.flush().await;
    let mut before = until(&server, "record_accepted");
    let sends: tokio::task::JoinSet<_> = (2..=50)
        .map(|n| {
            let client = client.clone();
            async move { client.send(NewVerification::to(recipient(n))).await.unwrap() }
        })
        .collect();
    sends.join_all().await;
    client.flush().await;
    // The server writes down a statement before it carries it out.
    store.time().await.unwrap();
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "time") {
        names.extend(asked(&server, &mut before, 1));
    }
    let of = |step: &str| names.iter().filter(|name| *name == step).count();
    assert_eq!((of("create"), of("record_outcome")), (49, 0), "{names:?}");
    // How many at a time depends on how busy the machine is.
    assert!((1..40).contains(&of("record_accepted")), "{names:?}");
    let sent = client.send(NewVerification::to(recipient(51))).await.unwrap();
    client.flush().await;
    assert_eq!(asked(&server, &mut before, 2), ["create", "record_accepted"]);
    let right = code(vendor.otpmux_codes().last().unwrap());
    assert!(client.verify(sent.id, &right).await.unwrap().is_approved());
    assert_eq!(asked(&server, &mut before, 1), ["check_guess"]);
    assert!(store.load(sent.id, now()).await.unwrap().is_some());
}
