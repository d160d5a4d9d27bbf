//! Sliding-window counters, with one list of times per key.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::clock::{plus, seconds_until};

const SWEEP_EVERY: u32 = 1024;

/// Counter that keeps events for `keep` seconds.
#[derive(Debug)]
pub(crate) struct Window {
    keep: u64,
    events: HashMap<String, VecDeque<Timestamp>>,
    since_sweep: u32,
}

impl Window {
    pub(crate) fn new(keep: u64) -> Self {
        Self { keep, events: HashMap::new(), since_sweep: 0 }
    }

    pub(crate) fn record(&mut self, key: &str, now: Timestamp) {
        self.since_sweep += 1;
        if self.since_sweep >= SWEEP_EVERY {
            self.sweep(now);
        }
        let row = self.events.entry(key.to_owned()).or_default();
        while row.front().is_some_and(|at| plus(*at, self.keep) <= now) {
            row.pop_front();
        }
        row.push_back(now);
    }

    /// Removes the newest event of the key.
    pub(crate) fn give_back(&mut self, key: &str) {
        if let Some(row) = self.events.get_mut(key) {
            row.pop_back();
        }
    }

    pub(crate) fn count(&self, key: &str, now: Timestamp, seconds: u64) -> usize {
        let row = self.events.get(key);
        row.map_or(0, |row| row.iter().rev().take_while(|at| plus(**at, seconds) > now).count())
    }

    /// Returns the seconds until the key may have another event; `None` if it had fewer than `max`
    /// in the last `seconds`.
    pub(crate) fn wait(&self, key: &str, now: Timestamp, seconds: u64, max: usize) -> Option<u64> {
        if self.count(key, now, seconds) < max {
            return None;
        }
        let row = self.events.get(key);
        let frees = row.and_then(|row| row.get(row.len().checked_sub(max)?));
        // With a maximum of zero there is never room; the window's length is as good as any other
        // answer.
        Some(frees.map_or(seconds, |at| seconds_until(now, plus(*at, seconds)).max(1)))
    }

    fn sweep(&mut self, now: Timestamp) {
        self.since_sweep = 0;
        let keep = self.keep;
        self.events.retain(|_, row| row.back().is_some_and(|at| plus(*at, keep) > now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_event_of_the_window_frees_the_place() {
        let start = Timestamp::UNIX_EPOCH;
        let mut window = Window::new(3600);
        window.record("a", start);
        window.record("a", plus(start, 10));
        assert_eq!(window.wait("a", plus(start, 18), 60, 2), Some(42));
        assert_eq!(window.wait("a", plus(start, 18), 60, 3), None);
        assert_eq!(window.wait("b", plus(start, 18), 60, 2), None);
        assert_eq!(window.wait("a", plus(start, 60), 60, 2), None);
        assert_eq!(window.wait("b", start, 60, 0), Some(60));
        window.give_back("a");
        assert_eq!(window.count("a", plus(start, 18), 60), 1);
    }

    #[test]
    fn forgotten_keys_take_no_memory() {
        let start = Timestamp::UNIX_EPOCH;
        let mut window = Window::new(60);
        for n in 0..5000 {
            window.record(&n.to_string(), plus(start, n * 60));
        }
        assert!(window.events.len() <= SWEEP_EVERY as usize + 1);
    }
}
