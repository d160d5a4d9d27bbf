use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::RateLimit;

use super::expiry_queue::ExpiryQueue;
use crate::keyed_map::KeyedMap;
use crate::store::limits::{HitLog, LimitExceeded, LimitHit, LimitKey, Refund, longest, millis};
use crate::{Counted, Guess, RecipientHash};

/// The hits of every key.
#[derive(Default)]
pub(super) struct Limits {
    pub(super) logs: KeyedMap<LimitKey, HitLog>,
    /// When logs may be dropped, as known when they were last checked.
    ends: ExpiryQueue<LimitKey>,
}

impl Limits {
    /// Returns the hit without room that has the longest wait.
    pub(super) fn full(&self, limit_hits: &[LimitHit], now: SystemTime) -> Option<LimitExceeded> {
        let full = |limit_hit: &LimitHit| {
            self.logs.get(&limit_hit.key)?.full(limit_hit.key.scope, &limit_hit.windows, now)
        };
        limit_hits.iter().filter_map(full).max_by_key(|limited| limited.retry_after)
    }

    pub(super) fn hit(&mut self, limit_hits: &[LimitHit], now: SystemTime) {
        for limit_hit in limit_hits {
            self.count(limit_hit.key, &limit_hit.windows, now);
        }
    }

    fn count(&mut self, key: LimitKey, windows: &[RateLimit], now: SystemTime) {
        if windows.is_empty() {
            return;
        }
        let log = self.logs.entry(key).or_insert_with(|| {
            self.ends.add(millis(now + longest(windows)), key);
            HitLog::default()
        });
        log.hit(windows, now);
    }

    pub(super) fn take_back(&mut self, refunds: &[Refund]) {
        for refund in refunds {
            if let Some(log) = self.logs.get_mut(&refund.key) {
                log.take_back(refund.at);
            }
        }
    }

    /// How long until the windows that count a guess have room.
    pub(super) fn wait(
        &self,
        guess: &Guess,
        recipient: &RecipientHash,
        now: SystemTime,
    ) -> Option<Duration> {
        let wait = |(key, windows): (LimitKey, &Arc<[RateLimit]>)| {
            let full = self.logs.get(&key)?.full(key.scope, windows, now)?;
            Some(full.retry_after)
        };
        guess.counters(recipient).into_iter().filter_map(wait).max()
    }

    pub(super) fn count_guess(
        &mut self,
        guess: &Guess,
        recipient: &RecipientHash,
        counted: Counted,
        now: SystemTime,
    ) {
        let [own, total] = guess.counters(recipient);
        match counted {
            Counted::Nothing => {}
            Counted::Hit => [own, total].into_iter().for_each(|(key, it)| self.count(key, it, now)),
            Counted::Reset { hit } => {
                self.logs.remove(&own.0);
                if let Some(at) = hit {
                    self.take_back(&[Refund { key: total.0, at }]);
                }
            }
            Counted::TakenBack(at) => {
                self.take_back(&[own.0, total.0].map(|key| Refund { key, at }));
            }
        }
    }

    /// Drops what no window counts any more at this time, in milliseconds since the epoch. A log that was hit again since it was queued is queued
    /// again.
    pub(super) fn drop_ended(&mut self, now: u64) {
        while let Some(keys) = self.ends.take(now) {
            for key in keys {
                let Entry::Occupied(log) = self.logs.entry(key) else { continue };
                let end = log.get().end();
                if end > now {
                    self.ends.add(end, key);
                } else {
                    log.remove();
                }
            }
        }
    }
}
