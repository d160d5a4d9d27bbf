use std::sync::atomic::{AtomicUsize, Ordering};

use otpmux_core::{Entropy, EntropyError};
use zeroize::Zeroizing;

/// The bytes of a plain send: a code (8), an id (16), a nonce (12) and a send attempt's key (16).
const SIZE: usize = 52;

/// The randomness of one send, fetched from its source in one go: each fetch is a system call.
///
/// Invariant: no byte is used twice. Bytes beyond the buffer come from the source.
#[derive(Debug)]
pub(in crate::client) struct EntropyBuffer<'a> {
    bytes: Zeroizing<[u8; SIZE]>,
    used: AtomicUsize,
    source: &'a dyn Entropy,
}

impl<'a> EntropyBuffer<'a> {
    pub(in crate::client) fn fetch(source: &'a dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; SIZE]);
        source.fill(&mut *bytes)?;
        Ok(Self { bytes, used: AtomicUsize::new(0), source })
    }
}

impl Entropy for EntropyBuffer<'_> {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        let from = self.used.fetch_add(dest.len(), Ordering::Relaxed);
        match self.bytes.get(from..from.saturating_add(dest.len())) {
            Some(bytes) => {
                dest.copy_from_slice(bytes);
                Ok(())
            }
            None => self.source.fill(dest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up, so that the value of a byte shows its position.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Entropy for Counting {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            for byte in dest {
                *byte = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes()[0];
            }
            Ok(())
        }
    }

    #[test]
    fn hands_out_each_byte_once_and_goes_on_at_the_source() {
        let source = Counting::default();
        let entropy = EntropyBuffer::fetch(&source).unwrap();
        let mut all = Vec::new();
        for length in [8, 16, 12, 16, 16, 1] {
            let mut dest = vec![0; length];
            entropy.fill(&mut dest).unwrap();
            all.extend(dest);
        }
        let expected: Vec<u8> = (0u8..).take(all.len()).collect();
        assert_eq!(all, expected);
    }
}
