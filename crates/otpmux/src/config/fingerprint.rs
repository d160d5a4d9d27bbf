use std::fmt::{self, Write as _};

use otpmux_core::settings::Settings;
use sha2::{Digest as _, Sha256};

/// Stands for what something was made from, so that a reload finds out whether that has changed.
/// Made from secrets: kept in memory, and never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of some texts that name it, and its settings.
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

/// Bytes in hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a text does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
