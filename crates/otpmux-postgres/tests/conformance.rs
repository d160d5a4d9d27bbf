//! The contract of all stores: on a server, and behind PgBouncer in transaction mode, where each step
//! may get another connection of the server.
#![expect(clippy::expect_used, reason = "a harness that cannot be set up must fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use otpmux_engine::VerificationStore;
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::PostgresServer;
use otpmux_testkit::stores::Effort;

/// How long a call waits for a connection, and for its answer.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let arguments = Arguments::from_args();
    let server = PostgresServer::start_with(&["max_connections=400"]);
    let pooler = server.pooler(16);
    let mut trials = suite("postgres", server.url(), Effort::Full);
    trials.extend(suite("pgbouncer", pooler.url(), Effort::Quick));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // An exit drops nothing, and these must end.
    drop((pooler, server));
    conclusion.exit();
}

/// Returns the suite, with another schema for each trial.
fn suite(name: &'static str, url: String, effort: Effort) -> Vec<Trial> {
    let next = Arc::new(AtomicU32::new(0));
    otpmux_testkit::stores::suite_with(name, effort, move || {
        let schema = format!("{name}_{}", next.fetch_add(1, Ordering::Relaxed));
        // A busy machine is no fault of the store: many calls at once wait for few connections.
        let options = Options::default()
            .with_schema(schema)
            .with_connect_timeout(PATIENCE)
            .with_answer_timeout(PATIENCE);
        let store = PostgresStore::connect(&url, options).expect("options that can be");
        async move { Arc::new(store) as Arc<dyn VerificationStore> }
    })
}
