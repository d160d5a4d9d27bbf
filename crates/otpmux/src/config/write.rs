//! Writing of a configuration as TOML.

use std::iter::repeat;

use otpmux_core::settings::SettingKind;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::builder::is_reference;
use super::document::Document;
use super::secret_variables::SecretVariables;
use super::store::is_secret;
use super::toml_text::{Entries, Node, entries};
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
        let read = |text: &str| Document::parse(text).unwrap_or_default().root;
        let (before, after) = (read(toml), read(&self.source.toml));
        let mut differs = Vec::new();
        for (section, _) in TOP {
            match (before.get(section), after.get(section)) {
                (Some(Value::Object(old)), Some(Value::Object(new))) if section == "providers" => {
                    let removed = old.keys().filter(|name| !new.contains_key(*name));
                    let names = removed.chain(new.keys());
                    let other = names.filter(|name| old.get(*name) != new.get(*name));
                    differs.extend(other.map(|name| format!("providers.{name}")));
                }
                (old, new) if old != new => differs.push(section.to_owned()),
                _ => {}
            }
        }
        differs
    }
}

/// Returns the text of a document that was read.
pub(super) fn text(document: &Document, registry: &Registry) -> String {
    let root = without_secrets(&document.root, registry);
    let mut sections = Vec::new();
    for (key, _) in TOP {
        let node = match (key, root.get(key)) {
            ("providers", Some(Value::Object(table))) => {
                Some(Node::Table(ordered(table, &document.providers)))
            }
            ("routes", Some(Value::Array(routes))) if !routes.is_empty() => {
                let orders = document.weighted.iter().map(Vec::as_slice).chain(repeat(&[][..]));
                let routes =
                    routes.iter().zip(orders).map(|(route, order)| route_node(route, order));
                Some(Node::Tables(routes.collect()))
            }
            (_, value) => value.and_then(Node::of),
        };
        sections.extend(node.map(|node| (key, node)));
    }
    Node::Table(sections).text()
}

/// Returns the entries of a route; the weights of its providers have the order of the file.
fn route_node<'a>(route: &'a Value, order: &[String]) -> Entries<'a> {
    let mut entries = route.as_object().map(entries).unwrap_or_default();
    for (key, node) in &mut entries {
        if let ("providers", Some(weights)) = (*key, route["providers"].as_object()) {
            *node = Node::Table(ordered(weights, order));
        }
    }
    entries
}

fn ordered<'a>(table: &'a Map<String, Value>, order: &[String]) -> Entries<'a> {
    let known = order.iter().filter_map(|key| table.get_key_value(key));
    known.filter_map(|(key, value)| Some((key.as_str(), Node::of(value)?))).collect()
}

/// Returns the root with each secret in plain text replaced by a reference.
fn without_secrets(root: &Map<String, Value>, registry: &Registry) -> Map<String, Value> {
    let mut root = root.clone();
    root.remove("allow_literal_secrets");
    let mut variables = SecretVariables::of_references(&root);
    let mut refer = |table: &mut Value, key: &str, name: &str| {
        if let Some(Value::String(text)) = table.get_mut(key)
            && !is_reference(text)
        {
            *text = format!("env:{}", variables.of(name));
        }
    };
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
