use std::fmt;

use otpmux_core::settings::Settings;
use sha2::{Digest as _, Sha256};

/// A hash of the settings that something was built from, so that a reload detects changes. Made
/// from secrets: kept in memory, and never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Returns the fingerprint of these names and settings.
    pub(super) fn of(names: &[&str], settings: &Settings) -> Self {
        let mut hash = Sha256::new();
        for name in names {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
        }
        settings.feed(&mut |bytes| hash.update(bytes));
        Self(hash.finalize().into())
    }

    pub(super) fn bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(•••)")
    }
}
