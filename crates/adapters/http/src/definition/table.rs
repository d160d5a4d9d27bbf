//! Reading of tables, which reports every mistake with its path.

use otpmux_core::settings::{ConfigError, unknown_key};
use serde_json::{Map, Value};

use crate::template::{Placeholder, Template};

/// The mistakes of a definition so far; their paths begin at its root.
pub(super) type Mistakes = Vec<ConfigError>;

/// A table that is being read. It remembers the keys that were asked for, so that
/// [`finish`](Self::finish) can report all others.
pub(super) struct Table<'t> {
    path: String,
    map: &'t Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(super) fn new(path: impl Into<String>, map: &'t Map<String, Value>) -> Self {
        Self { path: path.into(), map, asked: Vec::new() }
    }

    /// Returns the path of a key.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(super) fn mistake(&self, key: &str, message: impl Into<String>, mistakes: &mut Mistakes) {
        mistakes.push(ConfigError::new(self.at(key), message));
    }

    /// Reports a mistake of the whole table.
    pub(super) fn wrong(&self, message: impl Into<String>, mistakes: &mut Mistakes) {
        mistakes.push(ConfigError::new(self.path.clone(), message));
    }

    pub(super) fn get(&mut self, key: &'static str) -> Option<&'t Value> {
        self.asked.push(key);
        self.map.get(key)
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&'t Value) -> Option<T>,
        expected: &str,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let value = self.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.mistake(key, format!("must be {expected}"), mistakes);
        }
        read
    }

    pub(super) fn text(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<&'t str> {
        let text = |value: &'t Value| value.as_str().filter(|text| !text.is_empty());
        self.typed(key, text, "text in quotes, not empty", mistakes)
    }

    pub(super) fn flag(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<bool> {
        self.typed(key, Value::as_bool, "true or false", mistakes)
    }

    pub(super) fn integer(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<i64> {
        self.typed(key, Value::as_i64, "a whole number", mistakes)
    }

    pub(super) fn texts(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<&'t str>> {
        let texts = |value: &'t Value| value.as_array()?.iter().map(Value::as_str).collect();
        self.typed(key, texts, "a list of texts", mistakes)
    }

    pub(super) fn list(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<&'t Vec<Value>> {
        self.typed(key, Value::as_array, "a list", mistakes)
    }

    pub(super) fn map(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<&'t Map<String, Value>> {
        self.typed(key, Value::as_object, "a table", mistakes)
    }

    pub(super) fn table(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Table<'t>> {
        let map = self.map(key, mistakes)?;
        Some(Table::new(self.at(key), map))
    }

    /// Reads a list of tables.
    pub(super) fn tables(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Vec<Table<'t>> {
        let mut tables = Vec::new();
        for (place, value) in self.list(key, mistakes).into_iter().flatten().enumerate() {
            let path = format!("{}[{place}]", self.at(key));
            match value.as_object() {
                Some(map) => tables.push(Table::new(path, map)),
                None => mistakes.push(ConfigError::new(path, "must be a table")),
            }
        }
        tables
    }

    /// Reads one of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let text = self.text(key, mistakes)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("must be one of: {}", words.join(", "));
            self.mistake(key, message, mistakes);
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn template<V: Placeholder>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Template<V>> {
        let text = self.text(key, mistakes)?;
        Template::parse(text).map_err(|error| self.mistake(key, error, mistakes)).ok()
    }

    /// Reports a missing key, and passes the value on.
    pub(super) fn needed<T>(
        &self,
        key: &'static str,
        value: Option<T>,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        if value.is_none() && !self.has(key) {
            self.mistake(key, "missing; it is required", mistakes);
        }
        value
    }

    /// Returns all entries, for a table with free keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'t String, &'t Value)> + use<'t> {
        self.map.iter()
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        for key in self.map.keys().filter(|key| !self.asked.contains(&key.as_str())) {
            mistakes.push(unknown_key(self.at(key), key, self.asked.iter().copied()));
        }
    }
}
