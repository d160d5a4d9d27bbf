use otpmux_core::Secret;
use otpmux_engine::ServerKeys;

/// Returns a key ring with one key.
///
/// # Panics
///
/// Never: the key is long enough.
pub fn keys() -> ServerKeys {
    ServerKeys::new(&[("a".to_owned(), Secret::new("k".repeat(43)))]).expect("a key ring")
}
