use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::system::{Entropy, EntropyError};

const MIN: usize = 4;
const MAX: usize = 10;

/// A one-time code: 4 to 10 decimal digits, kept as text so that leading zeros survive.
///
/// Compared in constant time, wiped from memory when dropped, never shown by `Debug`; there is no
/// `Display` and no serialisation.
///
/// ```
/// use otpmux_core::Code;
/// let code: Code = "004217".parse()?;
/// assert_eq!(code.expose(), "004217");
/// assert_ne!(code, "4217".parse()?);
/// # Ok::<(), otpmux_core::CodeError>(())
/// ```
#[derive(Clone)]
pub struct Code {
    /// ASCII digits, then zero bytes; the padding makes codes of any length comparable.
    digits: [u8; MAX],
    len: u8,
}

impl Code {
    /// The shortest code that can exist.
    pub const MIN_LENGTH: u8 = 4;
    /// The longest code that can exist.
    pub const MAX_LENGTH: u8 = 10;

    /// Makes a code of `length` digits in which every code is equally likely.
    ///
    /// # Errors
    ///
    /// [`CodeError::Length`] unless `length` is 4 to 10; [`CodeError::Entropy`] when there is no
    /// randomness.
    pub fn generate(length: u8, entropy: &dyn Entropy) -> Result<Self, CodeError> {
        if !(Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&length) {
            return Err(CodeError::Length);
        }
        let range = 10u64.pow(u32::from(length));
        // Numbers at and above the last whole multiple of `range` would favour low codes: they are
        // thrown away. That happens less than once in 10^9 draws, so 16 in a row mean that the
        // generator is broken.
        let limit = u64::MAX - u64::MAX % range;
        for _ in 0..16 {
            let mut bytes = [0; 8];
            entropy.fill(&mut bytes)?;
            let number = u64::from_le_bytes(bytes);
            bytes.zeroize();
            if number < limit {
                return Ok(Self::from_number(number % range, length));
            }
        }
        Err(CodeError::Entropy(EntropyError::new()))
    }

    fn from_number(mut number: u64, len: u8) -> Self {
        let mut digits = [0; MAX];
        for place in digits[..usize::from(len)].iter_mut().rev() {
            *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
        Self { digits, len }
    }

    /// The digits. Hand them to the vendor and to nothing else.
    pub fn expose(&self) -> &str {
        // Only ASCII digits are ever stored, so this cannot fail.
        str::from_utf8(&self.digits[..usize::from(self.len)]).unwrap_or_default()
    }

    /// How many digits the code has, 4 to 10.
    pub const fn length(&self) -> u8 {
        self.len
    }
}

impl FromStr for Code {
    type Err = CodeError;

    /// Takes 4 to 10 ASCII digits and nothing else: no spaces, no other script's digits.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let bytes = text.as_bytes();
        if !bytes.iter().all(u8::is_ascii_digit) {
            return Err(CodeError::NotDigits);
        }
        if !(MIN..=MAX).contains(&bytes.len()) {
            return Err(CodeError::Length);
        }
        let mut digits = [0; MAX];
        digits[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { digits, len: u8::try_from(bytes.len()).unwrap_or(Self::MAX_LENGTH) })
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        // The padding differs wherever the lengths do.
        self.digits.ct_eq(&other.digits).into()
    }
}

impl Eq for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        self.digits.zeroize();
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} digits)", self.len)
    }
}

/// A text that is no code, or a code that could not be made.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Something other than the digits 0 to 9.
    #[error("a code consists of the digits 0 to 9 only")]
    NotDigits,
    /// Fewer than 4 or more than 10 digits.
    #[error("a code has 4 to 10 digits")]
    Length,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

crate::debug_as_display!(CodeError);

/// Who makes the code of a verification, and so who can verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeSource {
    /// We made it: we can verify it, and any provider that takes it can carry it.
    Supplied(Code),
    /// The vendor makes it: only that vendor can verify it.
    Vendor {
        /// The wished number of digits; `None` leaves it to the vendor.
        length: Option<u8>,
    },
}

impl CodeSource {
    /// The code, if it is ours.
    pub fn supplied(&self) -> Option<&Code> {
        match self {
            Self::Supplied(code) => Some(code),
            Self::Vendor { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::OsEntropy;

    /// Gives the listed numbers, then the last one for ever.
    #[derive(Debug)]
    struct Script(Vec<u64>, AtomicUsize);

    impl Entropy for Script {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            let i = self.1.fetch_add(1, Ordering::Relaxed).min(self.0.len() - 1);
            dest.copy_from_slice(&self.0[i].to_le_bytes());
            Ok(())
        }
    }

    fn script(numbers: &[u64]) -> Script {
        Script(numbers.to_vec(), AtomicUsize::new(0))
    }

    #[test]
    fn leading_zeros_survive() {
        assert_eq!(Code::generate(6, &script(&[42])).unwrap().expose(), "000042");
        assert_eq!("0000".parse::<Code>().unwrap().expose(), "0000");
    }

    #[test]
    fn numbers_that_would_bias_are_thrown_away() {
        assert_eq!(Code::generate(10, &script(&[u64::MAX, 7])).unwrap().expose(), "0000000007");
        let broken = Code::generate(10, &script(&[u64::MAX])).unwrap_err();
        assert_eq!(broken, CodeError::Entropy(EntropyError::new()));
    }

    /// SEC-01: 10^6 codes of four digits over 10^4 values. The statistic has mean 9,999 and
    /// standard deviation 141; eight deviations are out of reach of a fair generator.
    #[test]
    fn sec_01_codes_are_uniform() {
        let mut seen = vec![0u32; 10_000];
        for _ in 0..1_000_000 {
            let code = Code::generate(4, &OsEntropy).unwrap();
            seen[code.expose().parse::<usize>().unwrap()] += 1;
        }
        let chi: f64 = seen.iter().map(|&n| (f64::from(n) - 100.0).powi(2) / 100.0).sum();
        assert!((8_870.0..11_130.0).contains(&chi), "chi-square {chi}");
    }

    #[test]
    fn lengths_outside_are_refused() {
        for length in [0, 3, 11, 255] {
            assert_eq!(Code::generate(length, &OsEntropy).unwrap_err(), CodeError::Length);
        }
    }

    #[test]
    fn codes_of_other_lengths_differ() {
        let [short, long] = ["1234", "12340"].map(|t| t.parse::<Code>().unwrap());
        assert_ne!(short, long);
    }

    proptest! {
        #[test]
        fn parses_exactly_4_to_10_ascii_digits(text in "\\PC{0,12}|[0-9]{0,12}") {
            let fits = (4..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            prop_assert_eq!(text.parse::<Code>().is_ok(), fits);
        }

        #[test]
        fn debug_never_shows_it(text in "[0-9]{4,10}") {
            let code: Code = text.parse().unwrap();
            let shown = format!("{code:?}");
            prop_assert!(!shown.contains(&text));
            prop_assert_eq!(code.expose(), text);
        }
    }
}
