use std::time::Duration;

/// Options of a [`SqliteStore`](crate::SqliteStore): durability, waiting and size.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Which failures a completed operation survives. Default [`Durability::Power`].
    pub durability: Durability,
    /// How long to wait for another process that is writing, in whole milliseconds, before the
    /// operation fails. Default 5 s.
    pub busy_timeout: Duration,
    /// The most live content that the file may hold, in bytes. Beyond it, new verifications are
    /// refused and existing ones go on. The file may be some megabytes larger, and its log 20 MB.
    /// Default 1 GiB, which is about a million verifications with their limits.
    pub max_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Power,
            busy_timeout: Duration::from_secs(5),
            max_bytes: 1 << 30,
        }
    }
}

impl Options {
    /// Sets [`durability`](Self::durability).
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets [`busy_timeout`](Self::busy_timeout).
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets [`max_bytes`](Self::max_bytes).
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// Which failures a completed operation survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "configuration names each of them")]
pub enum Durability {
    /// Survives a power loss, as far as the disk keeps what it has acknowledged. Each batch of
    /// operations waits for the disk.
    Power,
    /// Survives the end of the process at any instant, `kill -9` included. If the machine loses
    /// power or its kernel stops, the last moments may be lost: the file stays consistent, but a
    /// code that was approved in them can be approved once more, and guesses and messages are not
    /// counted.
    Process,
}
