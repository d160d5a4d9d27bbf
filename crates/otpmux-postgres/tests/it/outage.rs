//! A server that is down, hangs, or comes back.

use std::sync::Arc;

use otpmux_core::{Blame, Certainty, ErrorKind, RateLimit, Verdict};
use otpmux_engine::{InFlight, NewVerification, State, VerificationStore, Verify};
use otpmux_testkit::PostgresServer;
use std::time::Duration;
use tokio::time::Instant;

use crate::world::{
    CODE, LIMIT, WRONG, assert_all_fail, client, code, every_operation, guess, impatient, now,
    provider, put, recipient, record, store, verdict,
};

#[tokio::test]
async fn a_store_can_be_there_before_its_server() {
    let mut server = PostgresServer::start();
    let store = store(&server);
    server.kill();
    let id = record(1).id;
    assert_all_fail(every_operation(&store, id).await, "no connection to PostgreSQL");
    server.restart();
    put(&store, record(1)).await;
}

#[tokio::test]
async fn a_server_that_is_down_approves_no_code_and_comes_back_by_itself() {
    let mut server = PostgresServer::start();
    let store = impatient(&server.url());
    let id = put(&store, record(1)).await;
    for _ in 0..3 {
        server.kill();
        assert_all_fail(every_operation(&store, id).await, "PostgreSQL");
        server.restart();
        assert_eq!(store.load(id, now()).await.unwrap().unwrap().state, State::Pending);
    }
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time() {
    let server = PostgresServer::start();
    let store = impatient(&server.url());
    let id = put(&store, record(1)).await;
    server.pause();
    let begun = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.approve(id, &guess(id, CODE), now()).await })
        })
        .collect();
    let mut unknown = 0;
    for call in calls {
        let error = call.await.unwrap().expect_err("the server gives no answer");
        assert_eq!(error.kind(), ErrorKind::Store);
        // One has a connection; the others have none, and sent nothing.
        let carried_out = error.detail().contains("may have been carried out");
        assert_eq!(carried_out, error.certainty() == Certainty::Unknown, "{error}");
        assert!(carried_out || error.detail().contains("no connection to PostgreSQL"), "{error}");
        unknown += u32::from(carried_out);
    }
    assert_eq!(unknown, 1);
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    server.resume();
    // The store works again, and the earlier call is carried out once the server continues.
    let begun = Instant::now();
    loop {
        let record = store.load(id, now()).await;
        if record.is_ok_and(|record| record.unwrap().state == State::Approved) {
            break;
        }
        assert!(begun.elapsed() < LIMIT, "this is why the error said so");
    }
}

/// The server stalls for longer than a send waits for it, and then carries out the calls that were
/// given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_blocks_no_other_one() {
    let server = PostgresServer::start();
    let provider = provider("primary");
    let [first, second] = [(); 2].map(|()| {
        client(&impatient(&server.url()), &[&provider], |policy| {
            policy.resend_delay = Duration::from_mins(5);
            policy.limits.global = vec![RateLimit::new(3, Duration::from_hours(1))];
        })
    });
    let new = || NewVerification::to(recipient(1));
    let named = || {
        let mut named = new().with_idempotency_key("k");
        named.options.in_flight = InFlight::Refuse;
        named
    };
    let older = first.send(new()).await.unwrap();
    second.send(NewVerification::to(recipient(2))).await.unwrap();
    let calls = provider.sends.count();
    server.pause();
    for client in [&first, &second] {
        let error = client.send(named()).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::NotSent));
    }
    assert_eq!(provider.sends.count(), calls, "nothing is sent that is not written down");
    server.resume();
    let begun = Instant::now();
    let typed = code(&provider.otpmux_codes()[0]);
    while !first.verify(older.id, &typed).await.is_ok_and(|verdict| verdict.is_approved()) {
        assert!(begun.elapsed() < LIMIT, "the code that the user holds is as good as it was");
    }
    let sent = loop {
        match second.send(named()).await {
            Ok(sent) => break sent,
            Err(error) => {
                assert!(begun.elapsed() < LIMIT, "{error}");
                let left = error.retry_after().unwrap_or_default();
                assert!(left <= Duration::from_secs(20), "longer than a send can last: {error}");
            }
        }
    };
    assert!(sent.confirmed, "{sent:?}");
    assert_eq!(first.send(named()).await.unwrap().id, sent.id);
    assert_eq!(provider.sends.count(), calls + 1);
    // Two messages before, and this one: the given-up ones are not counted.
    let limited = first.send(new()).await.unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::RateLimited, "{limited}");
}

/// The server stalls for longer than the time limit while the right code is checked, and carries it
/// out afterwards. A repeat of the named guess returns the approval, also from another process.
#[tokio::test]
async fn a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name() {
    let server = PostgresServer::start();
    let provider = provider("ours");
    let stores = [impatient(&server.url()), impatient(&server.url())];
    let [here, there] = [0, 1].map(|at| client(&stores[at], &[&provider], |_| {}));
    let named = Verify::new().with_idempotency_key("form 7");
    let sent = here.send(NewVerification::to(recipient(1))).await.unwrap();
    let right = code(&provider.otpmux_codes().pop().unwrap());
    let wrong = code(if right.expose() == WRONG { CODE } else { WRONG });
    assert!(!here.verify(sent.id, &wrong).await.unwrap().is_approved());
    server.pause();
    let error = here.verify_with(sent.id, &right, named.clone()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.certainty(), error.blame()),
        (ErrorKind::Store, Certainty::Unknown, Blame::Internal)
    );
    server.resume();
    let begun = Instant::now();
    while !here.status(sent.id).await.is_ok_and(|it| it.status.as_str() == "approved") {
        assert!(begun.elapsed() < LIMIT, "it is carried out now that the server goes on");
    }
    for client in [&there, &here] {
        let again = client.verify_with(sent.id, &right, named.clone()).await.unwrap();
        assert_eq!(again, Verdict::Approved);
        assert_eq!(client.verify(sent.id, &right).await.unwrap(), Verdict::AlreadyUsed);
        let other = client.verify_with(sent.id, &wrong, named.clone()).await.unwrap_err();
        assert_eq!((other.kind(), other.certainty()), (ErrorKind::KeyReused, Certainty::NotSent));
    }
    assert_eq!(here.status(sent.id).await.unwrap().guesses_left, 3, "each counted once");
}
