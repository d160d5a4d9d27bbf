use std::fmt;

use otpmux_core::settings::ConfigError;
use otpmux_engine::{BuildError, PolicyError};

use super::server_keys::EPHEMERAL;

/// Every mistake in a configuration. Never empty, and never shows a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    origin: Origin,
    first: ConfigError,
    rest: Vec<ConfigError>,
}

/// Where the mistakes are.
#[derive(Clone, PartialEq, Eq)]
enum Origin {
    /// In a configuration without a file.
    Text,
    /// In the file of this path.
    File(String),
    /// The file, which is the path of the mistake, cannot be read.
    UnreadableFile,
}

otpmux_core::debug_as_display!(ConfigErrors);

impl ConfigErrors {
    /// Returns the mistakes, or `None` if there are none.
    pub fn from_list(errors: Vec<ConfigError>) -> Option<Self> {
        let mut errors = errors.into_iter();
        Some(Self { origin: Origin::Text, first: errors.next()?, rest: errors.collect() })
    }

    /// Returns these mistakes, followed by the others.
    pub fn and(mut self, others: Self) -> Self {
        self.rest.push(others.first);
        self.rest.extend(others.rest);
        self
    }

    /// A file that cannot be read.
    pub(super) fn unreadable_file(path: &str, message: String) -> Self {
        Self { origin: Origin::UnreadableFile, ..ConfigError::new(path, message).into() }
    }

    /// Sets the file of the mistakes.
    pub(super) fn in_file(mut self, path: String) -> Self {
        self.origin = Origin::File(path);
        self
    }

    pub(super) fn map(self, mut change: impl FnMut(ConfigError) -> ConfigError) -> Self {
        let Self { origin, first, rest } = self;
        Self { origin, first: change(first), rest: rest.into_iter().map(change).collect() }
    }

    /// Returns the mistakes, in the order of the sections.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Returns those that do not concern the same key as a known one, or a key of the same table: they may
    /// only follow from it.
    pub(super) fn apart_from(self, known: &[ConfigError]) -> Vec<ConfigError> {
        // Of a list, all places: those after a place that could not be read have moved.
        let key = |error: &ConfigError| error.path().split('[').next().map(str::to_owned);
        let overlap = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
        let known: Vec<_> = known.iter().filter_map(key).collect();
        let mut all = Vec::from([self.first]);
        all.extend(self.rest);
        all.retain(|error| !known.iter().any(|it| key(error).is_some_and(|own| overlap(it, &own))));
        all
    }

    /// Returns the number of mistakes, at least one.
    pub fn count(&self) -> usize {
        1 + self.rest.len()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(first: ConfigError) -> Self {
        Self { origin: Origin::Text, first, rest: Vec::new() }
    }
}

impl From<BuildError> for ConfigErrors {
    fn from(error: BuildError) -> Self {
        let path = match &error {
            BuildError::Policy(PolicyError::Setting(error)) => {
                return error.clone().within("policy").into();
            }
            BuildError::Policy(PolicyError::Limit(error)) => {
                return error.clone().within("limits").into();
            }
            BuildError::Resilience(id, error) => {
                return error.clone().within(&format!("providers.{id}.resilience")).into();
            }
            BuildError::Route(place, error) => {
                return ConfigError::new(format!("routes[{place}]"), error.to_string()).into();
            }
            BuildError::NoProvider | BuildError::Twice(_) => "providers",
            BuildError::UnknownProvider(_) => "routes",
            BuildError::Policy(PolicyError::CodeLength) => "policy.code_length",
            BuildError::Policy(PolicyError::Ttl) => "policy.ttl",
            BuildError::Policy(_) => "policy",
            BuildError::Store(_) | BuildError::StoreChanged => "store",
            BuildError::Audit(_) => "audit",
            BuildError::Entropy(_)
            | BuildError::KeyGone(_)
            | BuildError::KeyDiffers(_)
            | BuildError::KeyUnchecked(_) => "server_keys",
            BuildError::NoOutbox => "events",
            _ => "configuration",
        };
        let message = match &error {
            BuildError::KeyGone(id) if id == EPHEMERAL => {
                "pending verifications were signed with a random key, since there were none; restart"
                    .to_owned()
            }
            error => error.to_string(),
        };
        ConfigError::new(path, message).into()
    }
}

impl fmt::Display for ConfigErrors {
    /// Shows the number of mistakes, then each on a separate line. A file that cannot be read is one
    /// line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.origin {
            Origin::Text => "the configuration",
            Origin::File(path) => path,
            Origin::UnreadableFile => {
                return write_line(f, &format!("{} {}", self.first.path(), self.first.message()));
            }
        };
        match self.count() {
            1 => write!(f, "{origin} has 1 mistake:")?,
            count => write!(f, "{origin} has {count} mistakes:")?,
        }
        for error in self.iter() {
            f.write_str("\n  ")?;
            write_line(f, &error.to_string())?;
        }
        Ok(())
    }
}

/// Escapes control characters: a key may hold a line end, and a terminal obeys control characters.
fn write_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        if c.is_control() {
            write!(f, "{}", c.escape_default())?;
        } else {
            write!(f, "{c}")?;
        }
    }
    Ok(())
}

impl std::error::Error for ConfigErrors {}
