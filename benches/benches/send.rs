//! One send through `OtpClient` and the EasyOTP adapter against a loopback server, compared with a
//! hand-written reqwest call with the same JSON and the same client settings, with the adapter's
//! call alone, and with the same send after a first vendor whose circuit is open.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "the ratio is what this benchmark is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, DeadProvider, Recipients, keys, loopback_vendor};
use otpmux_core::{
    Channel, CodeSource, Context, IdempotencyKey, OsEntropy, OtpProvider, ProviderId, Secret,
    SendRequest,
};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_engine::{ClientBuilder, MemoryStore, NewVerification, OtpClient, Resilience};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

#[derive(Serialize)]
struct Body<'a> {
    channel: &'a str,
    recipient: &'a str,
    expires_in: u64,
    code: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    verification_id: String,
}

fn send(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = format!("http://{}/api/v1", loopback_vendor());

    let by_hand = reqwest::Client::builder()
        .user_agent("by-hand/0")
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .expect("a client");

    let config = EasyOtpConfig::new(url.parse().expect("a base URL"), Secret::new("key"));
    let provider = EasyOtp::new(ProviderId::new("easyotp").expect("a name"), config);
    let easyotp: Arc<dyn OtpProvider> = Arc::new(provider.expect("a provider"));
    let direct = client(&[&easyotp]);
    // The first one's circuit opens after the first few sends.
    let dead: Arc<dyn OtpProvider> = Arc::new(DeadProvider::new("dead"));
    let failing = client(&[&dead, &easyotp]);
    let recipients = Recipients::new();

    let endpoint = format!("{url}/send");
    let hand = async || {
        let to = recipients.next();
        let body = Body { channel: "sms", recipient: to.expose(), expires_in: 300, code: "004217" };
        let answer = by_hand.post(&endpoint).bearer_auth("key").json(&body).send().await;
        let answer = answer.expect("an answer").error_for_status().expect("a success");
        black_box(answer.json::<Answer>().await.expect("an id").verification_id);
    };
    let through = async |client: &OtpClient| {
        black_box(client.send(NewVerification::to(recipients.next().clone())).await.expect("sent"));
    };
    let otpmux = async || through(&direct).await;
    let past = async || through(&failing).await;

    let adapter = async || {
        let code = CodeSource::Otpmux("004217".parse().expect("a code"));
        let mut request = SendRequest::new(recipients.next().clone(), Channel::Sms, code);
        request.ttl = Some(Duration::from_mins(5));
        let cx = Context::new(IdempotencyKey::generate(&OsEntropy).expect("randomness"));
        black_box(easyotp.send(&cx, &request).await.expect("sent"));
    };

    // Machines are noisy, and slower in one minute than in the next. So the four take turns, call
    // by call, each as often first as last, and the medians of one run are compared.
    let mut times = [const { Vec::new() }; 4];
    // As a test, it only has to run.
    let turns = if std::env::args().any(|word| word == "--bench") { 18_000 } else { 30 };
    runtime.block_on(async {
        for turn in 0..turns {
            for place in 0..4 {
                let which = (turn + place) % 4;
                times[which].push(match which {
                    0 => timed(&hand).await,
                    1 => timed(&otpmux).await,
                    2 => timed(&adapter).await,
                    _ => timed(&past).await,
                });
            }
        }
    });
    let [hands, ours, adapters, pasts] = times.map(median);
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    eprintln!(
        "send, taking turns: by hand {hands:?}, otpmux {ours:?}, ratio {:.3}; the adapter alone \
         {adapters:?}, ratio {:.3}; past an open breaker {pasts:?}, ratio to the direct one {:.3}",
        ratio(ours, hands),
        ratio(adapters, hands),
        ratio(pasts, ours)
    );

    let mut group = criterion.benchmark_group("send");
    group.bench_function("by_hand", |bencher| bencher.to_async(&runtime).iter(&hand));
    group.bench_function("otpmux", |bencher| bencher.to_async(&runtime).iter(&otpmux));
    group.finish();
}

fn client(providers: &[&Arc<dyn OtpProvider>]) -> OtpClient {
    let store = Arc::new(MemoryStore::new(100_000));
    let add = |builder: ClientBuilder, provider: &&Arc<dyn OtpProvider>| {
        // More than the real vendor accepts.
        let mut resilience = Resilience::default();
        resilience.requests = Some(Vec::new());
        builder.provider_with(Arc::clone(provider), resilience, None)
    };
    let builder = providers.iter().fold(OtpClient::builder(), add);
    let builder = builder.store(store, keys());
    builder.clock(Arc::new(BusyClock::default())).build().expect("a client")
}

async fn timed(call: &impl AsyncFn()) -> Duration {
    let begun = Instant::now();
    call().await;
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

criterion_group!(benches, send);
criterion_main!(benches);
