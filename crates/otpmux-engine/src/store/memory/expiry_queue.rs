use std::collections::VecDeque;

/// The keys that may be dropped, by second, the earliest first. Most entries live equally long, so a
/// new one usually goes where the last one was added.
pub(super) struct ExpiryQueue<K>(VecDeque<(u64, Vec<K>)>);

impl<K> ExpiryQueue<K> {
    /// `end` is in milliseconds since the epoch.
    pub(super) fn add(&mut self, end: u64, key: K) {
        let second = end.div_ceil(1000);
        match self.0.binary_search_by_key(&second, |(at, _)| *at) {
            Ok(place) => self.0[place].1.push(key),
            Err(place) => self.0.insert(place, (second, vec![key])),
        }
    }

    /// The keys of the earliest second, if it has passed.
    pub(super) fn take(&mut self, now: u64) -> Option<Vec<K>> {
        let (second, _) = self.0.front()?;
        if second.saturating_mul(1000) > now {
            return None;
        }
        self.0.pop_front().map(|(_, keys)| keys)
    }
}

impl<K> Default for ExpiryQueue<K> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
