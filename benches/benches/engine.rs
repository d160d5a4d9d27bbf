//! The engine's own cost: a provider that answers at once, and the memory store, with all default
//! layers and limits.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, DeadProvider, InstantProvider, Recipients, keys};
use otpmux_core::{Code, OtpProvider, Recipient};
use otpmux_engine::{
    ClientBuilder, LocalizedText, MemoryStore, MessageLimits, MessageSettings, Messages,
    NewVerification, OtpClient, Policy, VerificationId,
};

/// The same allocator as the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn client(providers: &[&Arc<dyn OtpProvider>], policy: Policy) -> OtpClient {
    client_with(providers, policy, None)
}

fn client_with(
    providers: &[&Arc<dyn OtpProvider>],
    policy: Policy,
    messages: Option<Messages>,
) -> OtpClient {
    let add = |builder: ClientBuilder, provider: &&Arc<dyn OtpProvider>| {
        builder.provider(Arc::clone(provider))
    };
    let builder = providers.iter().fold(OtpClient::builder(), add);
    let builder = match messages {
        Some(messages) => builder.messages(messages),
        None => builder,
    };
    let builder = builder.policy(policy).clock(Arc::new(BusyClock::default()));
    builder.store(Arc::new(MemoryStore::new(10_000_000)), keys()).build().expect("a client")
}

async fn send(client: &OtpClient, to: &Recipient) -> VerificationId {
    client.send(NewVerification::to(to.clone())).await.expect("sent").id
}

fn engine(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let to = Recipients::new();
    let instant: Arc<dyn OtpProvider> = Arc::new(InstantProvider::new("instant"));
    let dead: Arc<dyn OtpProvider> = Arc::new(DeadProvider::new("dead"));

    let direct = client(&[&instant], Policy::default());
    criterion.bench_function("engine/send", |bencher| {
        bencher.to_async(&runtime).iter(|| send(&direct, to.next()));
    });

    // The difference is the cost of the limits.
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let unlimited = client(&[&instant], policy);
    criterion.bench_function("engine/send-without-limits", |bencher| {
        bencher.to_async(&runtime).iter(|| send(&unlimited, to.next()));
    });

    // The difference is the cost of the text: chosen, rendered, and kept for a resend.
    let given: Arc<dyn OtpProvider> = Arc::new(InstantProvider::new("given").with_message());
    let settings = MessageSettings::new("Acme").variable("name", 20).texts(
        "login".parse().expect("a purpose"),
        "en".parse().expect("a locale"),
        LocalizedText::new("{name}, {code} is your {app} code for {minutes} min."),
    );
    let messages = Messages::new(&settings).expect("messages");
    let speaking = client_with(&[&given], Policy::default(), Some(messages));
    criterion.bench_function("engine/send-with-a-text", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            let new = NewVerification::to(to.next().clone()).with_variable("name", "Ann");
            let new = new.for_purpose("login".parse().expect("a purpose"));
            speaking.send(new).await.expect("sent").id
        });
    });

    // The circuit opens after the first few sends and stays open: its clock hardly moves.
    let failing = client(&[&dead, &instant], Policy::default());
    criterion.bench_function("engine/send-past-an-open-breaker", |bencher| {
        bencher.to_async(&runtime).iter(|| send(&failing, to.next()));
    });

    let verifying = client(&[&instant], Policy::default());
    let wrong: Code = "000000".parse().expect("a code");
    criterion.bench_function("engine/verify", |bencher| {
        bencher.to_async(&runtime).iter_custom(|rounds| {
            let (client, to, wrong) = (&verifying, &to, &wrong);
            async move {
                // Each verification is tried once, so that every step runs.
                let mut took = Duration::ZERO;
                let mut ids = Vec::with_capacity(1_000);
                let mut left = rounds;
                while left > 0 {
                    ids.clear();
                    while ids.len() < 1_000 && (ids.len() as u64) < left {
                        ids.push(send(client, to.next()).await);
                    }
                    let begun = now();
                    for id in &ids {
                        client.verify(*id, wrong).await.expect("a verdict");
                    }
                    took += begun.elapsed();
                    left -= ids.len() as u64;
                }
                took
            }
        });
    });
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

criterion_group!(benches, engine);
criterion_main!(benches);
