use std::fmt;
use std::str::FromStr;

use otpmux_core::{Entropy, EntropyError};

/// Id of a verification: 128 random bits, written as 32 hexadecimal digits. It says nothing about
/// the vendor or the recipient, and an id without a code approves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerificationId([u8; 16]);

impl VerificationId {
    /// Generates an id.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Returns the id's bytes, for a store.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Creates an id from a store's bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for VerificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationId({self})")
    }
}

impl FromStr for VerificationId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(lower_hex) {
            return Err(ParseIdError);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| ParseIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Error returned when a text is no verification id.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a verification id: 32 hexadecimal digits, as `send` gave it")]
#[non_exhaustive]
pub struct ParseIdError;

otpmux_core::debug_as_display!(ParseIdError);

#[cfg(test)]
mod tests {
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
        }
    }
}
