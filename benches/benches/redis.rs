//! The Redis store against a server that it starts on this machine: the time of a call, and
//! verifications per second, each sent with the default limits and approved, by one caller and by
//! many at once.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stderr, reason = "the caller must know why there is none")]

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use otpmux_benches::{Flows, flow_group};
use otpmux_engine::Policy;
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::RedisServer;

fn redis(criterion: &mut Criterion) {
    if !RedisServer::is_installed() {
        eprintln!("skipped: redis-server is not installed (apt-get install redis-server)");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = RedisServer::start();
    let store = RedisStore::connect([server.url()], Options::default());
    let flows = Flows::on(Arc::new(store.expect("options that can be")), Policy::default());
    flows.calls(criterion, &runtime, "redis");
    let mut group = flow_group(criterion, "redis");
    for callers in [1, 64, 256] {
        server.command(&["FLUSHALL"]);
        flows.by(callers, BenchmarkId::from_parameter(callers), &mut group, &runtime);
    }
    group.finish();
}

criterion_group!(benches, redis);
criterion_main!(benches);
