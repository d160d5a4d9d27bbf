//! Telephone numbers: countries, kinds, and the version of the table.

pub use otpmux_core::{
    CountryCode, CountryError, NUMBERS_VERSION, NumberKind, NumberKindError, PhoneNumber, Place,
};
