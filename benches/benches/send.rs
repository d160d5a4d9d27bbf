//! One send through `OtpClient` and the EasyOTP adapter against a loopback server, beside a
//! hand-written reqwest call with the same JSON and the same client settings.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "the ratio is what this benchmark is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, loopback_vendor};
use otpmux_core::{ProviderId, Recipient, Secret};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_engine::{MemoryStore, NewVerification, OtpClient, ServerKeys};
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
    let keys = ServerKeys::new(&[("a".to_owned(), Secret::new("k".repeat(32)))]);
    let store = Arc::new(MemoryStore::new(100_000));
    let client = OtpClient::builder()
        .provider(Arc::new(provider.expect("a provider")))
        .store(store, keys.expect("a key ring"))
        .clock(Arc::new(BusyClock::default()))
        .build()
        .expect("a client");
    let to: Recipient = "+919876543210".parse().expect("a number");

    let endpoint = format!("{url}/send");
    let hand = async || {
        let body = Body { channel: "sms", recipient: to.expose(), expires_in: 300, code: "004217" };
        let answer = by_hand.post(&endpoint).bearer_auth("key").json(&body).send().await;
        let answer = answer.expect("an answer").error_for_status().expect("a success");
        black_box(answer.json::<Answer>().await.expect("an id").verification_id);
    };
    let otpmux = async || {
        black_box(client.send(NewVerification::to(to.clone())).await.expect("sent"));
    };

    // Machines are noisy, and slower in one minute than in the next. So the two take turns, call by
    // call, and the medians of one run are compared.
    let (hands, ours) = runtime.block_on(async {
        let (mut hands, mut ours) = (Vec::new(), Vec::new());
        for turn in 0..12_000 {
            let (by_hand, by_otpmux) = if turn % 2 == 0 {
                (timed(&hand).await, timed(&otpmux).await)
            } else {
                let by_otpmux = timed(&otpmux).await;
                (timed(&hand).await, by_otpmux)
            };
            hands.push(by_hand);
            ours.push(by_otpmux);
        }
        (median(hands), median(ours))
    });
    let ratio = ours.as_secs_f64() / hands.as_secs_f64();
    eprintln!("send, taking turns: by hand {hands:?}, otpmux {ours:?}, ratio {ratio:.3}");

    let mut group = criterion.benchmark_group("send");
    group.bench_function("by_hand", |bencher| bencher.to_async(&runtime).iter(&hand));
    group.bench_function("otpmux", |bencher| bencher.to_async(&runtime).iter(&otpmux));
    group.finish();
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
