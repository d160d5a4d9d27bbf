//! Shared parts of these tests: stores, records, and helpers.

use std::sync::Arc;

use otpmux_core::{Error, Verdict};
use otpmux_engine::{OtpClient, Policy, Record, VerificationId};
use otpmux_redis::{Options, RedisStore};
pub(crate) use otpmux_testkit::shared_store::{
    CODE, WRONG, assert_all_fail, begin, code, create, guess, keys, now, provider, recipient,
    record, record_outcome,
};
use otpmux_testkit::{RedisServer, ScriptedProvider, shared_store};

/// Returns a store on a server, with short timeouts.
pub(crate) fn store(server: &RedisServer) -> Arc<RedisStore> {
    store_at(&server.url(), "test")
}

pub(crate) fn store_at(url: &str, namespace: &str) -> Arc<RedisStore> {
    let options = Options::default().with_namespace(namespace);
    Arc::new(RedisStore::connect([url], options).expect("options that can be"))
}

/// Creates a record and returns its id.
pub(crate) async fn put(store: &RedisStore, record: Record) -> VerificationId {
    shared_store::put(store, record).await
}

/// Returns the result of each operation, by its name.
pub(crate) async fn every_operation(
    store: &RedisStore,
    id: VerificationId,
) -> Vec<(&'static str, Result<String, Error>)> {
    shared_store::every_operation(store, id).await
}

pub(crate) async fn verdict(store: &RedisStore, id: VerificationId, text: &str) -> Verdict {
    shared_store::verdict(store, id, text).await
}

/// Returns a client over these providers, without limits unless `change` sets some.
pub(crate) fn client(
    store: &Arc<RedisStore>,
    providers: &[&Arc<ScriptedProvider>],
    change: impl FnOnce(&mut Policy),
) -> OtpClient {
    shared_store::client(Arc::<RedisStore>::clone(store), providers, change)
}

/// Returns every key of a server.
pub(crate) fn all_keys(server: &RedisServer) -> Vec<String> {
    let keys = server.command(&["KEYS", "*"]).many();
    keys.into_iter().map(otpmux_testkit::RedisReply::text).collect()
}
