//! Shared parts of these tests: stores, records, and helpers.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Code, Error, Verdict};
use otpmux_engine::{
    Guess, Guessed, OtpClient, Policy, Record, ServerKeys, VerificationId, VerificationStore,
};
use otpmux_postgres::{Options, PostgresStore};
pub(crate) use otpmux_testkit::shared_store::{
    CODE, WRONG, assert_all_fail, code, create, guess, keys, now, provider, recipient, record,
    record_outcome,
};
use otpmux_testkit::{CuttingProxy, PostgresServer, ScriptedProvider, shared_store};

/// Returns a store on a server, in the schema `test`.
pub(crate) fn store(server: &PostgresServer) -> Arc<PostgresStore> {
    store_at(&server.url(), "test")
}

pub(crate) fn store_at(url: &str, schema: &str) -> Arc<PostgresStore> {
    // A busy machine is no fault of the server.
    let options = Options::default()
        .with_schema(schema)
        .with_connect_timeout(LIMIT)
        .with_answer_timeout(LIMIT);
    Arc::new(PostgresStore::connect(url, options).expect("options that can be"))
}

/// Returns a store whose calls end soon.
pub(crate) fn impatient(url: &str) -> Arc<PostgresStore> {
    let options = Options::default()
        .with_schema("test")
        .with_connect_timeout(Duration::from_millis(300))
        .with_answer_timeout(Duration::from_millis(500));
    Arc::new(PostgresStore::connect(url, options).expect("options that can be"))
}

/// Returns the URL of a server behind a proxy.
pub(crate) fn behind(proxy: &CuttingProxy) -> String {
    format!("postgres://otpmux@{}/postgres", proxy.address())
}

/// The longest that a call of an impatient store may take, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Creates a record and returns its id.
pub(crate) async fn put(store: &PostgresStore, record: Record) -> VerificationId {
    shared_store::put(store, record).await
}

/// Returns the result of each operation, by its name.
pub(crate) async fn every_operation(
    store: &PostgresStore,
    id: VerificationId,
) -> Vec<(&'static str, Result<String, Error>)> {
    shared_store::every_operation(store, id).await
}

pub(crate) async fn verdict(store: &PostgresStore, id: VerificationId, text: &str) -> Verdict {
    shared_store::verdict(store, id, text).await
}

/// Returns a client over these providers, without limits unless `change` sets some.
pub(crate) fn client(
    store: &Arc<PostgresStore>,
    providers: &[&Arc<ScriptedProvider>],
    change: impl FnOnce(&mut Policy),
) -> OtpClient {
    shared_store::client(Arc::<PostgresStore>::clone(store), providers, change)
}

/// Checks a guess.
pub(crate) async fn check(store: &PostgresStore, guess: &Guess) -> Result<Guessed, Error> {
    store.check_guess(guess, now()).await
}

/// Returns the key of a limit as the table `limits` holds it, in hexadecimal digits.
pub(crate) fn limit_key_hex(key: &otpmux_engine::LimitKey) -> String {
    assert_eq!(key.scope, otpmux_engine::LimitScope::Global, "scopes have other numbers");
    let digits = |byte: &u8| format!("{byte:02x}");
    std::iter::once("06".to_owned()).chain(key.hash.iter().map(digits)).collect()
}

/// Returns the form of a guess's idempotency key at rest.
pub(crate) fn guess_name(
    keys: &ServerKeys,
    id: VerificationId,
    name: &str,
    code: &Code,
) -> otpmux_engine::GuessName {
    keys.guess_name(&id.into(), name, code)
}
