use std::time::Duration;

/// How a [`SqliteStore`](crate::SqliteStore) keeps its file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// What an answered operation survives. Default [`Durability::Power`].
    pub durability: Durability,
    /// How long to wait for another process that is writing, in whole milliseconds, before the
    /// operation fails. Default 5 s.
    pub busy_timeout: Duration,
    /// How much live content the file may hold before new verifications are refused, in bytes;
    /// those that are there go on. The file itself may be some megabytes larger, and its log 20 MB.
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
    /// Replaces [`durability`](Self::durability).
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Replaces [`busy_timeout`](Self::busy_timeout).
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Replaces [`max_bytes`](Self::max_bytes).
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// What an answered operation survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "configuration names each of them")]
pub enum Durability {
    /// The machine losing power, as far as its disk keeps what it has acknowledged. Each batch of
    /// operations waits for the disk.
    Power,
    /// The process dying at any instant, `kill -9` included. When the machine loses power or its
    /// kernel stops, the last moments may be lost: the file stays whole, but a code that was
    /// approved in them can be approved once more, and a guess or a message is not counted.
    Process,
}
