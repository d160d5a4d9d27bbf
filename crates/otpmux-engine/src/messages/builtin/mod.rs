//! The texts that otpmux has: for every purpose without a text in the configuration.
//!
//! Each is one SMS segment (GSM-7, or UCS-2 with 70 units), with a name of the service of 11
//! characters and a code of 8 digits, the sentence that says not to share included; a test counts
//! them.

mod texts;

pub(super) use texts::BUILTIN;

/// The built-in texts of one language.
pub(super) struct Builtin {
    pub(super) locale: &'static str,
    /// The text, without the sentence that says not to share.
    pub(super) text: &'static str,
    /// That sentence, with the space before it if the language has one.
    pub(super) do_not_share: &'static str,
    /// The subject of an e-mail. Without the code, because subjects are shown on locked screens.
    pub(super) subject: &'static str,
    /// The text of a call, with the code twice.
    pub(super) speech: &'static str,
}
