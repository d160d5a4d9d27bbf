use std::time::{Duration, SystemTime};

use otpmux_core::RateLimit;
use otpmux_engine::{Charge, HealthMark, LegEnd, Skip, millis};
use redis::Cmd;

use crate::form::{failure, leg_state, lines, reference};
use crate::names::Names;
use crate::script::Operation;

/// Longer than anything here is kept, and short enough for Redis to add times up.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 100);

/// One call of a script: its keys, and its arguments in the order in which the script takes them.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    /// Every script has a key at least, and the time as its first argument.
    pub(crate) fn new(operation: Operation, key: String, now: SystemTime) -> Self {
        Self { operation, keys: vec![key], arguments: Vec::new() }.number(millis(now))
    }

    /// By the script's hash, or by its whole text.
    pub(crate) fn command(&self, whole: bool) -> Cmd {
        let script = self.operation.script();
        let mut command = Cmd::new();
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

    pub(crate) fn number(self, number: impl Into<u64>) -> Self {
        self.text(number.into().to_string())
    }

    fn count(self, things: usize) -> Self {
        self.text(things.to_string())
    }

    pub(crate) fn maybe(self, text: Option<impl Into<Vec<u8>>>) -> Self {
        match text {
            Some(text) => self.number(1u8).text(text),
            None => self.number(0u8),
        }
    }

    pub(crate) fn texts<T: Into<Vec<u8>>>(self, texts: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<T> = texts.into_iter().collect();
        let call = self.count(texts.len());
        texts.into_iter().fold(call, Self::text)
    }

    pub(crate) fn time(self, length: Duration) -> Self {
        self.text(length.min(FOREVER).as_millis().to_string())
    }

    /// Scripts go by the number of windows, the largest count and the longest time among them, and
    /// look at the windows themselves only when there are hits.
    pub(crate) fn windows(self, windows: &[RateLimit]) -> Self {
        let most = windows.iter().map(|window| window.count).max().unwrap_or_default();
        let longest = windows.iter().map(|window| window.per).max().unwrap_or_default();
        let call = self.count(windows.len()).number(most).time(longest);
        windows.iter().fold(call, |call, window| call.number(window.count).time(window.per))
    }

    /// The last keys and arguments.
    pub(crate) fn charges(self, charges: &[Charge], names: &Names) -> Self {
        charges
            .iter()
            .fold(self, |call, charge| call.key(names.limit(&charge.key)).windows(&charge.windows))
    }

    pub(crate) fn news(self, news: &[HealthMark]) -> Self {
        let call = self.count(news.len());
        news.iter().fold(call, |call, mark| {
            // Names, times and words always serialise.
            let text = serde_json::to_vec(mark).unwrap_or_default();
            call.text(mark.provider.as_str()).number(millis(mark.at)).text(text)
        })
    }

    pub(crate) fn ends(self, ends: Vec<LegEnd>, skips: &[Skip]) -> Self {
        let call = self.count(ends.len());
        let call = ends.into_iter().fold(call, |call, end| {
            call.count(end.leg)
                .text(leg_state(end.state))
                .text(failure(end.failure))
                .text(reference(end.reference.as_ref()))
        });
        call.text(lines(skips))
    }
}
