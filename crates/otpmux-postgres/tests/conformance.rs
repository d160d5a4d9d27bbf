//! The contract of all stores: on a server, and behind PgBouncer in transaction mode, where each step
//! may get another connection of the server.
#![expect(clippy::expect_used, reason = "a harness that cannot be set up must fail")]

use std::sync::{Arc, Mutex};
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
    let server = Arc::new(PostgresServer::start_with(&["max_connections=400"]));
    let pooler = server.pooler(16);
    let mut trials = suite("postgres", &server, server.url(), Effort::Full);
    trials.extend(suite("pgbouncer", &server, pooler.url(), Effort::Quick));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // An exit drops nothing, and these must end.
    drop((pooler, server));
    conclusion.exit();
}

/// Returns the suite. Trials that run at the same time have different schemas.
fn suite(
    name: &'static str,
    server: &Arc<PostgresServer>,
    url: String,
    effort: Effort,
) -> Vec<Trial> {
    let schemas =
        Arc::new(Schemas { name, server: Arc::clone(server), url, made: Mutex::default() });
    otpmux_testkit::stores::suite_with(name, effort, move || {
        let store = schemas.empty();
        async move { store as Arc<dyn VerificationStore> }
    })
}

/// The schemas of a suite. Making one, and reading its functions in every new session behind a pooler, takes
/// longer than most trials do, so a trial gets one that an earlier trial has left, emptied.
struct Schemas {
    name: &'static str,
    server: Arc<PostgresServer>,
    url: String,
    /// The store of the last trial of each.
    made: Mutex<Vec<Arc<PostgresStore>>>,
}

impl Schemas {
    fn empty(&self) -> Arc<PostgresStore> {
        let mut made = self.made.lock().expect("no trial panics here");
        let free = made.iter().position(|store| Arc::strong_count(store) == 1);
        let schema = format!("{}_{}", self.name, free.unwrap_or(made.len()));
        // A busy machine is no fault of the store: many calls at once wait for few connections.
        let options = Options::default()
            .with_schema(&schema)
            .with_connect_timeout(PATIENCE)
            .with_answer_timeout(PATIENCE);
        let store = PostgresStore::connect(&self.url, options).expect("options that can be");
        let store = Arc::new(store);
        if let Some(free) = free {
            self.server.sql(&EMPTY.replace("{schema}", &schema));
            made[free] = Arc::clone(&store);
        } else {
            made.push(Arc::clone(&store));
        }
        store
    }
}

/// Empties the tables that hold something. It waits for statements that still run.
const EMPTY: &str = "DO $$ DECLARE written regclass; BEGIN
  FOR written IN
    SELECT format('%I.%I', schemaname, tablename)::regclass FROM pg_tables
    WHERE schemaname = '{schema}' AND tablename <> 'versions'
  LOOP
    IF pg_relation_size(written) > 0 THEN EXECUTE format('TRUNCATE %s', written); END IF;
  END LOOP;
END $$";
