//! Load on two stores while something goes wrong: what was answered holds, nothing is approved twice,
//! and nothing is counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use otpmux_core::{Certainty, RateLimit, Verdict};
use otpmux_engine::{
    Create, Created, Guessed, LimitHit, LimitKey, LimitScope, State, VerificationId,
    VerificationStore,
};
use otpmux_postgres::PostgresStore;
use otpmux_testkit::PostgresServer;

use crate::world::{
    CODE, WRONG, check, create, guess, keys, limit_key_hex, now, put, recipient, record, verdict,
};

/// More than all flows of a test.
const ROOM: u32 = 1_000_000;

/// Callers that go on until the storm is over.
pub(crate) struct Storm {
    stores: [Arc<PostgresStore>; 2],
    over: Arc<AtomicBool>,
    next: Arc<AtomicU32>,
    callers: Vec<tokio::task::JoinHandle<Vec<Seen>>>,
}

/// What the callers of one verification were answered.
struct Seen {
    id: VerificationId,
    created: bool,
    /// Whether the creation is unknown.
    doubtful: bool,
    approved: u32,
    wrong: u32,
    unknown: u32,
}

impl Storm {
    pub(crate) async fn begin(stores: [Arc<PostgresStore>; 2]) -> Self {
        put(&stores[0], record(900_000)).await;
        let (over, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let callers = (0..8)
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
        Self { stores, over, next, callers }
    }

    /// Waits until so many flows more have begun, however fast the machine is.
    pub(crate) async fn flows(&self, more: u32) {
        let until = self.next.load(Ordering::Relaxed) + more;
        while self.next.load(Ordering::Relaxed) < until {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the callers, and checks what they were answered. Returns how many answers were lost.
    pub(crate) async fn end(self, server: &PostgresServer) -> u32 {
        self.over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for caller in self.callers {
            all.extend(caller.await.unwrap());
        }
        assert!(all.iter().any(|seen| seen.approved == 1));
        let (mut counted, mut doubtful, mut unknown) = (0, 0, 0);
        for seen in &all {
            counted += u32::from(seen.created);
            doubtful += u32::from(seen.doubtful);
            unknown += seen.unknown + u32::from(seen.doubtful);
            seen.assert_true_in(&self.stores[1]).await;
        }
        // The limit has counted each creation once: what was answered, and of the rest at most each.
        let hex = limit_key_hex(&limit().key);
        let hits = server.sql(&format!("SELECT newest FROM test.limits WHERE key = '\\x{hex}'"));
        let hits: u32 = hits.parse().unwrap();
        assert!((counted..=counted + doubtful).contains(&hits), "{hits}: {counted}, {doubtful}");
        unknown
    }
}

impl Seen {
    async fn assert_true_in(&self, store: &PostgresStore) {
        let record = store.load(self.id, now()).await.unwrap();
        assert!(self.approved <= 1, "approved {} times", self.approved);
        let Some(record) = record else {
            assert!(!self.created && self.approved + self.wrong == 0, "an answered one is lost");
            return;
        };
        assert!(self.created || self.doubtful, "one that was not created exists");
        let answered = self.approved + self.wrong;
        assert!(record.guesses >= answered, "{} guesses of {answered}", record.guesses);
        assert!(record.guesses <= answered + self.unknown, "a guess is counted twice");
        if self.approved == 1 {
            assert_eq!(record.state, State::Approved);
            assert_eq!(verdict(store, self.id, CODE).await, Verdict::AlreadyUsed);
        }
        assert!(record.state != State::Approved || self.approved + self.unknown > 0);
    }
}

fn limit() -> LimitHit {
    let key = LimitKey::of_recipient(LimitScope::Global, &keys().hash(&recipient(0)));
    LimitHit { key, windows: [RateLimit::new(ROOM, Duration::from_hours(1))].into() }
}

/// Creates a verification, then guesses four times wrong and four times right, two at a time.
async fn flow(stores: &[Arc<PostgresStore>; 2], number: u32) -> Seen {
    let record = record(number);
    let id = record.id;
    let limit_hits = vec![limit()];
    let (created, doubtful) =
        match stores[0].create(Create { limit_hits, ..create(record) }, now()).await {
            Ok(Created::New(_)) => (true, false),
            Ok(other) => panic!("a new one cannot be {other:?}"),
            Err(error) => (false, error.certainty() == Certainty::Unknown),
        };
    let mut seen = Seen { id, created, doubtful, approved: 0, wrong: 0, unknown: 0 };
    for text in [WRONG, WRONG, CODE, CODE] {
        let guess = guess(id, text);
        let both = stores.each_ref().map(|store| {
            let (store, guess) = (Arc::clone(store), guess.clone());
            tokio::spawn(async move { check(&store, &guess).await })
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
