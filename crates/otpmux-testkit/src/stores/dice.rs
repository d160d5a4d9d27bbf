//! Random numbers that are the same in every run.

use std::time::Duration;

use otpmux_core::Entropy;

use crate::SeededEntropy;

pub(super) struct Dice(SeededEntropy);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes).expect("seeded bytes never fail");
        bytes
    }

    /// Returns a number below this one.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        u64::from_le_bytes(self.bytes()) % end
    }

    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Returns an index of a list of this length.
    pub(super) fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("a place in a list")
    }

    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.place(list.len())]
    }

    /// Returns a few of these, in their order.
    pub(super) fn some<T: Clone>(&mut self, list: &[T], chance: u64) -> Vec<T> {
        list.iter().filter(|_| self.percent(chance)).cloned().collect()
    }

    /// Returns a pause: none, a moment, some seconds or some minutes.
    pub(super) fn pause(&mut self) -> Duration {
        let most = *self.pick(&[1, 1, 50, 1_000, 10_000, 60_000, 600_000]);
        Duration::from_millis(self.below(most))
    }
}
