//! A server that is killed again and again under load: what was answered holds, nothing is approved
//! twice, and nothing is counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use otpmux_core::{Certainty, RateLimit, Verdict};
use otpmux_engine::{
    Create, Created, Guessed, LimitHit, LimitKey, LimitScope, State, VerificationId,
    VerificationStore,
};
use otpmux_postgres::PostgresStore;
use otpmux_testkit::PostgresServer;
use std::time::Duration;

use crate::world::{CODE, WRONG, guess, impatient, keys, now, recipient, record, verdict};

/// More than all flows of the test.
const ROOM: u32 = 1_000_000;

/// What the callers of one verification were answered.
#[derive(Default)]
struct Seen {
    id: Option<VerificationId>,
    created: bool,
    /// Whether the creation is unknown.
    doubtful: bool,
    approved: u32,
    wrong: u32,
    unknown: u32,
}

fn limit() -> LimitHit {
    let key = LimitKey::of_recipient(LimitScope::Global, &keys().hash(&recipient(0)));
    LimitHit { key, windows: [RateLimit::new(ROOM, Duration::from_hours(1))].into() }
}

/// Creates a verification, then guesses twice wrong and four times right, two at a time.
async fn flow(stores: &[Arc<PostgresStore>; 2], number: u32) -> Seen {
    let record = record(number);
    let id = record.id;
    let mut seen = Seen { id: Some(id), ..Seen::default() };
    let limit_hits = vec![limit()];
    match stores[0].create(Create { limit_hits, ..crate::world::create(record) }, now()).await {
        Ok(Created::New(_)) => seen.created = true,
        Ok(other) => panic!("a new one cannot be {other:?}"),
        Err(error) => seen.doubtful = error.certainty() == Certainty::Unknown,
    }
    for text in [WRONG, WRONG, CODE, CODE] {
        let guess = guess(id, text);
        let both = stores.each_ref().map(|store| {
            let (store, guess) = (Arc::clone(store), guess.clone());
            tokio::spawn(async move { crate::world::check(&store, &guess).await })
        });
        for call in both {
            match call.await.unwrap() {
                Ok(Guessed::Verdict { verdict: Verdict::Approved, .. }) => seen.approved += 1,
                Ok(Guessed::Verdict { verdict: Verdict::WrongCode { .. }, .. }) => seen.wrong += 1,
                Ok(_) => {}
                Err(error) => seen.unknown += u32::from(error.certainty() == Certainty::Unknown),
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_steps_hold_and_nothing_happens_twice() {
    let mut server = PostgresServer::start();
    let stores = [impatient(&server.url()), impatient(&server.url())];
    crate::world::put(&stores[0], record(900_000)).await;
    let (over, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (stores, over, next) = (stores.clone(), Arc::clone(&over), Arc::clone(&next));
            tokio::spawn(async move {
                let mut all = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    all.push(flow(&stores, 1 + next.fetch_add(1, Ordering::Relaxed)).await);
                }
                all
            })
        })
        .collect();
    for round in 1..=4 {
        // Some flows in between, however fast the machine is.
        let until = next.load(Ordering::Relaxed) + 30;
        while next.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.restart();
        assert!(server.log().contains("was not properly shut down"), "round {round}");
    }
    over.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for caller in callers {
        all.extend(caller.await.unwrap());
    }

    let (mut counted, mut doubtful) = (0, 0);
    for seen in &all {
        let id = seen.id.unwrap();
        let record = stores[1].load(id, now()).await.unwrap();
        counted += u32::from(seen.created);
        doubtful += u32::from(seen.doubtful);
        assert!(seen.approved <= 1, "approved {} times", seen.approved);
        let Some(record) = record else {
            assert!(!seen.created && seen.approved + seen.wrong == 0, "an answered one is lost");
            continue;
        };
        assert!(seen.created || seen.doubtful, "one that was not created exists");
        let said = seen.approved + seen.wrong;
        assert!(record.guesses >= said, "{} guesses, {said} were answered", record.guesses);
        assert!(record.guesses <= said + seen.unknown, "a guess is counted twice");
        if seen.approved == 1 {
            assert_eq!(record.state, State::Approved);
            assert_eq!(verdict(&stores[0], id, CODE).await, Verdict::AlreadyUsed);
        }
        assert!(record.state != State::Approved || seen.approved + seen.unknown > 0);
    }
    assert!(all.len() > 100 && all.iter().any(|seen| seen.approved == 1));
    // The limit has counted each creation once: what was answered, and of the rest at most each.
    let hex: String = crate::world::limit_key_hex(&limit().key);
    let hits = server.sql(&format!("SELECT newest FROM test.limits WHERE key = '\\x{hex}'"));
    let hits: u32 = hits.parse().unwrap();
    assert!((counted..=counted + doubtful).contains(&hits), "{hits}: {counted} and {doubtful}");
}
