use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are random, or hashes under a server key: an attacker cannot choose them so
/// that they collide, and they need no further hashing.
pub(super) type KeyedMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// Uses the bytes of a key unchanged, eight at a time.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl KeyHasher {
    fn add(&mut self, part: u64) {
        self.0 = self.0.rotate_left(5) ^ part;
    }
}

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((part, after)) = rest.split_first_chunk() {
            self.add(u64::from_le_bytes(*part));
            rest = after;
        }
        if !rest.is_empty() {
            self.add(rest.iter().fold(0, |part, byte| part << 8 | u64::from(*byte)));
        }
    }

    /// A length: the same for all keys of a map, as they are arrays.
    fn write_usize(&mut self, _: usize) {}

    /// The variant of an enum.
    fn write_isize(&mut self, variant: isize) {
        self.add(variant.unsigned_abs() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
