//! What every section's reader needs: the environment, the registry, and a place for mistakes.

use otpmux_core::Secret;
use otpmux_core::settings::{ConfigError, Setting, Settings, SettingsReader, unknown_key};
use serde_json::{Map, Value};

use super::sections;
use crate::{Environment, Registry, SecretRef};

pub(super) struct Reading<'a> {
    pub(super) environment: &'a Environment,
    pub(super) registry: &'a Registry,
    pub(super) allow_literals: bool,
    pub(super) errors: Vec<ConfigError>,
}

impl Reading<'_> {
    pub(super) fn mistake(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(ConfigError::new(path, message));
    }

    /// Reads a table against lists of settings and looks its secrets up.
    pub(super) fn settings(
        &mut self,
        path: &str,
        lists: &[&'static [Setting]],
        table: &Map<String, Value>,
    ) -> Option<Settings> {
        let (environment, allow) = (self.environment, self.allow_literals);
        let resolve = |text: &str| {
            let secret = SecretRef::parse(text, allow).and_then(|at| at.resolve(environment));
            secret.map_err(|error| error.to_string())
        };
        self.read(path, lists, table, &SettingsReader::new(&resolve))
    }

    /// Reads a section of one table.
    pub(super) fn section(
        &mut self,
        root: &Map<String, Value>,
        section: &str,
        settings: &'static [Setting],
    ) -> Option<Settings> {
        let table = self.table(root, section)?;
        self.section_at(section, settings, table)
    }

    /// As [`settings`](Self::settings), but a key of another section is told where it belongs.
    pub(super) fn section_at(
        &mut self,
        path: &str,
        settings: &'static [Setting],
        table: &Map<String, Value>,
    ) -> Option<Settings> {
        let own = self.own_keys(path, settings, table);
        self.settings(path, &[settings], &own)
    }

    /// A table without the keys of other sections, which are told where they belong.
    fn own_keys(
        &mut self,
        path: &str,
        settings: &'static [Setting],
        table: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut own = table.clone();
        let own_key = |key: &String| settings.iter().any(|setting| setting.name == key);
        for key in table.keys().filter(|key| !own_key(key)) {
            if let Some(message) = sections::misplaced(key, settings) {
                self.mistake(format!("{path}.{key}"), message);
                own.remove(key);
            }
        }
        own
    }

    /// What is right in a table that holds no secrets. Its mistakes are noted, and the caller can go
    /// on to look at how the right values fit each other.
    pub(super) fn right_of(
        &mut self,
        path: &str,
        settings: &'static [Setting],
        table: &Map<String, Value>,
    ) -> Settings {
        let own = self.own_keys(path, settings, table);
        let no_secrets = |_: &str| Err("no secret belongs here".to_owned());
        let (right, errors) = SettingsReader::new(&no_secrets).read_right(path, &[settings], &own);
        self.errors.extend(errors);
        right
    }

    /// As [`settings`](Self::settings), but where a secret would stand, its reference stays.
    pub(super) fn unresolved(
        &mut self,
        path: &str,
        lists: &[&'static [Setting]],
        table: &Map<String, Value>,
    ) -> Option<Settings> {
        let allow = self.allow_literals;
        let keep = |text: &str| match SecretRef::parse(text, allow) {
            Ok(_) => Ok(Secret::new(text)),
            Err(error) => Err(error.to_string()),
        };
        self.read(path, lists, table, &SettingsReader::new(&keep))
    }

    fn read(
        &mut self,
        path: &str,
        lists: &[&'static [Setting]],
        table: &Map<String, Value>,
        reader: &SettingsReader<'_>,
    ) -> Option<Settings> {
        let read = reader.read(path, lists, table);
        self.or_told(read)
    }

    /// What was read; or else its mistakes are noted.
    pub(super) fn or_told<T>(&mut self, read: Result<T, Vec<ConfigError>>) -> Option<T> {
        read.map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// The table of a section.
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

    /// The tables of a list, each with its path. Not there is `None`; there and empty is a mistake.
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

    /// Reports the keys of a table that are not among the known ones.
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
