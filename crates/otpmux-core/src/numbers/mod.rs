//! Telephone numbers: what people type, one form for one telephone, its country and kind.

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

/// Where a telephone number belongs, by the digits that it begins with and their count.
///
/// A number that was ported or moved abroad keeps the range that it came from, so this is a hint and
/// no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Place {
    /// The country; `None` for numbers of no country (satellites, international services) and for
    /// those whose country nobody can tell, such as an unassigned area code of `+1`.
    ///
    /// Where a range is shared and the digits do not decide (some of Guadeloupe, Saint Barthélemy
    /// and Saint Martin; of Australia's outer islands), it is the larger country.
    pub country: Option<CountryCode>,
    /// The kind; [`NumberKind::Ordinary`] where a range is shared.
    pub kind: NumberKind,
}

/// The version of libphonenumber whose metadata country, kind and lengths are taken from.
pub const NUMBERS_VERSION: &str = table::VERSION;
