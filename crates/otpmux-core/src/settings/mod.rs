//! The configuration keys of an adapter, as data: one table checks a configuration file, names the
//! nearest known key, and makes the published JSON Schema.
//!
//! ```
//! use otpmux_core::settings::{Setting, Settings, SettingsReader};
//!
//! const SETTINGS: &[Setting] = &[
//!     Setting::secret("api_key", "The key from the vendor's dashboard.").required(),
//!     Setting::text("sender", "The sender's name."),
//! ];
//!
//! let table = serde_json::json!({ "api_kye": "env:KEY" });
//! let reader = SettingsReader::new(&|reference| Err(format!("{reference} is not set")));
//! let errors = reader.read("providers.p", &[SETTINGS], table.as_object().unwrap()).unwrap_err();
//! assert_eq!(errors[0].to_string(), "providers.p.api_kye: unknown key; did you mean `api_key`?");
//! assert_eq!(errors[1].to_string(), "providers.p.api_key: missing; it is required");
//! ```

mod forms;
mod lists;
mod nearest;
mod reader;
mod values;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub use forms::{duration_text, limit_text, parse_duration};
pub use lists::read_list;
pub use nearest::{nearest, unknown_key};
pub use reader::SettingsReader;
pub use values::Settings;

use crate::{OtpProvider, ProviderId};

/// What a registry needs to know about an adapter: its kind, its keys and how to build it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Adapter {
    /// The word for `kind` in the configuration.
    pub kind: &'static str,
    /// The keys that it knows, besides `kind` and `resilience`, which are read for every provider.
    pub settings: &'static [&'static [Setting]],
    /// Builds an instance. Opens no connection.
    pub build: BuildProvider,
}

/// Builds a provider from settings that were checked against its adapter's table.
pub type BuildProvider = fn(ProviderId, &Settings) -> Result<Arc<dyn OtpProvider>, ConfigError>;

impl Adapter {
    /// Describes an adapter.
    pub const fn new(
        kind: &'static str,
        settings: &'static [&'static [Setting]],
        build: BuildProvider,
    ) -> Self {
        Self { kind, settings, build }
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Adapter({})", self.kind)
    }
}

/// One configuration key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What may stand behind it.
    pub kind: SettingKind,
    /// Whether it must be there.
    pub required: bool,
    /// What it does, for the schema.
    pub doc: &'static str,
}

/// What may stand behind a key.
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
    /// A list of texts: one at least, and none twice.
    List,
    /// A list of texts, or this word alone.
    ListOr(&'static str),
    /// A list of limits such as `"15/1h"`, none twice. Here an empty list is meant.
    Limits {
        /// How many there may be in a limit's time.
        count: RangeInclusive<u32>,
        /// How long that time may be.
        per: RangeInclusive<Duration>,
        /// How many limits there may be.
        most: usize,
    },
}

impl Setting {
    const fn new(name: &'static str, kind: SettingKind, doc: &'static str) -> Self {
        Self { name, kind, required: false, doc }
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

    /// A key for a whole number whose range is that of a field.
    pub const fn count(name: &'static str, range: RangeInclusive<u32>, doc: &'static str) -> Self {
        Self::integer(name, *range.start() as i64..=*range.end() as i64, doc)
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

    /// A key for a list of texts.
    pub const fn list(name: &'static str, doc: &'static str) -> Self {
        Self::new(name, SettingKind::List, doc)
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

    /// Makes the key a must.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// A mistake in a configuration, and where it is. Never holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    message: String,
    place: Option<(usize, usize)>,
}

impl ConfigError {
    /// A mistake at `path`, such as `providers.primary.api_key`. An empty path means the whole
    /// configuration.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), place: None }
    }

    /// Says where in its file the mistake stands; both count from 1.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    /// Which key is wrong.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what would be right.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line and the column in the file, both from 1 on, where the mistake stands in a file.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

crate::debug_as_display!(ConfigError);
