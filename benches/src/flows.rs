use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use otpmux_core::{Capabilities, Channel, Clock, Code, Recipient, Sent};
use otpmux_engine::{NewVerification, OtpClient, Policy, VerificationStore};
use otpmux_testkit::ScriptedProvider;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::{BusyClock, Recipients, keys};

/// Verifications of new recipients on one store, each sent at once and approved, with the limits of a
/// policy.
#[derive(Debug)]
pub struct Flows {
    store: Arc<dyn VerificationStore>,
    client: OtpClient,
    clock: Arc<BusyClock>,
    recipients: Recipients,
    /// The last code of each recipient.
    codes: Arc<Mutex<HashMap<String, Code>>>,
}

impl Flows {
    /// Returns verifications that callers share.
    ///
    /// # Panics
    ///
    /// If the policy is not one that a client can have.
    pub fn on(store: Arc<dyn VerificationStore>, policy: Policy) -> Arc<Self> {
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
            .store(Arc::clone(&store), keys())
            .clock(Arc::<BusyClock>::clone(&clock))
            .policy(policy)
            .build()
            .expect("a client");
        Arc::new(Self { store, client, clock, recipients: Recipients::new(), codes })
    }

    fn code(&self, of: &Recipient) -> Code {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes[of.expose()].clone()
    }

    /// Runs one verification of a new recipient.
    async fn run(&self) {
        let to = self.recipients.next();
        let sent = self.client.send(NewVerification::to(to.clone())).await.expect("sent");
        let verdict = self.client.verify(sent.id, &self.code(to)).await.expect("a verdict");
        assert!(verdict.is_approved());
    }

    /// Measures the time of a send, and of a step that reads one record.
    ///
    /// # Panics
    ///
    /// If a call fails.
    pub fn calls(&self, criterion: &mut Criterion, runtime: &Runtime, store: &str) {
        criterion.bench_function(&format!("{store}/send"), |bencher| {
            bencher.to_async(runtime).iter(|| async {
                let to = self.recipients.next().clone();
                self.client.send(NewVerification::to(to)).await.expect("sent").id
            });
        });
        let to = self.recipients.next().clone();
        let now = self.clock.now();
        let id = runtime.block_on(self.client.send(NewVerification::to(to))).expect("sent").id;
        criterion.bench_function(&format!("{store}/load"), |bencher| {
            bencher.to_async(runtime).iter(|| async {
                self.store.load(id, now).await.expect("a store that works").expect("a record")
            });
        });
    }

    /// Measures verifications per second, by this many callers at once.
    ///
    /// # Panics
    ///
    /// If a call fails.
    pub fn by(
        self: &Arc<Self>,
        callers: u64,
        id: BenchmarkId,
        group: &mut BenchmarkGroup<'_, WallTime>,
        runtime: &Runtime,
    ) {
        group.bench_function(id, |bencher| {
            bencher.to_async(runtime).iter_custom(|count| {
                let flows = Arc::clone(self);
                async move { at_once(&flows, callers, count, |it| async move { it.run().await }).await }
            });
        });
    }
}

/// Returns a group of benchmarks of verifications per second.
pub fn flow_group<'a>(criterion: &'a mut Criterion, store: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(format!("{store}/flow"));
    group.throughput(Throughput::Elements(1));
    group.sample_size(20).measurement_time(Duration::from_secs(10));
    group
}

/// Returns the time for this many runs, by this many callers at once.
///
/// # Panics
///
/// If a run panics.
pub async fn at_once<W, F>(
    world: &Arc<W>,
    callers: u64,
    count: u64,
    run: fn(Arc<W>) -> F,
) -> Duration
where
    W: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers.min(count))
        .map(|caller| {
            let world = Arc::clone(world);
            let own = count / callers + u64::from(caller < count % callers);
            tokio::spawn(async move {
                for _ in 0..own {
                    run(Arc::clone(&world)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller that ends");
    }
    begun.elapsed()
}
