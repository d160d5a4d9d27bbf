//! Connections that are cut in the middle of a step: it is unknown then, and stays so.

use otpmux_core::{Certainty, Verdict};
use otpmux_engine::{AttemptState, State, VerificationStore};
use otpmux_testkit::{Cut, CuttingProxy, PostgresServer};

use crate::world::{
    CODE, WRONG, behind, check, create, guess, now, put, record, record_outcome, store_at, verdict,
};

#[tokio::test]
async fn a_step_whose_answer_was_cut_off_is_unknown_and_was_carried_out_once() {
    let server = PostgresServer::start();
    let proxy = CuttingProxy::before(server.port()).await;
    let store = store_at(&behind(&proxy), "test");
    let id = put(&store, record(1)).await;

    proxy.cut(Cut::Answer(0));
    let error = check(&store, &guess(id, WRONG)).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown, "{error}");
    assert!(error.detail().contains("may have been carried out"), "{error}");
    assert_eq!(store.load(id, now()).await.unwrap().unwrap().guesses, 1);

    proxy.cut(Cut::Answer(0));
    assert_eq!(check(&store, &guess(id, CODE)).await.unwrap_err().certainty(), Certainty::Unknown);
    assert_eq!(
        verdict(&store, id, CODE).await,
        Verdict::AlreadyUsed,
        "approved once, to no caller"
    );

    proxy.cut(Cut::Answer(0));
    let other = record(2);
    let new = other.id;
    let error = store.create(create(other), now()).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown, "{error}");
    assert_eq!(store.load(new, now()).await.unwrap().unwrap().state, State::Pending);

    proxy.cut(Cut::Answer(0));
    let outcome = record_outcome(AttemptState::Rejected);
    let error = store.record_outcome(new, outcome, now()).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown, "{error}");

    // A step that reads has no effect to be unknown.
    proxy.cut(Cut::Answer(0));
    let error = store.load(new, now()).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::NotSent, "{error}");
}

#[tokio::test]
async fn a_step_that_is_cut_anywhere_is_carried_out_once_or_not_at_all() {
    let server = PostgresServer::start();
    let proxy = CuttingProxy::before(server.port()).await;
    let store = store_at(&behind(&proxy), "test");
    let id = put(&store, otpmux_engine::Record { max_guesses: 1_000, ..record(1) }).await;
    let mut counted = 0;
    for percent in (0..100).step_by(9) {
        for (cut, carried_out) in [(Cut::Request(percent), 0), (Cut::Answer(percent), 1)] {
            // Over a connection that exists: what is cut is the step.
            store.load(id, now()).await.unwrap();
            proxy.cut(cut);
            let error = check(&store, &guess(id, WRONG)).await.unwrap_err();
            assert_eq!(error.certainty(), Certainty::Unknown, "{cut:?}: {error}");
            counted += carried_out;
            let record = store.load(id, now()).await.unwrap().unwrap();
            assert_eq!(record.guesses, counted, "{cut:?}");
        }
    }
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
}

#[tokio::test]
async fn a_connection_that_was_lost_between_steps_costs_no_step() {
    let mut server = PostgresServer::start();
    let proxy = CuttingProxy::before(server.port()).await;
    let store = store_at(&behind(&proxy), "test");
    let id = put(&store, record(1)).await;
    server.restart();
    // The store sees that its connection is closed before it uses it.
    while server.log().matches("starting").count() == 0 {
        tokio::task::yield_now().await;
    }
    let mut unknown = 0;
    while let Err(error) = check(&store, &guess(id, WRONG)).await {
        unknown += u32::from(error.certainty() == Certainty::Unknown);
        assert!(unknown <= 1, "{error}");
    }
    assert_eq!(store.load(id, now()).await.unwrap().unwrap().guesses, 1);
}

#[tokio::test]
async fn without_a_server_nothing_was_sent() {
    let mut server = PostgresServer::start();
    let store = store_at(&server.url(), "test");
    let id = put(&store, record(1)).await;
    server.kill();
    // The first call may still have sent its bytes into the closing connection.
    let _ = check(&store, &guess(id, WRONG)).await;
    let error = check(&store, &guess(id, WRONG)).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::NotSent, "{error}");
    assert!(error.detail().contains("no connection to PostgreSQL: connection refused"), "{error}");
}
