use std::fmt;
use std::str::FromStr;

/// A country or territory, as an ISO 3166-1 code of two capital letters.
///
/// ```
/// use otpmux_core::CountryCode;
/// let india: CountryCode = "IN".parse()?;
/// assert_eq!(india.as_str(), "IN");
/// # Ok::<(), otpmux_core::CountryError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two capital letters.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters are ever stored, so this cannot fail.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for CountryCode {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([*a, *b])),
            _ => Err(CountryError(())),
        }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no country's code.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a country with telephone numbers; write two capital letters such as IN")]
pub struct CountryError(());

crate::debug_as_display!(CountryError);
