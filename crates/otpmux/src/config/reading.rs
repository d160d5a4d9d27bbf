//! The context of every section's reader: the environment, the registry, and the list of mistakes.

use std::path::PathBuf;

use otpmux_core::Secret;
use otpmux_core::settings::{ConfigError, Section, Settings, SettingsReader, unknown_key};
use serde_json::{Map, Value};

use super::sections::{self, Keys, names};
use crate::config::{Environment, Registry, SecretRef};

pub(super) struct Reading<'a> {
    pub(super) environment: &'a Environment,
    pub(super) registry: &'a Registry,
    pub(super) allow_literals: bool,
    /// Where the paths of other files begin; `None` for a configuration without a file.
    pub(super) directory: Option<PathBuf>,
    pub(super) errors: Vec<ConfigError>,
}

impl Reading<'_> {
    pub(super) fn mistake(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(ConfigError::new(path, message));
    }

    /// Reads a table against its keys and looks its secrets up.
    pub(super) fn settings(
        &mut self,
        path: &str,
        keys: Keys,
        table: &Map<String, Value>,
    ) -> Option<Settings> {
        let (environment, allow) = (self.environment, self.allow_literals);
        let resolve = |text: &str| {
            let secret = SecretRef::parse(text, allow).and_then(|at| at.resolve(environment));
            secret.map_err(|error| error.to_string())
        };
        let read = SettingsReader::new(&resolve).read(path, keys, table);
        self.or_told(read)
    }

    /// Like [`settings`](Self::settings), but keeps the references to secrets.
    pub(super) fn unresolved(
        &mut self,
        path: &str,
        keys: Keys,
        table: &Map<String, Value>,
    ) -> Option<Settings> {
        let allow = self.allow_literals;
        let keep = |text: &str| match SecretRef::parse(text, allow) {
            Ok(_) => Ok(Secret::new(text)),
            Err(error) => Err(error.to_string()),
        };
        let read = SettingsReader::new(&keep).read(path, keys, table);
        self.or_told(read)
    }

    /// Applies a table to a section without secrets. Correct values are set even if others are
    /// wrong, so that the caller can check whether they contradict each other.
    pub(super) fn apply<S: Section>(
        &mut self,
        path: &str,
        table: &Map<String, Value>,
        section: &mut S,
    ) {
        let own = self.own_keys(path, S::KEYS, table);
        let no_secrets = |_: &str| Err("no secret belongs here".to_owned());
        let (right, errors) = SettingsReader::new(&no_secrets).read_right(path, S::KEYS, &own);
        self.errors.extend(errors);
        section.apply(&right);
    }

    /// Returns a table without the keys of other sections. The mistake of each such key names its
    /// section.
    fn own_keys(
        &mut self,
        path: &str,
        keys: Keys,
        table: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut own = table.clone();
        let own_key = |key: &String| names(keys).any(|name| name == key);
        for key in table.keys().filter(|key| !own_key(key)) {
            if let Some(message) = sections::misplaced(key, keys) {
                self.mistake(format!("{path}.{key}"), message);
                own.remove(key);
            }
        }
        own
    }

    /// Returns the value, or records its mistakes and returns `None`.
    pub(super) fn or_told<T>(&mut self, read: Result<T, Vec<ConfigError>>) -> Option<T> {
        read.map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// Returns the table of a section.
    pub(super) fn table<'t>(
        &mut self,
        root: &'t Map<String, Value>,
        key: &str,
    ) -> Option<&'t Map<String, Value>> {
        let table = root.get(key)?.as_object();
        if table.is_none() {
            self.mistake(key, format!("must be a table; begin it with [{key}]"));
        }
        table
    }

    /// Returns the tables of a list, each with its path. An absent list is `None`; an empty one is
    /// a mistake.
    pub(super) fn tables<'t>(
        &mut self,
        path: &str,
        value: Option<&'t Value>,
    ) -> Option<Vec<(String, &'t Map<String, Value>)>> {
        let list = value?.as_array();
        let tables: Option<Vec<_>> = list.and_then(|list| {
            let place = |(at, table): (usize, &'t Value)| {
                Some((format!("{path}[{at}]"), table.as_object()?))
            };
            list.iter().enumerate().map(place).collect()
        });
        match tables {
            Some(tables) if !tables.is_empty() => Some(tables),
            Some(_) => {
                self.mistake(path, "an empty list; remove it, or fill it");
                None
            }
            None => {
                let message = format!("must be a list of tables; begin each with [[{path}]]");
                self.mistake(path, message);
                None
            }
        }
    }

    /// Reports the keys of a table that are not known.
    pub(super) fn unknown_keys(
        &mut self,
        path: &str,
        table: &Map<String, Value>,
        known: &[&'static str],
    ) {
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.errors.push(unknown_key(at, key, known.iter().copied()));
        }
    }
}
