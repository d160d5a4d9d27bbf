//! The `SQLite` store on this machine's disk: verifications per second, each created with its
//! limits, recorded and approved, by 64 callers at once. As in an engine, accepted outcomes are
//! recorded every 50 ms, many at once; each other step is answered when it is durable.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, at_once, flow_group, keys};
use otpmux_core::{
    Channel, Clock, Code, IdempotencyKey, OsEntropy, ProviderId, Purpose, RateLimit, Recipient,
};
use otpmux_engine::{
    AcceptedAttempt, AttemptState, Choice, Create, Created, Guessed, LimitHit, LimitKey,
    LimitScope, Policy, Record, SendAttempt, ServerKeys, State, VerificationId, VerificationStore,
};
use otpmux_sqlite::{Durability, Options, SqliteStore};
use tokio::time::Instant;

const CALLERS: u64 = 64;
/// How long an engine keeps outcomes back.
const OUTCOMES: Duration = Duration::from_millis(50);

/// State that callers share.
struct World {
    store: SqliteStore,
    keys: ServerKeys,
    clock: BusyClock,
    policy: Policy,
    next: AtomicU32,
    /// Outcomes to be recorded.
    accepted: Mutex<Vec<AcceptedAttempt>>,
}

impl World {
    fn open(path: &Path, durability: Durability) -> Self {
        let options = Options::default().with_durability(durability);
        Self {
            store: SqliteStore::open(path, options).expect("a database"),
            keys: keys(),
            clock: BusyClock::default(),
            policy: Policy::default(),
            next: AtomicU32::new(0),
            accepted: Mutex::default(),
        }
    }

    /// Runs one verification of a new recipient, as an engine does.
    async fn flow(&self) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let to: Recipient = format!("+9198{number:08}").parse().expect("a number");
        let code: Code = "004217".parse().expect("a code");
        let now = self.clock.now();
        let record = self.record(&to, &code, now);
        let (id, limit_hits) = (record.id, self.limit_hits(&to, number));
        let created = self
            .store
            .create(Create { record, external: Vec::new(), limit_hits, repeat: false }, now)
            .await;
        assert!(matches!(created, Ok(Created::New(_))));
        self.accepted().push(AcceptedAttempt { id, attempt: 0, reference: None });
        let guesses: Arc<[RateLimit]> = self.policy.limits.guesses.clone().into();
        let guess = self.keys.guess(id, &code).within(guesses);
        let guessed = self.store.check_guess(&guess, now).await.expect("a verdict");
        assert!(matches!(guessed, Guessed::Verdict { verdict, .. } if verdict.is_approved()));
    }

    fn accepted(&self) -> MutexGuard<'_, Vec<AcceptedAttempt>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the outcomes that wait.
    async fn record_accepted(&self) {
        let accepted = std::mem::take(&mut *self.accepted());
        self.store.record_accepted(accepted, self.clock.now()).await.expect("recorded");
    }

    fn record(&self, to: &Recipient, code: &Code, now: std::time::SystemTime) -> Record {
        let id = VerificationId::generate(&OsEntropy).expect("randomness");
        let purpose = Purpose::new("login").expect("a purpose");
        let sealed = self.keys.seal(id, &purpose, &[7; 64], &OsEntropy).expect("randomness");
        let attempt = SendAttempt {
            provider: ProviderId::new("primary").expect("a name"),
            reason: Choice::Preferred,
            channel: Channel::Sms,
            otpmux_code: true,
            key: IdempotencyKey::generate(&OsEntropy).expect("randomness"),
            ends_at: std::time::SystemTime::UNIX_EPOCH,
            state: AttemptState::Intended,
            failure: None,
            reference: None,
            vendor: None,
            delivery: None,
        };
        let mut record = Record {
            id,
            recipient: self.keys.hash(to),
            purpose,
            external: None,
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: Some(6),
            expires_at: now + self.policy.ttl,
            guesses: 0,
            max_guesses: self.policy.max_guesses,
            resends: 0,
            resend_after: now + self.policy.resend_delay,
            due_at: None,
            due_after_end: None,
            escalations: 0,
            sealed,
            send_attempts: vec![attempt],
            skips: Vec::new(),
            request: None,
            events: None,
        };
        record.code = Some(self.keys.sign(&record, code));
        record
    }

    /// Returns the default limits. Some verifications share a client's address and a prefix.
    fn limit_hits(&self, to: &Recipient, number: u32) -> Vec<LimitHit> {
        let limits = &self.policy.limits;
        let limit_hit =
            |key, windows: &Vec<RateLimit>| LimitHit { key, windows: windows[..].into() };
        let other = |scope, label: &str, value: u32| {
            let hash = self.keys.tag(label, &value.to_be_bytes());
            LimitKey { scope, hash }
        };
        let hash = self.keys.hash(to);
        vec![
            limit_hit(LimitKey::of_recipient(LimitScope::Recipient, &hash), &limits.recipient),
            limit_hit(other(LimitScope::Ip, "client", number / 10), &limits.ip),
            limit_hit(other(LimitScope::NumberRange, "prefix", number / 40), &limits.number_range),
        ]
    }
}

/// Returns the time for this many verifications.
async fn flows(world: &Arc<World>, count: u64) -> Duration {
    let begun = Instant::now();
    let outcomes = tokio::spawn({
        let world = Arc::clone(world);
        async move {
            let mut ticks = tokio::time::interval(OUTCOMES);
            loop {
                ticks.tick().await;
                world.record_accepted().await;
            }
        }
    });
    at_once(world, CALLERS, count, |it| async move { it.flow().await }).await;
    outcomes.abort();
    world.record_accepted().await;
    begun.elapsed()
}

fn sqlite(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a new directory");
    let mut group = flow_group(criterion, "sqlite");
    for durability in [Durability::Power, Durability::Process] {
        let name = format!("{durability:?}");
        let world = Arc::new(World::open(&folder.path().join(&name), durability));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.to_async(&runtime).iter_custom(|count| {
                let world = Arc::clone(&world);
                async move { flows(&world, count).await }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sqlite);
criterion_main!(benches);
