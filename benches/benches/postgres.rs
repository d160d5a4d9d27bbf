//! The PostgreSQL store against a server that it starts on this machine: the time of a call, and
//! verifications per second, each sent with the default limits and approved, by one caller and by
//! many at once; and the same where all count in one limit.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "its user must know why there is none")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, Recipients, keys};
use otpmux_core::{Capabilities, Channel, Clock, Code, RateLimit, Recipient, Sent};
use otpmux_engine::{NewVerification, OtpClient, Policy, VerificationStore};
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::{PostgresServer, ScriptedProvider};
use tokio::time::Instant;

/// State that callers share.
struct World {
    store: Arc<PostgresStore>,
    client: OtpClient,
    clock: Arc<BusyClock>,
    recipients: Recipients,
    /// The last code of each recipient.
    codes: Arc<Mutex<HashMap<String, Code>>>,
}

impl World {
    fn on(server: &PostgresServer, schema: &str, policy: Policy) -> Self {
        let patience = Duration::from_secs(30);
        let options = Options::default()
            .with_schema(schema)
            .with_connect_timeout(patience)
            .with_answer_timeout(patience);
        let store = PostgresStore::connect(server.url(), options);
        let store = Arc::new(store.expect("options that can be"));
        let (clock, codes) =
            (Arc::new(BusyClock::default()), Arc::<Mutex<HashMap<_, _>>>::default());
        let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        let provider = Arc::new(ScriptedProvider::new("instant", capabilities));
        let sent = Arc::clone(&codes);
        provider.sends.always(move |_, request| {
            let code = request.code.otpmux_code().expect("otpmux's code").clone();
            let mut codes = sent.lock().unwrap_or_else(PoisonError::into_inner);
            codes.insert(request.recipient.expose().to_owned(), code);
            Ok(Sent::new())
        });
        let client = OtpClient::builder()
            .provider(provider.port())
            .store(Arc::<PostgresStore>::clone(&store), keys())
            .clock(Arc::<BusyClock>::clone(&clock))
            .policy(policy)
            .build()
            .expect("a client");
        Self { store, client, clock, recipients: Recipients::new(), codes }
    }

    fn code(&self, of: &Recipient) -> Code {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes[of.expose()].clone()
    }

    /// Runs one verification of a new recipient.
    async fn flow(&self) {
        let to = self.recipients.next();
        let sent = self.client.send(NewVerification::to(to.clone())).await.expect("sent");
        let verdict = self.client.verify(sent.id, &self.code(to)).await.expect("a verdict");
        assert!(verdict.is_approved());
    }
}

/// Returns the time for this many verifications, by this many callers at once.
async fn flows(world: &Arc<World>, callers: u64, count: u64) -> Duration {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers.min(count))
        .map(|caller| {
            let world = Arc::clone(world);
            let own = count / callers + u64::from(caller < count % callers);
            tokio::spawn(async move {
                for _ in 0..own {
                    world.flow().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller that ends");
    }
    begun.elapsed()
}

fn postgres(criterion: &mut Criterion) {
    if !PostgresServer::is_installed() {
        eprintln!("skipped: PostgreSQL is not installed (apt-get install postgresql)");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    // Durable, as a server is by default.
    let server =
        PostgresServer::start_with(&["fsync=on", "shared_buffers=256MB", "max_wal_size=4GB"]);
    let world = Arc::new(World::on(&server, "usual", Policy::default()));

    criterion.bench_function("postgres/send", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let to = world.recipients.next().clone();
            world.client.send(NewVerification::to(to)).await.expect("sent").id
        });
    });
    let to = world.recipients.next().clone();
    let now = world.clock.now();
    let id = runtime.block_on(world.client.send(NewVerification::to(to))).expect("sent").id;
    criterion.bench_function("postgres/load", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            world.store.load(id, now).await.expect("a store that works").expect("a record")
        });
    });

    let mut group = criterion.benchmark_group("postgres/flow");
    group.throughput(Throughput::Elements(1));
    group.sample_size(20).measurement_time(Duration::from_secs(10));
    for callers in [1, 64, 256] {
        group.bench_function(BenchmarkId::from_parameter(callers), |bencher| {
            bencher.to_async(&runtime).iter_custom(|count| {
                let world = Arc::clone(&world);
                async move { flows(&world, callers, count).await }
            });
        });
    }
    // Every message counts in one more limit, the same for all: its hits are rows, and its lock is that
    // of all sends.
    let mut policy = Policy::default();
    policy.limits.global = vec![RateLimit::new(1_000_000, Duration::from_secs(1))];
    let world = Arc::new(World::on(&server, "counted", policy));
    group.bench_function(BenchmarkId::new("global limit", 64), |bencher| {
        bencher.to_async(&runtime).iter_custom(|count| {
            let world = Arc::clone(&world);
            async move { flows(&world, 64, count).await }
        });
    });
    group.finish();
}

criterion_group!(benches, postgres);
criterion_main!(benches);
