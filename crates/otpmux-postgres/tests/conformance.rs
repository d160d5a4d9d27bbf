//! The contract of all stores.
#![expect(clippy::expect_used, reason = "a harness that cannot be set up must fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Arguments;
use otpmux_engine::VerificationStore;
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::PostgresServer;

fn main() {
    let arguments = Arguments::from_args();
    let server = PostgresServer::start_with(&["max_connections=400"]);
    let (url, next) = (server.url(), Arc::new(AtomicU32::new(0)));
    // Another schema for each trial.
    let trials = otpmux_testkit::stores::suite("postgres", move || {
        let schema = format!("trial_{}", next.fetch_add(1, Ordering::Relaxed));
        let options = Options::default().with_schema(schema);
        let store = PostgresStore::connect(&url, options).expect("options that can be");
        async move { Arc::new(store) as Arc<dyn VerificationStore> }
    });
    let conclusion = libtest_mimic::run(&arguments, trials);
    // An exit drops nothing, and the server must end.
    drop(server);
    conclusion.exit();
}
