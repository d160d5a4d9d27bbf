use std::fmt;
use std::str::FromStr;

use otpmux_core::{Entropy, EntropyError};

/// The last bit of an id says what it names: 1 a delivery, 0 a verification.
const DELIVERY: u8 = 1;

/// Id of a verification: 127 random bits, written as 32 hexadecimal digits. It says nothing about
/// the vendor or the recipient, and an id without a code approves nothing. No text is both the id
/// of a verification and of a [delivery](DeliveryId).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerificationId([u8; 16]);

/// Id of a delivery: 127 random bits, written as 32 hexadecimal digits. It says nothing about the
/// vendor or the recipient, and is never the id of a [verification](VerificationId).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(VerificationId);

impl VerificationId {
    /// Generates an id.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        bytes[15] &= !DELIVERY;
        Ok(Self(bytes))
    }

    /// Returns the id's bytes, for a store.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Creates an id from a store's bytes. A store keeps deliveries under ids of this type too; no
    /// verb for verifications finds them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Whether the record of this id is that of a [delivery](DeliveryId).
    pub const fn is_delivery(self) -> bool {
        self.0[15] & DELIVERY == DELIVERY
    }

    /// Reads the 32 digits of an id of either kind, as a store writes them.
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn of_record(text: &str) -> Result<Self, ParseIdError> {
        let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(lower_hex) {
            return Err(ParseIdError);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| ParseIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl DeliveryId {
    /// Generates an id.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let VerificationId(mut bytes) = VerificationId::generate(entropy)?;
        bytes[15] |= DELIVERY;
        Ok(Self(VerificationId(bytes)))
    }

    /// Returns the id under which a store keeps the delivery.
    pub const fn record_id(self) -> VerificationId {
        self.0
    }

    /// Returns the delivery whose record has this id, if it is that of a delivery.
    pub const fn of(record: VerificationId) -> Option<Self> {
        if record.is_delivery() { Some(Self(record)) } else { None }
    }
}

impl fmt::Display for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationId({self})")
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

impl FromStr for VerificationId {
    type Err = ParseIdError;

    /// Refuses the id of a delivery.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let id = Self::of_record(text)?;
        if id.is_delivery() { Err(ParseIdError) } else { Ok(id) }
    }
}

impl FromStr for DeliveryId {
    type Err = ParseDeliveryIdError;

    /// Refuses the id of a verification.
    fn from_str(text: &str) -> Result<Self, ParseDeliveryIdError> {
        let record = VerificationId::of_record(text).map_err(|_| ParseDeliveryIdError)?;
        Self::of(record).ok_or(ParseDeliveryIdError)
    }
}

/// Error returned when a text is no verification id.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a verification id: 32 hexadecimal digits, as `send` gave it")]
#[non_exhaustive]
pub struct ParseIdError;

otpmux_core::debug_as_display!(ParseIdError);

/// Error returned when a text is no delivery id.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a delivery id: 32 hexadecimal digits, as `deliver` gave it")]
#[non_exhaustive]
pub struct ParseDeliveryIdError;

otpmux_core::debug_as_display!(ParseDeliveryIdError);

#[cfg(test)]
mod tests {
    use otpmux_core::OsEntropy;

    use super::*;

    #[test]
    fn text_and_back() {
        let id = VerificationId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0]);
        assert_eq!(id.to_string(), "0102030405060708090a0b0c0d0e0f00");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in
            ["", "0102", "0102030405060708090A0B0C0D0E0F00", &"g".repeat(32), &"+".repeat(32)]
        {
            assert_eq!(bad.parse::<VerificationId>(), Err(ParseIdError), "{bad:?}");
            assert_eq!(bad.parse::<DeliveryId>(), Err(ParseDeliveryIdError), "{bad:?}");
        }
    }

    #[test]
    fn each_kind_refuses_the_ids_of_the_other() {
        for _ in 0..100 {
            let verification = VerificationId::generate(&OsEntropy).unwrap();
            let delivery = DeliveryId::generate(&OsEntropy).unwrap();
            assert!(!verification.is_delivery() && delivery.record_id().is_delivery());
            assert_eq!(verification.to_string().parse(), Ok(verification));
            assert_eq!(delivery.to_string().parse(), Ok(delivery));
            assert_eq!(delivery.to_string().parse::<VerificationId>(), Err(ParseIdError));
            assert_eq!(verification.to_string().parse::<DeliveryId>(), Err(ParseDeliveryIdError));
            let bytes = delivery.record_id().to_bytes();
            assert_eq!(DeliveryId::of(VerificationId::from_bytes(bytes)), Some(delivery));
        }
    }
}
