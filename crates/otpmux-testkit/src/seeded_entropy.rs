use std::sync::{Mutex, PoisonError};

use otpmux_core::{Entropy, EntropyError};

/// **For tests only**: bytes that look random and are the same for the same seed. With the seed,
/// every code is known.
///
/// ```
/// use otpmux_core::Code;
/// use otpmux_testkit::SeededEntropy;
///
/// let code = |seed| Code::generate(6, &SeededEntropy::new(seed)).unwrap();
/// assert_eq!(code(7), code(7));
/// assert_ne!(code(7), code(8));
/// ```
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Starts the sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in dest.chunks_mut(8) {
            // SplitMix64: equidistributed over its whole period, which is enough for tests.
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_which_do_not_repeat() {
        let bytes = |seed: u64| {
            let entropy = SeededEntropy::new(seed);
            let mut both = [[0; 13]; 2];
            for part in &mut both {
                entropy.fill(part).unwrap();
            }
            both
        };
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
        let [first, second] = bytes(1);
        assert_ne!(first, second);
    }
}
