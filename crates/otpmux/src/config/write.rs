//! Writing of a configuration as TOML.

use std::collections::BTreeSet;

use otpmux_core::settings::SettingKind;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::builder::{is_reference, variable};
use super::document::Document;
use super::store::is_secret;
use super::{Config, TOP};
use crate::config::Registry;

impl Config {
    /// Returns the configuration as TOML: the values of all layers, without defaults. Reading the
    /// text gives the same configuration if the same variables are set.
    ///
    /// The text holds no secret. A reference stays unchanged. A secret in plain text is replaced by
    /// a reference to a variable that is named after its path, such as `env:PRIMARY_API_KEY`; set
    /// the variable where the text is read.
    pub fn to_toml(&self) -> String {
        self.source.toml.clone()
    }

    /// Returns a text that is the same for the same configuration, whatever its secrets are: 16 hex
    /// digits of a hash of [`to_toml`](Self::to_toml).
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::digest(self.source.toml.as_bytes());
        hash[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Returns the parts that differ from the configuration with this [`to_toml`](Self::to_toml):
    /// sections, and single providers as `providers.NAME`. A secret behind an unchanged reference
    /// may differ without being here.
    pub fn differs_from(&self, toml: &str) -> Vec<String> {
        let read = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
        let (before, after) = (read(toml), read(&self.source.toml));
        let mut differs = Vec::new();
        for (section, _) in TOP {
            let (old, new) = (before.get(section), after.get(section));
            match (old.and_then(toml::Value::as_table), new.and_then(toml::Value::as_table)) {
                (Some(old), Some(new)) if section == "providers" => {
                    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
                    let other = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
                    differs.extend(other.map(|name| format!("providers.{name}")));
                }
                _ if old != new => differs.push(section.to_owned()),
                _ => {}
            }
        }
        differs
    }
}

/// Returns the text of a document that was read.
pub(super) fn text(document: &Document, registry: &Registry) -> String {
    let root = without_secrets(&document.root, registry);
    let mut text = toml::Table::new();
    for (key, _) in TOP {
        let Some(value) = root.get(key) else { continue };
        let value = match (key, value) {
            ("providers", Value::Object(table)) => Some(ordered(table, &document.providers)),
            ("routes", Value::Array(routes)) => {
                let routes = routes.iter().enumerate().map(|(at, route)| {
                    let order = document.weighted.get(at).map_or(&[][..], Vec::as_slice);
                    let mut written = toml(route)?;
                    if let (Some(weights), Some(written)) =
                        (route["providers"].as_object(), written.as_table_mut())
                    {
                        written.insert("providers".to_owned(), ordered(weights, order));
                    }
                    Some(written)
                });
                routes.collect::<Option<Vec<_>>>().map(toml::Value::Array)
            }
            _ => toml(value),
        };
        if let Some(value) = value {
            text.insert(key.to_owned(), value);
        }
    }
    text.to_string()
}

fn ordered(table: &Map<String, Value>, order: &[String]) -> toml::Value {
    let known = order.iter().filter_map(|key| table.get_key_value(key));
    let known = known.filter_map(|(key, value)| Some((key.clone(), toml(value)?)));
    toml::Value::Table(known.collect())
}

/// `None` for JSON `null`, which TOML does not have.
fn toml(value: &Value) -> Option<toml::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(list) => toml::Value::Array(list.iter().filter_map(toml).collect()),
        Value::Object(table) => {
            // Values before tables, as TOML requires.
            let (tables, values): (Vec<_>, Vec<_>) =
                table.iter().partition(|(_, value)| value.is_object());
            let entries = values.into_iter().chain(tables);
            let entries = entries.filter_map(|(key, value)| Some((key.clone(), toml(value)?)));
            toml::Value::Table(entries.collect())
        }
    })
}

/// Returns the root with each secret in plain text replaced by a reference.
fn without_secrets(root: &Map<String, Value>, registry: &Registry) -> Map<String, Value> {
    let mut root = root.clone();
    root.remove("allow_literal_secrets");
    let providers = root.get_mut("providers").and_then(Value::as_object_mut);
    for (name, table) in providers.into_iter().flatten() {
        let Some(adapter) = table["kind"].as_str().and_then(|kind| registry.adapter(kind).ok())
        else {
            continue;
        };
        let settings = adapter.settings.iter().copied().flatten();
        for key in settings {
            match key.kind {
                SettingKind::Secret => refer(table, key.name, &format!("{name}_{}", key.name)),
                SettingKind::Secrets => {
                    let Some(secrets) = table.get_mut(key.name) else { continue };
                    let names: Vec<_> = secrets
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name.clone())
                        .collect();
                    for secret in names {
                        refer(secrets, &secret, &format!("{name}_{secret}"));
                    }
                }
                _ => {}
            }
        }
    }
    for (at, key) in tables(root.get_mut("server_keys")) {
        let name = key["id"].as_str().map_or_else(|| at.to_string(), str::to_owned);
        refer(key, "key", &format!("server_key_{name}"));
    }
    let api_keys = root.get_mut("server").and_then(|server| server.get_mut("api_keys"));
    for (at, key) in tables(api_keys) {
        let name = key["name"].as_str().map_or_else(|| at.to_string(), str::to_owned);
        for secret in ["key", "old_key"] {
            refer(key, secret, &format!("{name}_{secret}"));
        }
    }
    for (at, endpoint) in tables(root.get_mut("events")) {
        let name = endpoint["name"].as_str().map_or_else(|| at.to_string(), str::to_owned);
        for secret in ["secret", "secret_old"] {
            refer(endpoint, secret, &format!("events_{name}_{secret}"));
        }
    }
    if let Some(store) = root.get_mut("store")
        && store["url"].as_str().is_some_and(is_secret)
    {
        refer(store, "url", "store_url");
    }
    root
}

fn tables(list: Option<&mut Value>) -> impl Iterator<Item = (usize, &mut Value)> {
    list.and_then(Value::as_array_mut).into_iter().flatten().enumerate()
}

fn refer(table: &mut Value, key: &str, name: &str) {
    if let Some(Value::String(text)) = table.get_mut(key)
        && !is_reference(text)
    {
        *text = format!("env:{}", variable(name));
    }
}
