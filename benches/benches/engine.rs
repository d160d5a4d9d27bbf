//! The engine's own part: a provider that answers at once, and the memory store.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use otpmux_benches::{BusyClock, InstantProvider};
use otpmux_core::{Code, Recipient, Secret};
use otpmux_engine::{MemoryStore, NewVerification, OtpClient, ServerKeys};

fn client() -> OtpClient {
    let keys = ServerKeys::new(&[("a".to_owned(), Secret::new("k".repeat(32)))]);
    let store = Arc::new(MemoryStore::new(100_000));
    OtpClient::builder()
        .provider(Arc::new(InstantProvider::new("instant")))
        .store(store, keys.expect("a key ring"))
        .clock(Arc::new(BusyClock::default()))
        .build()
        .expect("a client")
}

fn engine(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let to: Recipient = "+919876543210".parse().expect("a number");
    let client = client();

    criterion.bench_function("engine/send", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            client.send(NewVerification::to(to.clone())).await.expect("sent").id
        });
    });

    // On a clock that stands still for it.
    let client = OtpClient::builder()
        .provider(Arc::new(InstantProvider::new("instant")))
        .build()
        .expect("a client");
    let sent = runtime.block_on(client.send(NewVerification::to(to))).expect("sent");
    let wrong: Code = "000000".parse().expect("a code");
    criterion.bench_function("engine/verify", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            // Locked after five: still every step but the comparison.
            client.verify(sent.id, &wrong).await.expect("a verdict")
        });
    });
}

criterion_group!(benches, engine);
criterion_main!(benches);
