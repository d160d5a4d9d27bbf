//! The PostgreSQL store against a server that it starts on this machine: the time of a call, and
//! verifications per second, each sent with the default limits and approved, by one caller and by
//! many at once; and the same where all count in one limit.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "its user must know why there is none")]

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use otpmux_benches::{Flows, flow_group};
use otpmux_core::RateLimit;
use otpmux_engine::Policy;
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::PostgresServer;

fn flows(server: &PostgresServer, schema: &str, policy: Policy) -> Arc<Flows> {
    let patience = Duration::from_secs(30);
    let options = Options::default()
        .with_schema(schema)
        .with_connect_timeout(patience)
        .with_answer_timeout(patience);
    let store = PostgresStore::connect(server.url(), options).expect("options that can be");
    Flows::on(Arc::new(store), policy)
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
    let usual = flows(&server, "usual", Policy::default());
    usual.calls(criterion, &runtime, "postgres");
    let mut group = flow_group(criterion, "postgres");
    for callers in [1, 64, 256] {
        usual.by(callers, BenchmarkId::from_parameter(callers), &mut group, &runtime);
    }
    // Every message counts in one more limit, the same for all: its hits are rows, and its lock is that
    // of all sends.
    let mut policy = Policy::default();
    policy.limits.global = vec![RateLimit::new(1_000_000, Duration::from_secs(1))];
    let counted = flows(&server, "counted", policy);
    counted.by(64, BenchmarkId::new("global limit", 64), &mut group, &runtime);
    group.finish();
}

criterion_group!(benches, postgres);
criterion_main!(benches);
