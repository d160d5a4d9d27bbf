use std::fmt;
use std::str::FromStr;

use super::lookup::Country;
use super::table::COUNTRIES;

/// A country or territory with telephone numbers, as an ISO 3166-1 code of two capital letters.
/// `AC`, `TA` and `XK` (Ascension, Tristan da Cunha, Kosovo) are among them.
///
/// ```
/// use otpmux_core::CountryCode;
/// let britain: CountryCode = "GB".parse()?;
/// assert_eq!((britain.as_str(), britain.calling_code()), ("GB", 44));
/// let others: Vec<_> = britain.sharing_its_code().map(|it| it.as_str()).collect();
/// assert_eq!(others, ["GG", "IM", "JE"]);
/// # Ok::<(), otpmux_core::CountryError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(u8);

impl CountryCode {
    /// Returns every country with telephone numbers, by its code.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self).take(COUNTRIES.len())
    }

    /// Returns the two capital letters.
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// Returns the calling code: the digits after the `+`.
    pub fn calling_code(self) -> u16 {
        self.row().calling
    }

    /// Returns whether this is the main country of its calling code: `US` for `+1`, `GB` for `+44`,
    /// `RU` for `+7`.
    pub fn is_main(self) -> bool {
        self.row().main
    }

    /// Returns the other countries and territories with the same calling code.
    pub fn sharing_its_code(self) -> impl Iterator<Item = Self> {
        Self::all().filter(move |it| *it != self && it.calling_code() == self.calling_code())
    }

    pub(super) fn row(self) -> &'static Country {
        &COUNTRIES[usize::from(self.0)]
    }

    /// `None` for an index beyond the table, which means no country.
    pub(super) fn at(place: u8) -> Option<Self> {
        (usize::from(place) < COUNTRIES.len()).then_some(Self(place))
    }
}

impl FromStr for CountryCode {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let at = COUNTRIES.binary_search_by_key(&text, |country| country.code);
        at.ok().and_then(|at| u8::try_from(at).ok()).map(Self).ok_or(CountryError(()))
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

/// Error returned when a text is not a country code.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a country with telephone numbers; write two capital letters such as IN")]
pub struct CountryError(());

crate::debug_as_display!(CountryError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_and_nothing_else_is_one() {
        for country in CountryCode::all() {
            assert_eq!(country.as_str().parse(), Ok(country));
        }
        for also in ["AX", "BL", "BQ", "CC", "CX", "EH", "MF", "SJ", "TA", "YT"] {
            assert!(also.parse::<CountryCode>().is_ok(), "{also}");
        }
        for wrong in ["", "in", "IND", "India", "XX", "AQ"] {
            assert!(wrong.parse::<CountryCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_calling_code_has_one_main_country() {
        for country in CountryCode::all() {
            let family = country.sharing_its_code().chain([country]);
            assert_eq!(family.filter(|it| it.is_main()).count(), 1, "{country}");
        }
    }
}
