use std::time::{Duration, SystemTime};

use otpmux_core::RateLimit;
use otpmux_engine::{HealthUpdate, LimitHit, VerificationId, longest};
use redis::Cmd;

use crate::encoder::Encode;
use crate::key_names::{Key, KeyNames};
use crate::layout::SHORT_LOG;
use crate::script::Operation;

/// Longer than any value is kept, and short enough for Redis to add times up.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 100);

/// One call of a script: its keys, and its arguments in the order in which the script takes them.
#[derive(Debug)]
pub(crate) struct ScriptCall<'a> {
    pub(crate) operation: Operation,
    names: &'a KeyNames,
    keys: Texts,
    arguments: Texts,
}

/// Texts one behind the other.
#[derive(Debug)]
struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Texts {
    fn with_capacity(bytes: usize, texts: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(texts) }
    }

    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let text = &self.bytes[from..end];
            from = end;
            text
        })
    }
}

impl<'a> ScriptCall<'a> {
    /// Every script has a key at least, and the time as its first argument.
    pub(crate) fn new(operation: Operation, names: &'a KeyNames, now: SystemTime) -> Self {
        let (keys, arguments) = (Texts::with_capacity(256, 8), Texts::with_capacity(512, 12));
        Self { operation, names, keys, arguments }.argument(|bytes| bytes.time(now))
    }

    /// Returns a call of a script whose first key is that of a record.
    pub(crate) fn on_record(
        operation: Operation,
        names: &'a KeyNames,
        id: VerificationId,
        now: SystemTime,
    ) -> Self {
        Self::new(operation, names, now).key(&Key::record(id))
    }

    /// Returns a call of a script that does not depend on the time.
    pub(crate) fn timeless(operation: Operation, names: &'a KeyNames) -> Self {
        Self::new(operation, names, SystemTime::UNIX_EPOCH)
    }

    /// Returns the command, by the script's hash or with its whole text; with flags if the server
    /// takes them.
    pub(crate) fn command(&self, whole: bool, takes_flags: bool) -> Cmd {
        let script = self.operation.script().of(takes_flags);
        let parts = 3 + self.keys.ends.len() + self.arguments.ends.len();
        let bytes = self.keys.bytes.len() + self.arguments.bytes.len();
        let mut command = Cmd::with_capacity(parts, script.hash.len() + 16 + bytes);
        if whole {
            command.arg("EVAL").arg(&script.text);
        } else {
            command.arg("EVALSHA").arg(&script.hash);
        }
        command.arg(self.keys.ends.len());
        for text in self.keys.iter().chain(self.arguments.iter()) {
            command.arg(text);
        }
        command
    }

    pub(crate) fn key(mut self, key: &Key<'_>) -> Self {
        self.keys.add(|bytes| self.names.write(bytes, key));
        self
    }

    /// Adds an argument that `write` appends.
    pub(crate) fn argument(mut self, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.arguments.add(write);
        self
    }

    pub(crate) fn text(self, text: impl AsRef<[u8]>) -> Self {
        self.argument(|bytes| bytes.extend_from_slice(text.as_ref()))
    }

    /// Adds a time, or nothing.
    pub(crate) fn maybe_time(self, time: Option<SystemTime>) -> Self {
        self.argument(|bytes| {
            if let Some(time) = time {
                bytes.time(time);
            }
        })
    }

    /// Adds a time to live, as Redis takes it.
    pub(crate) fn time_to_live(self, length: Duration) -> Self {
        self.argument(|bytes| push_decimal(bytes, length))
    }

    pub(crate) fn windows(self, windows: &[RateLimit]) -> Self {
        self.argument(|bytes| push_windows(bytes, windows))
    }

    /// Adds the keys of the hits, which come last, with two arguments each.
    pub(crate) fn limit_hits<'h>(self, limit_hits: impl IntoIterator<Item = &'h LimitHit>) -> Self {
        limit_hits.into_iter().fold(self, |call, limit_hit| {
            call.key(&Key::Limit(limit_hit.key))
                .time_to_live(longest(&limit_hit.windows))
                .windows(&limit_hit.windows)
        })
    }

    /// Adds health updates as one argument.
    pub(crate) fn health_updates(self, health_updates: &[HealthUpdate]) -> Self {
        self.argument(|bytes| {
            for update in health_updates {
                bytes.field_of(|bytes| {
                    bytes.extend_from_slice(update.provider.as_str().as_bytes());
                    bytes.extend_from_slice(&update.witness.process.to_be_bytes());
                });
                bytes.field_of(|bytes| {
                    bytes.time(update.at);
                    // Names, times and words always serialise.
                    bytes.extend(serde_json::to_vec(update).unwrap_or_default());
                });
            }
        })
    }
}

/// Appends the windows of a hit: whether its log is long, the largest count and the longest time
/// among them, then each window. Nothing if there are none.
fn push_windows(bytes: &mut Vec<u8>, windows: &[RateLimit]) {
    let Some(most) = windows.iter().map(|window| window.count).max() else { return };
    bytes.push(u8::from(most > SHORT_LOG));
    bytes.number(most);
    bytes.long_number(time(longest(windows)));
    for window in windows {
        bytes.number(window.count);
        bytes.long_number(time(window.per));
    }
}

/// Returns whether a hit has a long log.
pub(crate) fn is_long(limit_hit: &LimitHit) -> bool {
    limit_hit.windows.iter().any(|window| window.count > SHORT_LOG)
}

pub(crate) fn push_decimal(bytes: &mut Vec<u8>, length: Duration) {
    bytes.extend_from_slice(itoa::Buffer::new().format(time(length)).as_bytes());
}

/// In milliseconds.
fn time(length: Duration) -> u64 {
    u64::try_from(length.min(FOREVER).as_millis()).unwrap_or(u64::MAX)
}
