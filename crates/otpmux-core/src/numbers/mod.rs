//! Telephone numbers: what people type, one form for one telephone, its country and kind.

mod country;
mod phone;

pub use country::{CountryCode, CountryError};
pub use phone::PhoneNumber;
