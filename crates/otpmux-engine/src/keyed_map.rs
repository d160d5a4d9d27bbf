use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map whose keys are random, hashes under a server key, or names of the configuration: an
/// attacker cannot choose them so that they collide, so a hash of few instructions will do.
pub(crate) type KeyedMap<K, V> = HashMap<K, V, BuildHasherDefault<KeyHasher>>;

/// Takes the bytes of a key eight at a time, and spreads them over the hash at the end.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

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

    /// The length of an array: the same for all keys of a map.
    fn write_usize(&mut self, _: usize) {}

    /// The variant of an enum.
    fn write_isize(&mut self, variant: isize) {
        self.add(variant.unsigned_abs() as u64);
    }

    fn finish(&self) -> u64 {
        // An odd number whose bits look random. A table uses the first and the last bits.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32)
    }
}
