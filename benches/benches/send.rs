//! One send through `OtpClient` and the EasyOTP adapter against a loopback server, beside a
//! hand-written reqwest call with the same JSON and the same client settings.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::loopback_vendor;
use otpmux_core::{ProviderId, Recipient, Secret};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_engine::{MemoryStore, NewVerification, OtpClient, ServerKeys};
use serde::{Deserialize, Serialize};

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
    // Large enough for every send of the run: none of them expires within it.
    let store = Arc::new(MemoryStore::new(10_000_000));
    let client = OtpClient::builder()
        .provider(Arc::new(provider.expect("a provider")))
        .store(store, keys.expect("a key ring"))
        .build()
        .expect("a client");
    let to: Recipient = "+919876543210".parse().expect("a number");

    let mut group = criterion.benchmark_group("send");
    group.sample_size(200).measurement_time(Duration::from_secs(12));
    let endpoint = format!("{url}/send");
    group.bench_function("by_hand", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let body =
                Body { channel: "sms", recipient: to.expose(), expires_in: 300, code: "004217" };
            let answer = by_hand.post(&endpoint).bearer_auth("key").json(&body).send().await;
            let answer = answer.expect("an answer").error_for_status().expect("a success");
            answer.json::<Answer>().await.expect("an id").verification_id
        });
    });
    group.bench_function("otpmux", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            client.send(NewVerification::to(to.clone())).await.expect("sent").id
        });
    });
    group.finish();
}

criterion_group!(benches, send);
criterion_main!(benches);
