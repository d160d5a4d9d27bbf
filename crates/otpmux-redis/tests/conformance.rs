//! The contract of all stores, on one server and on a cluster of three.
#![expect(clippy::expect_used, reason = "a harness that cannot be set up must fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::{Arguments, Trial};
use otpmux_engine::VerificationStore;
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::RedisServer;
use otpmux_testkit::stores::Effort;

fn main() {
    let arguments = Arguments::from_args();
    let (server, nodes) = (RedisServer::start(), RedisServer::start_cluster(3));
    let urls: Vec<String> = nodes.iter().map(RedisServer::url).collect();
    let mut trials = suite("redis", vec![server.url()], false, Effort::Full);
    trials.extend(suite("cluster", urls, true, Effort::Quick));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // An exit drops nothing, and these must end.
    drop((server, nodes));
    conclusion.exit();
}

/// Returns the suite, with another namespace for each trial; in a cluster, these are spread over
/// the nodes.
fn suite(name: &'static str, urls: Vec<String>, cluster: bool, effort: Effort) -> Vec<Trial> {
    let next = Arc::new(AtomicU32::new(0));
    otpmux_testkit::stores::suite_with(name, effort, move || {
        let namespace = format!("{name}-{}", next.fetch_add(1, Ordering::Relaxed));
        let mut options = Options::default().with_namespace(namespace);
        options.cluster = cluster;
        let store = RedisStore::connect(&urls, options).expect("options that can be");
        async move { Arc::new(store) as Arc<dyn VerificationStore> }
    })
}
