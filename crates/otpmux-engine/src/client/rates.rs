//! Counts of each provider's messages within the last hour, as this process has seen them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use otpmux_core::ProviderId;

use crate::keyed_map::KeyedMap;

/// Events are counted in slots of five minutes; twelve are an hour.
const SLOT_MILLIS: u64 = 300_000;
const SLOTS: usize = 12;

/// Messages of a provider within the last hour (55 to 60 minutes), as one process has seen them.
///
/// Processes that share a load each see a fair part of it, so the shares of one process are those of
/// all, more or less exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastHour {
    /// Messages that the vendor accepted.
    pub accepted: u64,
    /// Messages that the vendor reported as delivered; `None` if it sends no receipts.
    pub delivered: Option<u64>,
    /// Verifications that were approved and whose newest accepted message was this provider's;
    /// `None` if [they are not counted](crate::OtpClient::count_approvals).
    pub approved: Option<u64>,
}

impl LastHour {
    /// Returns the delivered share of the accepted messages, 0 to 1; `None` if it is not known.
    pub fn delivery_rate(&self) -> Option<f64> {
        self.rate(self.delivered)
    }

    /// Returns the approved verifications for each accepted message, 0 to 1; `None` if that is not
    /// known.
    pub fn approval_rate(&self) -> Option<f64> {
        self.rate(self.approved)
    }

    #[expect(clippy::cast_precision_loss, reason = "messages of an hour are fewer than 2^52")]
    fn rate(&self, part: Option<u64>) -> Option<f64> {
        let part = part.filter(|_| self.accepted > 0)?;
        // Messages from before the hour may be delivered within it.
        Some((part as f64 / self.accepted as f64).min(1.0))
    }
}

/// An event of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Accepted,
    Delivered,
    Approved,
}

/// The counts of a slot, by event.
type Counts = [u64; 3];

#[derive(Default)]
pub(super) struct Rates {
    /// For each slot its number since 1970, and its counts.
    slots: Mutex<KeyedMap<ProviderId, [(u64, Counts); SLOTS]>>,
    approvals: AtomicBool,
}

impl Rates {
    pub(super) fn count_approvals(&self, count: bool) {
        self.approvals.store(count, Ordering::Relaxed);
    }

    pub(super) fn counts_approvals(&self) -> bool {
        self.approvals.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, provider: &ProviderId, event: Event, now: SystemTime) {
        let number = number(now);
        let mut slots = self.lock();
        let slots = match slots.get_mut(provider) {
            Some(slots) => slots,
            None => slots.entry(provider.clone()).or_default(),
        };
        let slot = &mut slots[place(number)];
        if slot.0 != number {
            *slot = (number, Counts::default());
        }
        slot.1[event as usize] += 1;
    }

    /// Returns the counts of accepted, delivered and approved.
    pub(super) fn last_hour(&self, provider: &ProviderId, now: SystemTime) -> [u64; 3] {
        let number = number(now);
        let slots = self.lock();
        let slots = slots.get(provider).into_iter().flatten();
        let recent = slots.filter(|(of, _)| of + SLOTS as u64 > number && *of <= number);
        recent.fold(Counts::default(), |sum, (_, counts)| {
            std::array::from_fn(|event| sum[event] + counts[event])
        })
    }

    fn lock(&self) -> MutexGuard<'_, KeyedMap<ProviderId, [(u64, Counts); SLOTS]>> {
        // No step under the lock can panic half-way.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(now: SystemTime) -> u64 {
    crate::millis(now) / SLOT_MILLIS
}

fn place(number: u64) -> usize {
    usize::try_from(number % SLOTS as u64).unwrap_or(0)
}

impl fmt::Debug for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_hour_is_counted_and_then_forgotten() {
        let rates = Rates::default();
        let (a, b) = (ProviderId::new("a").unwrap(), ProviderId::new("b").unwrap());
        let at = |minutes: u64| SystemTime::UNIX_EPOCH + Duration::from_mins(1_000_000 + minutes);
        rates.count(&a, Event::Accepted, at(0));
        rates.count(&a, Event::Accepted, at(30));
        rates.count(&a, Event::Delivered, at(31));
        rates.count(&b, Event::Approved, at(31));
        assert_eq!(rates.last_hour(&a, at(54)), [2, 1, 0]);
        assert_eq!(rates.last_hour(&b, at(54)), [0, 0, 1]);
        assert_eq!(rates.last_hour(&a, at(62)), [1, 1, 0]);
        assert_eq!(rates.last_hour(&a, at(120)), [0; 3]);
        // A slot is used again.
        rates.count(&a, Event::Accepted, at(120));
        assert_eq!(rates.last_hour(&a, at(120)), [1, 0, 0]);
        assert_eq!(rates.last_hour(&ProviderId::new("c").unwrap(), at(0)), [0; 3]);
    }

    #[test]
    fn a_rate_is_known_only_of_something() {
        let mut hour = LastHour { accepted: 4, delivered: Some(3), approved: None };
        assert_eq!((hour.delivery_rate(), hour.approval_rate()), (Some(0.75), None));
        hour.accepted = 2;
        assert_eq!(hour.delivery_rate(), Some(1.0));
        hour.accepted = 0;
        assert_eq!(hour.delivery_rate(), None);
    }
}
