//! What a vendor reported about the delivery of one message, and how reports are merged.

use std::time::{Duration, SystemTime};

use otpmux_core::Delivery;
use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::VerificationId;

/// The delivery of the message of one send attempt, as its vendor reported it.
///
/// Reports come late, twice and in any order. [`merge`](Self::merge) returns the stronger of two:
/// whatever the order, and however often each comes, the result is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct DeliveryMark {
    delivery: Delivery,
    at: SystemTime,
    is_final: bool,
}

/// The deliveries, from the weakest to the strongest.
const RANKS: [Delivery; 6] = [
    Delivery::Accepted,
    Delivery::Sent,
    Delivery::Unknown,
    Delivery::Expired,
    Delivery::Failed,
    Delivery::Delivered,
];

/// One more than the latest time of a mark: the year 2286, 13 digits of milliseconds.
const END: u64 = 10_000_000_000_000;

impl DeliveryMark {
    /// Returns a mark. A delivered message is final. The time is kept in whole milliseconds.
    pub fn new(delivery: Delivery, at: SystemTime, is_final: bool) -> Self {
        let strength = Strength { rank: rank(delivery), is_final, at: crate::millis(at) };
        Self::from(Form(strength.number()))
    }

    /// Where the message is.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// When it came there: by the vendor's clock, or when the report came.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// Whether the vendor expects no further change.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// Whether the message certainly did not arrive: a final `failed` or `expired`, of which the
    /// [number](Self::number) divided by 10<sup>13</sup> is 9 or 10.
    #[must_use]
    pub fn has_failed(self) -> bool {
        self.is_final && matches!(self.delivery, Delivery::Failed | Delivery::Expired)
    }

    /// Returns the stronger of two marks of one message. `Delivered` is stronger than everything
    /// else. Of the others, a final one is stronger than one that is not; then accepted < sent <
    /// unknown < expired < failed. Of equal ones, the earlier.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if other.number() > self.number() { other } else { self }
    }

    /// Returns the mark as a number of at most 15 digits, which is larger the stronger the mark is:
    /// a store merges two marks by keeping the larger number.
    pub fn number(self) -> u64 {
        let strength = Strength {
            rank: rank(self.delivery),
            is_final: self.is_final,
            at: crate::millis(self.at),
        };
        strength.number()
    }

    /// Returns the mark of a number; `None` if [`number`](Self::number) gives no such one.
    pub fn from_number(number: u64) -> Option<Self> {
        let mark = Self::from(Form(number));
        (mark.number() == number).then_some(mark)
    }
}

struct Strength {
    rank: usize,
    is_final: bool,
    at: u64,
}

impl Strength {
    fn number(&self) -> u64 {
        let delivered = self.rank == RANKS.len() - 1;
        // Up to 23: two digits.
        let class = self.rank
            + if delivered { 12 } else { 0 }
            + 6 * usize::from(self.is_final || delivered);
        let class = u64::try_from(class).unwrap_or(0);
        class * END + (END - 1 - self.at.min(END - 1))
    }
}

fn rank(delivery: Delivery) -> usize {
    // A delivery that this version does not know says nothing.
    RANKS.iter().position(|known| *known == delivery).unwrap_or(2)
}

/// A mark as its number.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Form(u64);

impl From<DeliveryMark> for Form {
    fn from(mark: DeliveryMark) -> Self {
        Self(mark.number())
    }
}

impl From<Form> for DeliveryMark {
    fn from(Form(number): Form) -> Self {
        let class = usize::try_from(number / END).unwrap_or(0).min(23);
        let at = END - 1 - number % END;
        Self {
            delivery: RANKS[class % 6],
            is_final: class >= 6,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(at),
        }
    }
}

/// The send attempt that a delivery is about, for
/// [`VerificationStore::receive`](crate::VerificationStore::receive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must find by each of them")]
pub enum ReceiptOf {
    /// This one of a verification.
    Attempt {
        /// The verification.
        id: VerificationId,
        /// The index among its send attempts.
        place: u8,
    },
    /// The one whose outcome brought the vendor's reference with this keyed hash, as
    /// [`AttemptEnd::found_by`](crate::AttemptEnd::found_by).
    Reference([u8; 16]),
}

/// Result of [`VerificationStore::receive`](crate::VerificationStore::receive).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Received {
    /// The mark changed this send attempt of the record.
    Changed {
        /// The record after the change.
        record: Box<Record>,
        /// The index of the send attempt.
        place: u8,
        /// What was known of its delivery before.
        before: Option<DeliveryMark>,
    },
    /// A mark that is as strong or stronger was there already.
    Same,
    /// The record, or the send attempt, is not there: its retention has passed, or it never was, or
    /// its reference is not recorded yet.
    Gone,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn any_mark() -> impl Strategy<Value = DeliveryMark> {
        (0..RANKS.len(), 0..5_u64, any::<bool>()).prop_map(|(rank, seconds, is_final)| {
            DeliveryMark::new(RANKS[rank], at(seconds), is_final)
        })
    }

    fn merged(marks: &[DeliveryMark]) -> DeliveryMark {
        marks.iter().copied().reduce(DeliveryMark::merge).unwrap()
    }

    proptest! {
        #[test]
        fn every_order_and_every_repeat_ends_alike(
            (marks, shuffled) in proptest::collection::vec(any_mark(), 1..7)
                .prop_flat_map(|marks| (Just(marks.clone()), Just(marks).prop_shuffle()))
        ) {
            let expected = merged(&marks);
            prop_assert_eq!(merged(&shuffled), expected);
            let twice = [&shuffled[..], &marks[..], &[expected]].concat();
            prop_assert_eq!(merged(&twice), expected);
        }

        #[test]
        fn delivered_is_never_lost_and_a_final_mark_gives_way_to_nothing_else(
            marks in proptest::collection::vec(any_mark(), 1..7)
        ) {
            let result = merged(&marks);
            let delivered = marks.iter().any(|mark| mark.delivery() == Delivery::Delivered);
            prop_assert_eq!(result.delivery() == Delivery::Delivered, delivered);
            let is_final = marks.iter().any(DeliveryMark::is_final);
            prop_assert_eq!(result.is_final(), is_final);
        }

        #[test]
        fn a_number_is_a_mark(mark in any_mark()) {
            prop_assert_eq!(DeliveryMark::from_number(mark.number()), Some(mark));
            let text = serde_json::to_string(&mark).unwrap();
            prop_assert_eq!(serde_json::from_str::<DeliveryMark>(&text).unwrap(), mark);
        }

        #[test]
        fn no_number_panics(number in any::<u64>()) {
            if let Some(mark) = DeliveryMark::from_number(number) {
                prop_assert_eq!(mark.number(), number);
            }
            let _ = serde_json::from_str::<DeliveryMark>(&number.to_string());
        }
    }

    #[test]
    fn the_order_of_the_states() {
        let mark = |delivery, is_final| DeliveryMark::new(delivery, at(9), is_final);
        let order = [
            mark(Delivery::Accepted, false),
            mark(Delivery::Sent, false),
            mark(Delivery::Unknown, false),
            mark(Delivery::Expired, false),
            mark(Delivery::Failed, false),
            mark(Delivery::Accepted, true),
            mark(Delivery::Sent, true),
            mark(Delivery::Unknown, true),
            mark(Delivery::Expired, true),
            mark(Delivery::Failed, true),
            mark(Delivery::Delivered, false),
        ];
        for pair in order.windows(2) {
            assert_eq!(pair[0].merge(pair[1]), pair[1]);
            assert_eq!(pair[1].merge(pair[0]), pair[1]);
        }
        assert!(mark(Delivery::Delivered, false).is_final());
        // The earlier of two equal ones: a repeat that is stamped when it comes changes nothing.
        let (early, late) = (order[1], DeliveryMark::new(Delivery::Sent, at(10), false));
        assert_eq!(late.merge(early), early);
        assert_eq!(early.merge(late), early);
    }
}
