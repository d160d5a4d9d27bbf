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

/// Returns every key of a server: the letter that follows the tag, and the name in hexadecimal
/// digits, because names are bytes.
pub(crate) fn all_keys(server: &RedisServer) -> Vec<(char, String)> {
    const SCRIPT: &str = "local found = {}
        for _, key in ipairs(redis.call('KEYS', '*')) do
            found[#found + 1] = string.gsub(key, '.', function(c)
                return string.format('%02x', string.byte(c))
            end)
        end
        return found";
    let keys = server.command(&["EVAL", SCRIPT, "0"]).many();
    let mut found: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let (name, digits) = (unhex(&key.clone().text()), key.text());
            let rest = name.strip_prefix(b"{test}:").expect("the hash tag");
            (char::from(*rest.first().expect("a letter")), digits)
        })
        .collect();
    found.sort();
    found
}

/// Returns the bytes of hexadecimal digits.
pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Returns the name of the key of a record.
pub(crate) fn record_key(id: VerificationId) -> Vec<u8> {
    [&b"{test}:v"[..], &id.to_bytes()].concat()
}

/// Replaces a part of a record in the store, as a program that is not otpmux might. The first byte is
/// at 0.
pub(crate) fn damage(server: &RedisServer, id: VerificationId, at: usize, bytes: &[u8]) {
    server.command(&[&b"SETRANGE"[..], &record_key(id), at.to_string().as_bytes(), bytes]);
}
