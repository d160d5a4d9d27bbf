//! A server that is down, hangs, or comes back: no code is approved, nothing is sent that is not
//! written, and a step whose answer was lost is carried out once. The stores are impatient: their
//! calls end within a second.
#![expect(clippy::unwrap_used, reason = "a test that fails must panic")]

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, RateLimit, Verdict};
use otpmux_engine::{InFlight, NewVerification, State, VerificationStore, Verify};
use tokio::time::Instant;

use super::{
    CODE, WRONG, assert_all_fail, client, code, every_operation, guess, now, provider, put,
    recipient, record, verdict,
};

/// How long a call may take, and a store to come back, on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// A server that a test stops and starts.
pub trait Server {
    /// Stops it without ending it: connections stay open, without answers.
    fn pause(&self);

    /// Continues it.
    fn resume(&self);

    /// Ends it at once.
    fn kill(&mut self);

    /// Starts it again, with its data.
    fn restart(&mut self);
}

/// A store can be there before its server. `words` are those of an error without a connection.
pub async fn a_store_can_be_there_before_its_server(
    server: &mut impl Server,
    store: &dyn VerificationStore,
    words: &str,
) {
    server.kill();
    let id = record(1).id;
    assert_all_fail(every_operation(store, id).await, words);
    server.restart();
    put(store, record(1)).await;
}

/// A server that keeps its data is killed and started again and again. `words` are in every error.
pub async fn a_server_that_is_down_approves_no_code_and_comes_back_by_itself(
    server: &mut impl Server,
    store: &dyn VerificationStore,
    words: &str,
) {
    let id = put(store, record(1)).await;
    for _ in 0..3 {
        server.kill();
        let begun = Instant::now();
        let outcomes = every_operation(store, id).await;
        assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
        assert_all_fail(outcomes, words);
        server.restart();
        assert_eq!(store.load(id, now()).await.unwrap().unwrap().state, State::Pending);
    }
    assert_eq!(verdict(store, id, CODE).await, Verdict::Approved);
}

/// A server gives no answers for a while. `words` are those of an error without a connection. Returns
/// how many of 50 calls at once may have been carried out.
pub async fn a_call_that_hangs_is_given_up_in_time(
    server: &impl Server,
    store: Arc<dyn VerificationStore>,
    words: &str,
) -> u32 {
    let (other, id) = (put(&*store, record(1)).await, put(&*store, record(2)).await);
    // The server knows the step from now on.
    assert!(store.approve(other, &guess(other, CODE), now()).await.unwrap().is_approved());
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
        // A call without a connection has sent nothing.
        let carried_out = error.detail().contains("may have been carried out");
        assert_eq!(carried_out, error.certainty() == Certainty::Unknown, "{error}");
        assert!(carried_out || error.detail().contains(words), "{error}");
        unknown += u32::from(carried_out);
    }
    // From now on, connections are made, and no answer comes over them.
    let error = store.approve(id, &guess(id, CODE), now()).await.unwrap_err();
    assert!(error.detail().contains(words), "{error}");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    server.resume();
    // The store works again, and the earlier call is carried out once the server goes on.
    let begun = Instant::now();
    loop {
        let record = store.load(id, now()).await;
        if record.is_ok_and(|record| record.unwrap().state == State::Approved) {
            return unknown;
        }
        assert!(begun.elapsed() < LIMIT, "this is why the errors said so");
    }
}

/// The server stalls for longer than a send waits for it, and then carries out the calls that were
/// given up.
pub async fn a_late_creation_blocks_no_other_send(
    server: &impl Server,
    stores: [Arc<dyn VerificationStore>; 2],
) {
    let provider = provider("primary");
    let [first, second] = stores.map(|store| {
        client(store, &[&provider], |policy| {
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
    // The server knows the steps from now on.
    let older = first.send(new()).await.unwrap();
    second.send(NewVerification::to(recipient(2))).await.unwrap();
    let calls = provider.sends.count();
    server.pause();
    for client in [&first, &second] {
        let error = client.send(named()).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::NotSent));
    }
    assert_eq!(provider.sends.count(), calls, "nothing is sent that is not written");
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
    // Two messages before, and this one: those that were given up are not counted.
    let limited = first.send(new()).await.unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::RateLimited, "{limited}");
}

/// The server stalls for longer than the time limit while the right code is checked, and carries it
/// out afterwards. A repeat of the named guess returns the approval, also from another process.
pub async fn a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name(
    server: &impl Server,
    stores: [Arc<dyn VerificationStore>; 2],
) {
    let provider = provider("primary");
    let [here, there] = stores.map(|store| client(store, &[&provider], |_| {}));
    let named = || Verify::new().with_idempotency_key("form 7");
    for named in [named(), Verify::new()] {
        let sent = here.send(NewVerification::to(recipient(1))).await.unwrap();
        let right = code(&provider.otpmux_codes().pop().unwrap());
        // The server knows the step from now on.
        let wrong = code(if right.expose() == WRONG { CODE } else { WRONG });
        assert!(!here.verify(sent.id, &wrong).await.unwrap().is_approved());
        server.pause();
        let error = here.verify_with(sent.id, &right, named.clone()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty(), error.blame()),
            (ErrorKind::Store, Certainty::Unknown, Blame::Internal)
        );
        let text = error.to_string();
        assert!(text.contains("the code may have been checked"), "{text}");
        assert!(!text.contains("nothing was sent"), "{text}");
        server.resume();
        let begun = Instant::now();
        while !here.status(sent.id).await.is_ok_and(|it| it.status.as_str() == "approved") {
            assert!(begun.elapsed() < LIMIT, "it is carried out now that the server goes on");
        }
        if named.idempotency_key.is_none() {
            assert!(text.contains("only a guess with an idempotency key"), "{text}");
            assert_eq!(there.verify(sent.id, &right).await.unwrap(), Verdict::AlreadyUsed);
            continue;
        }
        assert!(text.contains("repeat it with the same idempotency key"), "{text}");
        for client in [&there, &here] {
            let again = client.verify_with(sent.id, &right, named.clone()).await.unwrap();
            assert_eq!(again, Verdict::Approved);
            assert_eq!(client.verify(sent.id, &right).await.unwrap(), Verdict::AlreadyUsed);
            let other = client.verify_with(sent.id, &wrong, named.clone()).await.unwrap_err();
            assert_eq!(
                (other.kind(), other.certainty()),
                (ErrorKind::KeyReused, Certainty::NotSent)
            );
        }
        assert_eq!(here.status(sent.id).await.unwrap().guesses_left, 3, "each counted once");
    }
}
