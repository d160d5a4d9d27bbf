//! The Redis store against a server that it starts on this machine: the time of a call, and
//! verifications per second, each sent with the default limits and approved, by one caller and by
//! many at once.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "the caller must know why there is none")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, Recipients, keys};
use otpmux_core::{Capabilities, Channel, Clock, Code, Recipient, Sent};
use otpmux_engine::{NewVerification, OtpClient, VerificationStore};
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::{RedisServer, ScriptedProvider};
use tokio::time::Instant;

/// State that callers share.
struct World {
    store: Arc<RedisStore>,
    client: OtpClient,
    clock: Arc<BusyClock>,
    recipients: Recipients,
    /// The last code of each recipient.
    codes: Arc<Mutex<HashMap<String, Code>>>,
}

impl World {
    fn on(server: &RedisServer) -> Self {
        let store = RedisStore::connect([server.url()], Options::default());
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
            .store(Arc::<RedisStore>::clone(&store), keys())
            .clock(Arc::<BusyClock>::clone(&clock))
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

fn redis(criterion: &mut Criterion) {
    if !RedisServer::is_installed() {
        eprintln!("skipped: redis-server is not installed (apt-get install redis-server)");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = RedisServer::start();
    let world = Arc::new(World::on(&server));

    criterion.bench_function("redis/send", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let to = world.recipients.next().clone();
            world.client.send(NewVerification::to(to)).await.expect("sent").id
        });
    });
    let to = world.recipients.next().clone();
    let now = world.clock.now();
    let id = runtime.block_on(world.client.send(NewVerification::to(to))).expect("sent").id;
    criterion.bench_function("redis/load", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            world.store.load(id, now).await.expect("a store that works").expect("a record")
        });
    });

    let mut group = criterion.benchmark_group("redis/flow");
    group.throughput(Throughput::Elements(1));
    group.sample_size(20).measurement_time(Duration::from_secs(10));
    for callers in [1, 64, 256] {
        server.command(&["FLUSHALL"]);
        group.bench_function(BenchmarkId::from_parameter(callers), |bencher| {
            bencher.to_async(&runtime).iter_custom(|count| {
                let world = Arc::clone(&world);
                async move { flows(&world, callers, count).await }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, redis);
criterion_main!(benches);
