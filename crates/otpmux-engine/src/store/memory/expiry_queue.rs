use std::collections::VecDeque;

/// The keys that may be dropped, by second, the earliest first.
pub(super) struct ExpiryQueue<K>(VecDeque<(u64, Vec<K>)>);

impl<K> ExpiryQueue<K> {
    /// `end` is in milliseconds since the epoch.
    pub(super) fn add(&mut self, end: u64, key: K) {
        let second = end.div_ceil(1000);
        match self.place(second) {
            Ok(place) => self.0[place].1.push(key),
            Err(place) => self.0.insert(place, (second, vec![key])),
        }
    }

    /// Returns where the entry of a second is, or would be.
    fn place(&self, second: u64) -> Result<usize, usize> {
        let (Some((first, _)), Some((last, _))) = (self.0.front(), self.0.back()) else {
            return Err(0);
        };
        // Under load there is an entry for each second, so its distance from an end is its place.
        let from_first = usize::try_from(second.saturating_sub(*first)).ok();
        let from_last = usize::try_from(last.saturating_sub(second)).ok();
        let from_last = from_last.and_then(|distance| (self.0.len() - 1).checked_sub(distance));
        for guess in [from_last, from_first].into_iter().flatten() {
            if self.0.get(guess).is_some_and(|(at, _)| *at == second) {
                return Ok(guess);
            }
        }
        self.0.binary_search_by_key(&second, |(at, _)| *at)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_come_by_second_whenever_they_were_added(
            ends in proptest::collection::vec(0_u64..40_000, 0..60),
            dense in any::<bool>(),
        ) {
            let (mut queue, mut expected) = (ExpiryQueue::default(), BTreeMap::<_, Vec<_>>::new());
            let ends = ends.into_iter().map(|end| if dense { end % 9_000 } else { end });
            for (key, end) in ends.enumerate() {
                queue.add(end, key);
                expected.entry(end.div_ceil(1000)).or_default().push(key);
            }
            for (second, keys) in expected {
                let end = second * 1000;
                if let Some(before) = end.checked_sub(1) {
                    prop_assert_eq!(queue.take(before), None);
                }
                prop_assert_eq!(queue.take(end), Some(keys));
            }
            prop_assert_eq!(queue.take(u64::MAX), None);
        }
    }
}
