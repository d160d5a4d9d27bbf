use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::system::{Entropy, EntropyError};
use crate::typed;

const MIN: usize = 4;
const MAX: usize = 10;

/// A one-time code: 4 to 10 decimal digits, kept as text so that leading zeros survive. A code that
/// another system made may have ASCII letters too ([`given`](Self::given)).
///
/// Compared in constant time, wiped from memory when dropped, never shown by `Debug`. It has no
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
    /// ASCII digits or letters, then zero bytes; the padding makes codes of any length comparable.
    digits: [u8; MAX],
    len: u8,
}

impl Code {
    /// The shortest valid length.
    pub const MIN_LENGTH: u8 = 4;
    /// The longest valid length.
    pub const MAX_LENGTH: u8 = 10;

    /// Generates a code of `length` digits; every code is equally likely.
    ///
    /// # Errors
    ///
    /// [`CodeError::Length`] unless `length` is 4 to 10; [`CodeError::Entropy`] if there is no
    /// randomness.
    pub fn generate(length: u8, entropy: &dyn Entropy) -> Result<Self, CodeError> {
        if !(Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&length) {
            return Err(CodeError::Length);
        }
        let range = 10u64.pow(u32::from(length));
        // Numbers from the last whole multiple of `range` on would favour low codes and are
        // discarded. That happens less than once in 10^9 draws, so 16 in a row mean that the
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

    /// A code that another system made and will check: 4 to 10 ASCII letters and digits, kept as
    /// given, also in their case.
    ///
    /// ```
    /// use otpmux_core::{Code, CodeError};
    /// assert_eq!(Code::given("0M53RF")?.expose(), "0M53RF");
    /// assert_eq!(Code::given("0M5-3RF").unwrap_err(), CodeError::NotLettersOrDigits);
    /// # Ok::<(), CodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CodeError::NotLettersOrDigits`] for any other character, white space included;
    /// [`CodeError::Length`] unless there are 4 to 10.
    pub fn given(text: &str) -> Result<Self, CodeError> {
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(CodeError::NotLettersOrDigits);
        }
        if !(MIN..=MAX).contains(&text.len()) {
            return Err(CodeError::Length);
        }
        let mut code = Self { digits: [0; MAX], len: 0 };
        for (place, byte) in code.digits.iter_mut().zip(text.bytes()) {
            *place = byte;
            code.len += 1;
        }
        Ok(code)
    }

    /// Whether it consists of digits only.
    pub fn is_numeric(&self) -> bool {
        self.digits[..usize::from(self.len)].iter().all(u8::is_ascii_digit)
    }

    /// Returns the digits, and letters if it has any. Pass them to the vendor only.
    pub fn expose(&self) -> &str {
        // Only ASCII is ever stored, so this cannot fail.
        str::from_utf8(&self.digits[..usize::from(self.len)]).unwrap_or_default()
    }

    /// Returns the number of digits and letters, 4 to 10.
    pub const fn length(&self) -> u8 {
        self.len
    }
}

impl FromStr for Code {
    type Err = CodeError;

    /// Parses a code as people type and paste it: 4 to 10 decimal digits of any script, with white
    /// space and [invisible](typed::is_invisible) characters anywhere, and dashes between digits.
    /// Any other text is ambiguous and an error.
    ///
    /// ```
    /// use otpmux_core::{Code, CodeError};
    /// let code: Code = "004217".parse()?;
    /// for typed in ["004 217\n", "004-217", "\u{200e}００４２１７", "٠٠٤٢١٧"] {
    ///     assert_eq!(typed.parse::<Code>()?, code);
    /// }
    /// assert_eq!("G-004217".parse::<Code>().unwrap_err(), CodeError::NotDigits);
    /// # Ok::<(), CodeError>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, CodeError> {
        // Wiped when dropped, also on an error.
        let mut code = Self { digits: [0; MAX], len: 0 };
        let mut dash = false;
        for c in text.chars() {
            if let Some(digit) = typed::decimal_digit(c) {
                let Some(place) = code.digits.get_mut(usize::from(code.len)) else {
                    return Err(CodeError::Length);
                };
                *place = b'0' + digit;
                code.len += 1;
                dash = false;
            } else if typed::is_dash(c) && code.len > 0 {
                dash = true;
            } else if typed::is_dash(c) || !typed::is_filler(c) {
                return Err(CodeError::NotDigits);
            }
        }
        match usize::from(code.len) {
            _ if dash => Err(CodeError::NotDigits),
            MIN..=MAX => Ok(code),
            _ => Err(CodeError::Length),
        }
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

/// Error returned when a text is not a code, or when a code cannot be generated.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The text holds more than digits, and spaces and dashes between them.
    #[error("a code consists of digits, with nothing but spaces or dashes between them")]
    NotDigits,
    /// The text of a code that another system made holds more than ASCII letters and digits.
    #[error("a code consists of ASCII letters and digits, and nothing between them")]
    NotLettersOrDigits,
    /// Fewer than 4 or more than 10 digits.
    #[error("a code has 4 to 10 digits")]
    Length,
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

crate::debug_as_display!(CodeError);

/// The generator of a code, which is also the side that can verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeSource {
    /// otpmux generated the code: otpmux verifies it, and any provider that supports it can carry
    /// it.
    Otpmux(Code),
    /// The vendor generates the code: only that vendor can verify it.
    Vendor {
        /// The requested number of digits; `None` leaves it to the vendor.
        length: Option<u8>,
    },
}

impl CodeSource {
    /// Returns the code if otpmux generated it.
    pub fn otpmux_code(&self) -> Option<&Code> {
        match self {
            Self::Otpmux(code) => Some(code),
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

    /// Returns the listed numbers, then the last one forever.
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
    /// standard deviation 141; a fair generator does not reach eight deviations.
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
    fn doubt_is_refused() {
        for (text, error) in [
            ("", CodeError::Length),
            (" \u{200b}", CodeError::Length),
            ("123", CodeError::Length),
            ("1234 5678 901", CodeError::Length),
            ("G-123456", CodeError::NotDigits),
            ("12345O", CodeError::NotDigits),
            ("123456.", CodeError::NotDigits),
            ("123,456", CodeError::NotDigits),
            ("-123456", CodeError::NotDigits),
            ("123456-", CodeError::NotDigits),
            ("123456 - ", CodeError::NotDigits),
            ("1234²6", CodeError::NotDigits),
            ("123\u{0}456", CodeError::NotDigits),
            ("code: 123456", CodeError::NotDigits),
        ] {
            assert_eq!(text.parse::<Code>().unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn a_given_code_is_kept_as_it_is() {
        for text in ["0M53RF", "abcd", "ABCD", "0042171234", "a1B2c3D4e5"] {
            let code = Code::given(text).unwrap();
            assert_eq!((code.expose(), usize::from(code.length())), (text, text.len()));
            assert_eq!(code.is_numeric(), text.bytes().all(|byte| byte.is_ascii_digit()));
            assert!(!format!("{code:?}").contains(text));
        }
        assert_ne!(Code::given("abcd").unwrap(), Code::given("ABCD").unwrap());
        assert_eq!(Code::given("004217").unwrap(), "004217".parse().unwrap());
        for (text, error) in [
            ("", CodeError::Length),
            ("abc", CodeError::Length),
            ("abcdefghijk", CodeError::Length),
            ("123 456", CodeError::NotLettersOrDigits),
            ("123-456", CodeError::NotLettersOrDigits),
            ("１２３４", CodeError::NotLettersOrDigits),
            ("cödes", CodeError::NotLettersOrDigits),
            ("{code}", CodeError::NotLettersOrDigits),
        ] {
            assert_eq!(Code::given(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn codes_of_other_lengths_differ() {
        let [short, long] = ["1234", "12340"].map(|t| t.parse::<Code>().unwrap());
        assert_ne!(short, long);
    }

    proptest! {
        #[test]
        fn parses_exactly_4_to_10_digits(text in "\\PC{0,12}|[0-9]{0,12}") {
            let digits: Option<String> = text
                .chars()
                .filter(|c| !c.is_whitespace() && !typed::is_invisible(*c))
                .map(|c| typed::decimal_digit(c).map(|digit| char::from(b'0' + digit)))
                .collect();
            let fits = digits.is_some_and(|digits| (4..=10).contains(&digits.len()));
            let dashes = text.contains(typed::is_dash);
            prop_assert!(dashes || text.parse::<Code>().is_ok() == fits);
        }

        /// Every way to paste a code gives the same code.
        #[test]
        fn a_pasted_code_equals_the_sent_one(
            code in "[0-9]{4,10}",
            script in prop::sample::select(vec!['0', '０', '٠', '۰', '०', '০', '๐', '𝟎']),
            before in "[ \\t\\n\\r\u{a0}\u{200b}\u{200e}\u{202a}\u{feff}]{0,3}",
            between in "[ \u{a0}\u{202f}\u{200d}\u{2060}\u{ad}]{0,2}[-\u{2010}\u{2011}\u{2013}\u{2212}]{0,2}",
            after in "[ \\t\\n\\r\u{a0}\u{3000}\u{200f}\u{2069}]{0,3}",
        ) {
            let other = |c: char| {
                char::from_u32(u32::from(script) + c.to_digit(10).unwrap()).unwrap().to_string()
            };
            let digits: Vec<_> = code.chars().map(other).collect();
            let typed: Code = format!("{before}{}{after}", digits.join(&between)).parse().unwrap();
            prop_assert_eq!(typed.expose(), code);
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
