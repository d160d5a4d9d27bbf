use std::sync::atomic::{AtomicUsize, Ordering};

use otpmux_core::Recipient;

/// A hundred thousand numbers in as many blocks, one after the other, so that no limit is ever
/// reached.
#[derive(Debug)]
pub struct Recipients {
    all: Vec<Recipient>,
    next: AtomicUsize,
}

impl Recipients {
    /// Returns all of them.
    ///
    /// # Panics
    ///
    /// Never: all texts are valid numbers.
    pub fn new() -> Self {
        let number = |n: u32| format!("+91{}", 6_000_000_000 + u64::from(n) * 39_999);
        let all = (0..100_000).map(|n| number(n).parse().expect("a number")).collect();
        Self { all, next: AtomicUsize::new(0) }
    }

    /// Returns the next one.
    pub fn next(&self) -> &Recipient {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        &self.all[at % self.all.len()]
    }
}

impl Default for Recipients {
    fn default() -> Self {
        Self::new()
    }
}
