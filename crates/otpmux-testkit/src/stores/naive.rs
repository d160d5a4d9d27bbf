//! Naive limits: every hit is kept for ever, and all are counted each time.

use std::time::SystemTime;

use otpmux_engine::{LimitExceeded, LimitHit, LimitKey};

#[derive(Default)]
pub(super) struct Naive(Vec<(LimitKey, SystemTime)>);

impl Naive {
    /// Returns the windows without room that have the longest wait: one, unless several wait
    /// equally long. None if there is room.
    pub(super) fn full(&self, limit_hits: &[LimitHit], now: SystemTime) -> Vec<LimitExceeded> {
        let mut full: Vec<_> =
            limit_hits.iter().flat_map(|limit_hit| self.full_windows(limit_hit, now)).collect();
        let longest = full.iter().map(|limited| limited.retry_after).max();
        full.retain(|limited| Some(limited.retry_after) == longest);
        full
    }

    fn full_windows(&self, limit_hit: &LimitHit, now: SystemTime) -> Vec<LimitExceeded> {
        let mut full = Vec::new();
        for window in &*limit_hit.windows {
            let mut young: Vec<_> =
                self.0.iter().filter(|(key, _)| *key == limit_hit.key).collect();
            young.retain(|(_, at)| now < *at + window.per);
            young.sort_by_key(|(_, at)| *at);
            let count = usize::try_from(window.count).expect("a small count");
            // This many must grow old before fewer than the count are left.
            if let Some(too_many) = young.len().checked_sub(count) {
                let room = young[too_many].1 + window.per;
                let retry_after = room.duration_since(now).expect("a young hit");
                full.push(LimitExceeded {
                    scope: limit_hit.key.scope,
                    window: *window,
                    retry_after,
                });
            }
        }
        full
    }

    pub(super) fn hit(&mut self, limit_hits: &[LimitHit], now: SystemTime) {
        self.0.extend(limit_hits.iter().map(|limit_hit| (limit_hit.key, now)));
    }

    pub(super) fn take_back(&mut self, key: LimitKey, at: SystemTime) {
        if let Some(place) = self.0.iter().position(|hit| *hit == (key, at)) {
            self.0.remove(place);
        }
    }

    pub(super) fn empty(&mut self, key: LimitKey) {
        self.0.retain(|(other, _)| *other != key);
    }
}
