//! Limits as anybody would count them: every hit kept for ever, and looked through each time.

use std::time::SystemTime;

use otpmux_engine::{Charge, LimitKey, Limited};

#[derive(Default)]
pub(super) struct Naive(Vec<(LimitKey, SystemTime)>);

impl Naive {
    /// The windows without room that keep waiting the longest: one, unless several wait equally
    /// long. None when there is room.
    pub(super) fn full(&self, charges: &[Charge], now: SystemTime) -> Vec<Limited> {
        let mut full: Vec<_> =
            charges.iter().flat_map(|charge| self.full_windows(charge, now)).collect();
        let longest = full.iter().map(|limited| limited.retry_after).max();
        full.retain(|limited| Some(limited.retry_after) == longest);
        full
    }

    fn full_windows(&self, charge: &Charge, now: SystemTime) -> Vec<Limited> {
        let mut full = Vec::new();
        for window in &*charge.windows {
            let mut young: Vec<_> = self.0.iter().filter(|(key, _)| *key == charge.key).collect();
            young.retain(|(_, at)| now < *at + window.per);
            young.sort_by_key(|(_, at)| *at);
            let count = usize::try_from(window.count).expect("a small count");
            // So many must grow old before fewer than the count are left.
            if let Some(too_many) = young.len().checked_sub(count) {
                let room = young[too_many].1 + window.per;
                let retry_after = room.duration_since(now).expect("a young hit");
                full.push(Limited { scope: charge.key.scope, window: *window, retry_after });
            }
        }
        full
    }

    pub(super) fn hit(&mut self, charges: &[Charge], now: SystemTime) {
        self.0.extend(charges.iter().map(|charge| (charge.key, now)));
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
