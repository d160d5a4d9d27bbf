//! The vendors' reports on messages: a queue on the emulator's clock, and their faults.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::callback::Callback;
use crate::clock::{millis, plus};
use crate::vendors::Vendor;

const NEWEST: usize = 10_000;

/// Misbehaviour of a vendor's delivery receipts. In JSON `{"fault":"late","seconds":60}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ReceiptFault {
    /// Each comes so many seconds later, by the emulator's clock.
    Late {
        /// The delay.
        seconds: u64,
    },
    /// Each comes twice.
    Twice,
    /// Of two that follow each other, the later one comes first. One waits until there is another,
    /// or until the fault ends.
    Reordered,
    /// None comes.
    Never,
    /// Each has a signature that does not fit; without a signature, a changed secret in its URL.
    Forged,
}

/// A delivery receipt that a vendor sent.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SentReceipt {
    /// The vendor.
    pub vendor: Vendor,
    /// The URL.
    pub url: String,
    /// The body, if it is text.
    pub body: String,
    /// When it was sent, by the emulator's clock (RFC 3339).
    pub at: String,
    /// The status of the answer; `None` without an answer.
    pub status: Option<u16>,
}

impl fmt::Debug for SentReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SentReceipt({}, {:?})", self.vendor, self.status)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) vendor: Vendor,
    pub(crate) callback: Callback,
    /// The fault has delayed it already.
    is_delayed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct ReceiptQueue {
    /// In the order in which they are due; among equals in the order in which they were queued.
    waiting: VecDeque<Waiting>,
    /// One for each vendor whose receipts come in the wrong order.
    held: BTreeMap<Vendor, Waiting>,
    faults: BTreeMap<Vendor, ReceiptFault>,
    sent: VecDeque<SentReceipt>,
    /// How many are on their way.
    under_way: usize,
    changes: watch::Sender<()>,
}

impl ReceiptQueue {
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self { changes, ..Self::default() }
    }

    pub(crate) fn push(&mut self, vendor: Vendor, callback: Callback) {
        self.insert(Waiting { vendor, callback, is_delayed: false });
    }

    fn insert(&mut self, waiting: Waiting) {
        let at = waiting.callback.at;
        let place = self.waiting.partition_point(|other| other.callback.at <= at);
        self.waiting.insert(place, waiting);
        self.changes.send_replace(());
    }

    pub(crate) fn set_fault(&mut self, vendor: Vendor, fault: Option<ReceiptFault>) {
        match fault {
            Some(fault) => drop(self.faults.insert(vendor, fault)),
            None => drop(self.faults.remove(&vendor)),
        }
        if fault != Some(ReceiptFault::Reordered)
            && let Some(held) = self.held.remove(&vendor)
        {
            self.insert(Waiting { is_delayed: true, ..held });
        }
        self.changes.send_replace(());
    }

    pub(crate) fn faults(&self) -> &BTreeMap<Vendor, ReceiptFault> {
        &self.faults
    }

    /// Returns when the next one is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.front().map(|waiting| waiting.callback.at)
    }

    /// Takes the one that is due, with its fault applied: none, one or two requests.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<Vec<Waiting>> {
        if self.next_due()? > now {
            return None;
        }
        let mut one = self.waiting.pop_front()?;
        let taken = match self.faults.get(&one.vendor) {
            None => vec![one],
            Some(ReceiptFault::Never) => Vec::new(),
            Some(ReceiptFault::Twice) => vec![one.clone(), one],
            Some(ReceiptFault::Forged) => {
                one.callback = one.callback.forged();
                vec![one]
            }
            Some(ReceiptFault::Late { .. }) if one.is_delayed => vec![one],
            Some(ReceiptFault::Late { seconds }) => {
                one.callback.at = plus(one.callback.at, *seconds);
                self.insert(Waiting { is_delayed: true, ..one });
                Vec::new()
            }
            Some(ReceiptFault::Reordered) => {
                if let Some(earlier) = self.held.remove(&one.vendor) {
                    vec![one, earlier]
                } else {
                    self.held.insert(one.vendor, one);
                    Vec::new()
                }
            }
        };
        self.under_way += taken.len();
        // One that is dropped or held back may be the one that a caller waits for.
        self.changes.send_replace(());
        Some(taken)
    }

    /// Notes the outcome of a request, and queues its repeat, if the vendor makes one.
    pub(crate) fn done(&mut self, one: Waiting, now: Timestamp, status: Option<u16>) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.sent.len() == NEWEST {
            self.sent.pop_front();
        }
        self.sent.push_back(SentReceipt {
            vendor: one.vendor,
            url: one.callback.url.clone(),
            body: String::from_utf8_lossy(&one.callback.body).into_owned(),
            at: millis(now),
            status,
        });
        let accepted = status.is_some_and(|status| (200..300).contains(&status));
        if !accepted && let Some((pause, rest)) = one.callback.repeats.split_first() {
            let at = plus(now, *pause);
            let callback = Callback { at, repeats: rest, ..one.callback };
            self.insert(Waiting { callback, ..one });
        }
        self.changes.send_replace(());
    }

    /// Returns whether all that are due have been sent and answered.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        self.under_way == 0 && self.next_due().is_none_or(|due| due > now)
    }

    /// Returns those that were sent, oldest first.
    pub(crate) fn sent(&self, vendor: Option<Vendor>) -> Vec<SentReceipt> {
        let fits = |sent: &&SentReceipt| vendor.is_none_or(|vendor| vendor == sent.vendor);
        self.sent.iter().filter(fits).cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.sent.clear();
        self.changes.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: Vendor = Vendor::Replayed("acme");

    fn queue(fault: Option<ReceiptFault>) -> ReceiptQueue {
        let mut queue = ReceiptQueue::default();
        queue.set_fault(VENDOR, fault);
        for (seconds, body) in [(2, "second"), (1, "first"), (3, "third")] {
            let at = plus(Timestamp::UNIX_EPOCH, seconds);
            let callback = Callback::new(at, "http://127.0.0.1/r?token=abcd", "text/plain", body);
            queue.push(VENDOR, callback.repeated(&[60]));
        }
        queue
    }

    fn all(queue: &mut ReceiptQueue, seconds: u64) -> Vec<String> {
        let now = plus(Timestamp::UNIX_EPOCH, seconds);
        let mut found = Vec::new();
        while let Some(taken) = queue.take(now) {
            for one in taken {
                found.push(String::from_utf8(one.callback.body.to_vec()).unwrap());
                queue.done(one, now, Some(204));
            }
        }
        found
    }

    #[test]
    fn they_come_in_their_order_when_they_are_due() {
        let mut queue = queue(None);
        assert_eq!(all(&mut queue, 0), Vec::<String>::new());
        assert_eq!(all(&mut queue, 2), ["first", "second"]);
        assert_eq!(all(&mut queue, 9), ["third"]);
        assert!(queue.is_settled(plus(Timestamp::UNIX_EPOCH, 9)));
    }

    #[test]
    fn each_fault_does_what_it_says() {
        let twice = ["first", "first", "second", "second", "third", "third"];
        assert_eq!(all(&mut queue(Some(ReceiptFault::Twice)), 9), twice);
        assert!(all(&mut queue(Some(ReceiptFault::Never)), 9).is_empty());
        let mut late = queue(Some(ReceiptFault::Late { seconds: 10 }));
        assert!(all(&mut late, 10).is_empty());
        assert_eq!(all(&mut late, 12), ["first", "second"]);
        let mut reordered = queue(Some(ReceiptFault::Reordered));
        assert_eq!(all(&mut reordered, 9), ["second", "first"]);
        reordered.set_fault(VENDOR, None);
        assert_eq!(all(&mut reordered, 9), ["third"]);
        let mut forged = queue(Some(ReceiptFault::Forged));
        let taken = forged.take(plus(Timestamp::UNIX_EPOCH, 1)).unwrap();
        assert_eq!(taken[0].callback.url, "http://127.0.0.1/r?token=0bcd");
    }

    #[test]
    fn one_that_was_not_accepted_comes_again() {
        let mut queue = queue(None);
        let now = plus(Timestamp::UNIX_EPOCH, 1);
        let one = queue.take(now).unwrap().remove(0);
        queue.done(one, now, None);
        assert_eq!(all(&mut queue, 60), ["second", "third"]);
        assert_eq!(all(&mut queue, 61), ["first"]);
        assert_eq!(queue.sent(Some(VENDOR)).len(), 4);
    }
}
