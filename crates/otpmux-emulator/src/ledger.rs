//! A vendor's records by id, bounded in number and in age.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::clock::plus;

/// Longer than the life of any code and any lock, so that "expired" and "used" differ from
/// "unknown" for a while.
const KEEP_SECONDS: u64 = 25 * 3600;
const MOST: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Ledger<T> {
    rows: HashMap<String, (Timestamp, T)>,
    order: VecDeque<(Timestamp, String)>,
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self { rows: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Ledger<T> {
    pub(crate) fn insert(&mut self, now: Timestamp, id: String, row: T) {
        while self.order.len() >= MOST
            || self.order.front().is_some_and(|(at, _)| plus(*at, KEEP_SECONDS) <= now)
        {
            let Some((at, old)) = self.order.pop_front() else {
                break;
            };
            // An id that was written again has a newer row and a second place in the order.
            if self.rows.get(&old).is_some_and(|(written, _)| *written == at) {
                self.rows.remove(&old);
            }
        }
        self.rows.insert(id.clone(), (now, row));
        self.order.push_back((now, id));
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id).map(|(_, row)| row)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(id).map(|(_, row)| row)
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.rows.remove(id);
    }

    /// Returns the records, newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (&str, &T)> {
        self.order.iter().rev().filter_map(|(at, id)| {
            let (written, row) = self.rows.get(id)?;
            (written == at).then_some((id.as_str(), row))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_rows_go_when_new_ones_come() {
        let start = Timestamp::UNIX_EPOCH;
        let mut ledger = Ledger::default();
        ledger.insert(start, "old".to_owned(), 1);
        ledger.insert(plus(start, 3600), "younger".to_owned(), 2);
        ledger.insert(plus(start, KEEP_SECONDS), "new".to_owned(), 3);
        assert_eq!(ledger.get("old"), None);
        assert_eq!(ledger.newest().map(|(id, _)| id).collect::<Vec<_>>(), ["new", "younger"]);
    }

    #[test]
    fn the_number_of_rows_is_bounded() {
        let mut ledger = Ledger::default();
        for n in 0..=MOST {
            ledger.insert(Timestamp::UNIX_EPOCH, n.to_string(), n);
        }
        assert_eq!(ledger.rows.len(), MOST);
        assert_eq!(ledger.get("0"), None);
    }
}
