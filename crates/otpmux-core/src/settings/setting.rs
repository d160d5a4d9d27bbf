use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

/// The declaration of one configuration key. The parser, the error, the JSON Schema and the
/// reference of the key are derived from it.
///
/// The [`settings!`](crate::settings!) macro declares keys together with the fields that hold their
/// values.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// The type of the value, with its range.
    pub kind: SettingKind,
    /// Whether the key must be present.
    pub required: bool,
    /// The effect of the key. Plain text, for the schema and the reference.
    pub doc: &'static str,
    /// A further check of a text, or of each entry of a list. Its error states the mistake.
    pub check: Option<CheckText>,
    /// The value if the key is absent, in the form of a file. JSON `null` means that no value of
    /// the file has the same effect; `doc` then describes the default.
    pub default: Option<fn() -> Value>,
    /// An example of a value, in the form of a file.
    pub example: Option<fn() -> Value>,
}

/// A check of a text.
pub type CheckText = fn(&str) -> Result<(), String>;

/// The type of a value, with its range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingKind {
    /// Text, not empty.
    Text,
    /// A reference to a secret: `env:NAME` or `file:PATH`.
    Secret,
    /// `true` or `false`.
    Flag,
    /// A whole number within a range.
    Integer(RangeInclusive<i64>),
    /// A time such as `"500ms"`, `"10s"`, `"5m"`, `"1h"` or `"7d"`, within a range.
    Duration(RangeInclusive<Duration>),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A table of texts with free keys.
    Texts,
    /// A table of references to secrets with free keys.
    Secrets,
    /// A table of any form. Its adapter checks it.
    Tree,
    /// A table of times with free keys, each time within a range.
    Durations(RangeInclusive<Duration>),
    /// A list of texts, none twice. It may be empty only if `empty` is true.
    List {
        /// Whether the list may be empty.
        empty: bool,
    },
    /// A list of texts, or this word alone.
    ListOr(&'static str),
    /// A list of limits such as `"15/1h"`, none twice. An empty list means no limit.
    Limits {
        /// The range of the count of each limit.
        count: RangeInclusive<u32>,
        /// The range of the window of each limit.
        per: RangeInclusive<Duration>,
        /// The largest number of limits.
        most: usize,
    },
}

impl Setting {
    const fn new(name: &'static str, kind: SettingKind, doc: &'static str) -> Self {
        Self { name, kind, required: false, doc, check: None, default: None, example: None }
    }

    /// A key for text.
    pub const fn text(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Text, doc)
    }

    /// A key for a reference to a secret.
    pub const fn secret(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Secret, doc)
    }

    /// A key for `true` or `false`.
    pub const fn flag(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Flag, doc)
    }

    /// A key for a whole number.
    pub const fn integer(
        name: &'static str,
        range: RangeInclusive<i64>,
        doc: &'static str,
    ) -> Self {
        Self::new(name, SettingKind::Integer(range), doc)
    }

    /// A key for a time.
    pub const fn duration(
        name: &'static str,
        range: RangeInclusive<Duration>,
        doc: &'static str,
    ) -> Self {
        Self::new(name, SettingKind::Duration(range), doc)
    }

    /// A key for one of some words.
    pub const fn choice(
        name: &'static str,
        words: &'static [&'static str],
        doc: &'static str,
    ) -> Self {
        Self::new(name, SettingKind::Choice(words), doc)
    }

    /// A key for a table of texts with free keys.
    pub const fn texts(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Texts, doc)
    }

    /// A key for a table of references to secrets with free keys.
    pub const fn secrets(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Secrets, doc)
    }

    /// A key for a table of any form, which its adapter checks. The file may have the path of
    /// another TOML file instead, whose content then counts as the table.
    pub const fn tree(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::Tree, doc)
    }

    /// A key for a table of times with free keys; [`check`](Self::check) checks the keys.
    pub const fn durations(
        name: &'static str,
        range: RangeInclusive<Duration>,
        doc: &'static str,
    ) -> Self {
        Self::new(name, SettingKind::Durations(range), doc)
    }

    /// A key for a list of texts with at least one entry.
    pub const fn list(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::List { empty: false }, doc)
    }

    /// A key for a list of texts that may be empty.
    pub const fn list_or_empty(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::List { empty: true }, doc)
    }

    /// A key for a list of texts, or for a word in its place, which is read as text.
    pub const fn list_or(name: &'static str, word: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::ListOr(word), doc)
    }

    /// A key for a list of limits.
    pub const fn limits(
        name: &'static str,
        count: RangeInclusive<u32>,
        per: RangeInclusive<Duration>,
        most: usize,
        doc: &'static str,
    ) -> Self {
        Self::new(name, SettingKind::Limits { count, per, most }, doc)
    }

    /// Makes the key mandatory.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Adds a check of a text, or of each entry of a list.
    pub const fn check(mut self, check: CheckText) -> Self {
        self.check = Some(check);
        self
    }

    /// Sets the value that holds if the key is absent.
    pub const fn with_default(mut self, default: fn() -> Value) -> Self {
        self.default = Some(default);
        self
    }

    /// Adds an example.
    pub const fn with_example(mut self, example: fn() -> Value) -> Self {
        self.example = Some(example);
        self
    }
}

/// Accepts the texts that a type parses. For [`Setting::check`].
///
/// # Errors
///
/// The error of the type.
pub fn parses<T>(text: &str) -> Result<(), String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}
