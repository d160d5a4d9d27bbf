use std::time::{Duration, SystemTime};

use otpmux_core::RateLimit;
use otpmux_engine::{AttemptEnd, HealthUpdate, LimitHit, millis};
use redis::Cmd;

use crate::codec;
use crate::encoder::Encoder;
use crate::key_names::KeyNames;
use crate::script::Operation;

/// Longer than any value is kept, and short enough for Redis to add times up.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 100);

/// One call of a script: its keys, and its arguments in the order in which the script takes them.
#[derive(Debug)]
pub(crate) struct ScriptCall {
    pub(crate) operation: Operation,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl ScriptCall {
    /// Every script has a key at least, and the time as its first argument.
    pub(crate) fn new(operation: Operation, key: String, now: SystemTime) -> Self {
        let mut keys = Vec::with_capacity(8);
        keys.push(key);
        Self::on(operation, keys, now)
    }

    /// As [`new`](Self::new), with several keys.
    pub(crate) fn on(operation: Operation, keys: Vec<String>, now: SystemTime) -> Self {
        let arguments = Vec::with_capacity(8);
        Self { operation, keys, arguments }.words(Encoder::default().time(now))
    }

    /// Returns the command, by the script's hash or with its whole text; with flags if the server
    /// takes them.
    pub(crate) fn command(&self, whole: bool, takes_flags: bool) -> Cmd {
        let script = self.operation.script().of(takes_flags);
        let parts = 3 + self.keys.len() + self.arguments.len();
        let keys: usize = self.keys.iter().map(String::len).sum();
        let arguments: usize = self.arguments.iter().map(Vec::len).sum();
        let mut command = Cmd::with_capacity(parts, script.hash.len() + 16 + keys + arguments);
        if whole {
            command.arg("EVAL").arg(&script.text);
        } else {
            command.arg("EVALSHA").arg(&script.hash);
        }
        command.arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        command
    }

    pub(crate) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn text(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(text.into());
        self
    }

    pub(crate) fn words(self, words: Encoder) -> Self {
        self.text(words.into_bytes())
    }

    pub(crate) fn number(self, number: impl Into<u64>) -> Self {
        self.words(Encoder::default().number(number))
    }

    pub(crate) fn maybe<T>(
        self,
        value: Option<T>,
        write: impl FnOnce(Encoder, T) -> Encoder,
    ) -> Self {
        self.words(Encoder::default().maybe(value, write))
    }

    pub(crate) fn time(self, length: Duration) -> Self {
        self.number(time(length))
    }

    /// Adds the windows of one hit: first the longest time (every hit needs it) and the largest
    /// count, then each window, which a script reads only if there are hits.
    pub(crate) fn windows(self, windows: &[RateLimit]) -> Self {
        let most = windows.iter().map(|window| window.count).max();
        let longest = windows.iter().map(|window| time(window.per)).max();
        let words = Encoder::with_capacity(64);
        self.words(words.maybe(longest.zip(most), |words, (longest, most)| {
            let words = words.number(longest).number(most);
            let add = |words: Encoder, window: &RateLimit| {
                words.number(window.count).number(time(window.per))
            };
            windows.iter().fold(words, add)
        }))
    }

    /// Adds the keys of the hits, which come last, with one argument each.
    pub(crate) fn limit_hits(self, limit_hits: &[LimitHit], names: &KeyNames) -> Self {
        limit_hits.iter().fold(self, |call, limit_hit| {
            call.key(names.limit(&limit_hit.key)).windows(&limit_hit.windows)
        })
    }

    /// Adds one argument for each health update.
    pub(crate) fn health_updates(self, health_updates: &[HealthUpdate]) -> Self {
        health_updates.iter().fold(self, |call, update| {
            // KeyNames, times and words always serialise.
            let text = serde_json::to_string(update).unwrap_or_default();
            let (provider, process) = (&update.provider, update.witness.process);
            call.text(format!("{provider} {process:016x} {} {text}", millis(update.at)))
        })
    }

    /// Adds one argument with one line for each end.
    pub(crate) fn ends(self, ends: &[AttemptEnd]) -> Self {
        self.words(ends.iter().fold(Encoder::default(), codec::add_attempt_end))
    }
}

/// In milliseconds.
fn time(length: Duration) -> u64 {
    u64::try_from(length.min(FOREVER).as_millis()).unwrap_or(u64::MAX)
}
