//! The texts of messages: which text a message has, by purpose, locale and channel, with its values
//! in place.
//!
//! [`MessageSettings`] is what a configuration says, [`Messages`] what was checked: every text is
//! parsed, and everything that does not depend on one message is done. [`render`] then makes a
//! message in one pass.

mod builtin;
mod catalog;
mod check;
mod compile;
mod locale;
mod options;
mod render;
mod settings;
mod sms;
mod template;
mod values;

pub use catalog::Messages;
pub use locale::{Locale, LocaleError};
pub use settings::{ChannelText, DltIds, LocalizedText, MessageSettings, Variable};
pub use sms::{SmsEncoding, SmsSize};
pub use values::check_brand;

pub(crate) use render::Wanted;

#[cfg(test)]
mod tests;
