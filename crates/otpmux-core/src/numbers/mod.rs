//! Telephone numbers: parsing, one form per telephone, country and kind.

mod country;
mod kind;
mod lookup;
mod phone;
mod plan;
#[rustfmt::skip]
mod table;

pub use country::{CountryCode, CountryError};
pub use kind::{NumberKind, NumberKindError};
pub use phone::PhoneNumber;
pub(crate) use plan::described;

/// The country and the kind of a telephone number, by its first digits and its length.
///
/// A number that was ported or moved abroad keeps its range, so this is a hint and no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The country; `None` for numbers without a country (satellites, international services) and
    /// for those whose country is unknown, such as an unassigned area code of `+1`.
    ///
    /// If countries share a range and the digits do not decide (some of Guadeloupe, Saint
    /// Barthélemy and Saint Martin; of Australia's outer islands), it is the larger country.
    pub country: Option<CountryCode>,
    /// The kind; [`NumberKind::Ordinary`] if kinds share a range.
    pub kind: NumberKind,
}

/// The version of libphonenumber whose metadata gives country, kind and lengths.
pub const NUMBERS_VERSION: &str = table::VERSION;
