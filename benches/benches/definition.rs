//! One send at the same vendor, by the adapter in Rust and by a definition: what it costs that the
//! request and the reading are data. Both make the same request to a loopback server.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "the ratio is what this benchmark is for")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::{Recipients, loopback_vendor};
use otpmux_core::{
    Channel, Code, CodeSource, Context, IdempotencyKey, OtpProvider, ProviderId, Secret,
    SendRequest,
};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_generic_http::{Definition, HttpProvider};
use otpmux_http::HttpSettings;
use tokio::time::Instant;

const DEFINITION: &str = r#"
auth.bearer = "{setting.api_key}"
limits.code_length = "4-10"
channels.sms = {}
send.path = "/send"
send.json = { channel = "sms", recipient = "{to}", "message?" = "{text}", expires_in = 300, code = "{code}" }
success.status = [200, 201]
success.require = [{ pointer = "/success", equals = true }]
success.reference = { pointer = "/verification_id" }
success.request_id = { pointer = "/request_id" }
"#;

fn definition(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = format!("http://{}/api/v1", loopback_vendor());
    let config = EasyOtpConfig::new(url.parse().expect("a base URL"), Secret::new("key"));
    let by_hand = EasyOtp::new(ProviderId::new("hand").expect("a name"), config);
    let by_hand = by_hand.expect("a provider");
    let mut http = HttpSettings::default();
    http.base_url = Some(url);
    let definition = Definition::from_toml(DEFINITION).expect("a definition");
    let as_data = HttpProvider::builder(definition).secret("api_key", "key").http(http);
    let as_data = as_data.build("data").expect("a provider");
    let recipients = Recipients::new();

    let send = async |provider: &dyn OtpProvider| {
        let code: Code = "004217".parse().expect("a code");
        let to = recipients.next().clone();
        let mut request = SendRequest::new(to, Channel::Sms, CodeSource::Otpmux(code));
        request.ttl = Some(Duration::from_secs(300));
        let cx = Context::new(IdempotencyKey::from_random([7; 16]));
        black_box(provider.send(&cx, &request).await.expect("sent"));
    };
    let hand = async || send(&by_hand).await;
    let data = async || send(&as_data).await;

    // They take turns, call by call, as in the benchmark `send`.
    let mut times = [const { Vec::new() }; 2];
    let turns = if std::env::args().any(|word| word == "--bench") { 20_000 } else { 30 };
    runtime.block_on(async {
        for turn in 0..turns {
            for place in 0..2 {
                let which = (turn + place) % 2;
                let begun = Instant::now();
                if which == 0 {
                    hand().await;
                } else {
                    data().await;
                }
                times[which].push(begun.elapsed());
            }
        }
    });
    let [hands, definitions] = times.map(median);
    eprintln!(
        "a send, taking turns: adapter {hands:?}, definition {definitions:?}, ratio {:.3} (goal: 1.15)",
        definitions.as_secs_f64() / hands.as_secs_f64()
    );

    let mut group = criterion.benchmark_group("definition");
    group.bench_function("adapter", |bencher| bencher.to_async(&runtime).iter(&hand));
    group.bench_function("definition", |bencher| bencher.to_async(&runtime).iter(&data));
    group.finish();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

criterion_group!(benches, definition);
criterion_main!(benches);
