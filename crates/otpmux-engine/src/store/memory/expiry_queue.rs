use std::collections::BTreeMap;

/// The keys that may be dropped, by second. Most entries live equally long, so a new one usually
/// goes where the last one was added.
pub(super) struct ExpiryQueue<K>(BTreeMap<u64, Vec<K>>);

impl<K> ExpiryQueue<K> {
    /// `end` is in milliseconds since the epoch.
    pub(super) fn add(&mut self, end: u64, key: K) {
        self.0.entry(end.div_ceil(1000)).or_default().push(key);
    }

    /// The keys of the earliest second, if it has passed.
    pub(super) fn take(&mut self, now: u64) -> Option<Vec<K>> {
        let soonest = self.0.first_entry()?;
        (soonest.key().saturating_mul(1000) <= now).then(|| soonest.remove())
    }
}

impl<K> Default for ExpiryQueue<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}
