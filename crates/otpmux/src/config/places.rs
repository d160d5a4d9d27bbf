//! The positions of the keys in a file.

use std::collections::HashMap;

use otpmux_core::settings::ConfigError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line and column of every key, by its path as mistakes show it: `routes[0].countries`.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(HashMap<String, (usize, usize)>);

impl Places {
    /// Returns the positions in a text, which was parsed to this table.
    pub(super) fn of(text: &str, table: &DeTable<'_>) -> Self {
        let mut places = Self::default();
        places.table(text, "", table);
        places
    }

    /// Adds the positions of a later text.
    pub(super) fn add(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// Removes a path, and those below it.
    pub(super) fn forget(&mut self, path: &str) {
        let below = |other: &str| {
            let rest = other.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.0.retain(|other, _| !below(other));
    }

    /// Sets the position of a mistake: that of its key, or of the nearest table around it.
    pub(super) fn locate(&self, error: ConfigError) -> ConfigError {
        let mut path = error.path();
        while error.place().is_none() && !path.is_empty() {
            if let Some((line, column)) = self.0.get(path) {
                return error.at(*line, *column);
            }
            path = path.rfind(['.', '[']).map_or("", |at| &path[..at]);
        }
        error
    }

    fn table(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.0.insert(path.clone(), place(text, key.span().start));
            self.value(text, &path, value);
        }
    }

    fn value(&mut self, text: &str, path: &str, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(text, path, table),
            DeValue::Array(list) => {
                for (at, entry) in list.iter().enumerate() {
                    let path = format!("{path}[{at}]");
                    self.0.insert(path.clone(), place(text, entry.span().start));
                    self.value(text, &path, entry);
                }
            }
            _ => {}
        }
    }
}

/// Returns the line and the column of a byte of a text, both from 1.
pub(super) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[providers.main]
kind = \"easyotp\"
resilience = { retries = 9 }

[[routes]]
channels = [
  \"sms\",
  \"pigeon\",
]
[[routes]]
providers = []
";

    fn told(path: &str) -> Option<(usize, usize)> {
        let table = DeTable::parse(TEXT).unwrap();
        Places::of(TEXT, table.get_ref()).locate(ConfigError::new(path, "")).place()
    }

    #[test]
    fn a_key_stands_where_it_is_written() {
        assert_eq!(told("providers.main.kind"), Some((2, 1)));
        assert_eq!(told("providers.main.resilience.retries"), Some((3, 16)));
        assert_eq!(told("routes[0].channels[1]"), Some((8, 3)));
        assert_eq!(told("routes[1].providers"), Some((11, 1)));
    }

    #[test]
    fn a_missing_key_has_the_place_of_its_table() {
        assert_eq!(told("providers.main.api_key"), Some((1, 12)));
        assert_eq!(told("routes[1].channels"), told("routes[1]"));
        assert_eq!(told("server.listen"), None);
        assert_eq!(told("OTPMUX_STORE__URL"), None);
    }
}
