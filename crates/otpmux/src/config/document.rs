//! Parsing of the text of a file into tables.

use std::fmt;

use otpmux_core::settings::ConfigError;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

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
        let table = parse(text)?;
        let mut weighted = Vec::new();
        if let Some(DeValue::Array(routes)) = table.get("routes").map(Spanned::get_ref) {
            for route in routes {
                weighted.push(keys(route.get_ref().get("providers")));
            }
        }
        let (providers, places) = (keys(table.get("providers")), Places::of(text, &table));
        Ok(Self { root: object(&table), providers, weighted, places })
    }

    /// Returns the table of another file, with the positions in it.
    pub(super) fn tree(text: &str) -> Result<(Value, Places), ConfigError> {
        let table = parse(text)?;
        Ok((object(&table).into(), Places::of(text, &table)))
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
        match path {
            ["providers", name, ..] => self.mention(name),
            ["providers"] => names(&value).for_each(|name| self.mention(name)),
            ["routes"] => {
                let routes = value.as_array().map_or(&[][..], Vec::as_slice);
                let weighted =
                    |route: &Value| names(&route["providers"]).map(str::to_owned).collect();
                self.weighted = routes.iter().map(weighted).collect();
            }
            _ => {}
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

fn parse(text: &str) -> Result<DeTable<'_>, ConfigError> {
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| located(text, &error))
}

/// Returns the keys of a table in the order of the file; a parsed table is sorted.
fn keys(value: Option<&Spanned<DeValue<'_>>>) -> Vec<String> {
    let table = value.and_then(|value| value.get_ref().as_table());
    let mut keys: Vec<_> = table.into_iter().flat_map(DeTable::keys).collect();
    keys.sort_unstable_by_key(|key| key.span().start);
    keys.into_iter().map(|key| key.get_ref().to_string()).collect()
}

/// Returns only the position and the parser's message: its `Display` shows the line, secrets
/// included.
fn located(text: &str, error: &toml::de::Error) -> ConfigError {
    let (line, column) = place(text, error.span().map_or(0, |span| span.start));
    ConfigError::new("", format!("not TOML: {}", error.message())).at(line, column)
}

/// Returns the keys of a table that was set in code.
fn names(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
}

fn object(table: &DeTable<'_>) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, value) in table {
        object.insert(key.get_ref().to_string(), json(value.get_ref()));
    }
    object
}

/// A number that JSON does not have is `null`, which is no valid value of any key.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().into()
        }
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(list) => list.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(table) => Value::Object(object(table)),
    }
}
