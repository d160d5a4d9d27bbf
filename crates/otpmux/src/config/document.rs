//! Parsing of the text of a file into tables.

use std::fmt;

use otpmux_core::settings::ConfigError;
use serde_json::{Map, Number, Value};

use super::places::{Places, place};

/// The content of a file, checked for its form only.
#[derive(Clone, Default)]
pub(super) struct Document {
    pub(super) root: Map<String, Value>,
    /// The names of the providers in the order of the file, which is the order of preference.
    pub(super) providers: Vec<String>,
    /// For each route, the keys of its table of weights in the order of the file.
    pub(super) weighted: Vec<Vec<String>>,
    pub(super) places: Places,
}

impl fmt::Debug for Document {
    /// Any value may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("providers", &self.providers).finish_non_exhaustive()
    }
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let table: toml::Table = text.parse().map_err(|error| located(text, &error))?;
        let providers = keys(table.get("providers"));
        let routes = table.get("routes").and_then(toml::Value::as_array);
        let weighted = routes.into_iter().flatten().map(|route| keys(route.get("providers")));
        let weighted = weighted.collect();
        Ok(Self { root: object(table), providers, weighted, places: Places::of(text) })
    }

    /// Returns the table of another file, with the positions in it.
    pub(super) fn tree(text: &str) -> Result<(Value, Places), ConfigError> {
        let table: toml::Table = text.parse().map_err(|error| located(text, &error))?;
        Ok((Value::Object(object(table)), Places::of(text)))
    }

    /// Adds a later layer: its values replace those of the same path.
    pub(super) fn add(&mut self, layer: Self) {
        let Self { root, providers, weighted, places } = layer;
        if root.contains_key("routes") {
            self.weighted = weighted;
        }
        for name in providers {
            self.mention(&name);
        }
        merge(&mut self.root, root);
        self.places.add(places);
    }

    /// Sets a value, whose path then has no position in a file.
    pub(super) fn put(&mut self, path: &[&str], value: Value) -> Result<(), ConfigError> {
        let Some((key, tables)) = path.split_last() else { return Ok(()) };
        if let ["providers", name, ..] = path {
            self.mention(name);
        }
        let mut table = &mut self.root;
        for (depth, name) in tables.iter().enumerate() {
            let next = table.entry(*name).or_insert_with(|| Map::new().into());
            let Value::Object(next) = next else {
                let at = path[..=depth].join(".");
                return Err(ConfigError::new(at, "an earlier layer has no table here"));
            };
            table = next;
        }
        table.insert((*key).to_owned(), value);
        self.places.forget(&path.join("."));
        Ok(())
    }

    /// Records the order in which providers are first mentioned.
    fn mention(&mut self, name: &str) {
        if !self.providers.iter().any(|known| known == name) {
            self.providers.push(name.to_owned());
        }
    }

    /// Returns the tables of the providers, in the order of the file.
    pub(super) fn provider_tables(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        let tables = self.root.get("providers").and_then(Value::as_object);
        self.providers
            .iter()
            .filter_map(move |name| Some((name.as_str(), tables?.get(name)?.as_object()?)))
    }
}

fn merge(root: &mut Map<String, Value>, layer: Map<String, Value>) {
    for (key, value) in layer {
        match (root.get_mut(&key), value) {
            (Some(Value::Object(table)), Value::Object(layer)) => merge(table, layer),
            (_, value) => drop(root.insert(key, value)),
        }
    }
}

fn keys(value: Option<&toml::Value>) -> Vec<String> {
    let table = value.and_then(toml::Value::as_table);
    table.into_iter().flat_map(toml::Table::keys).cloned().collect()
}

/// Returns only the position and the parser's message: its `Display` shows the line, secrets
/// included.
fn located(text: &str, error: &toml::de::Error) -> ConfigError {
    let (line, column) = place(text, error.span().map_or(0, |span| span.start));
    ConfigError::new("", format!("not TOML: {}", error.message())).at(line, column)
}

fn object(table: toml::Table) -> Map<String, Value> {
    let entry = |(key, value)| (key, json(value));
    table.into_iter().map(entry).collect()
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::Number(number.into()),
        toml::Value::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(list) => Value::Array(list.into_iter().map(json).collect()),
        toml::Value::Table(table) => Value::Object(object(table)),
    }
}
