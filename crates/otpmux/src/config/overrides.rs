//! Environment variables such as `OTPMUX_STORE__URL`, which replace single values of a file.

use std::collections::BTreeSet;

use otpmux_core::settings::{ConfigError, Section as _, SettingKind, nearest, unknown_key};
use otpmux_engine::Resilience;
use serde_json::{Map, Value};

use super::document::Document;
use super::reading::Reading;
use super::sections::{self, Keys, names};

const PREFIX: &str = "OTPMUX_";

/// A value from the environment.
pub(super) struct Override {
    path: String,
    variable: String,
}

/// The position of a value.
struct Place {
    /// The tables from the top down, then the key.
    path: Vec<String>,
    value: Value,
}

/// Sets the value of every variable that is an override.
///
/// Only names with a double underscore are overrides: `OTPMUX_API_KEY` may be the name of a secret.
/// A variable that the file refers to with `env:` is a secret too.
pub(super) fn apply(document: &mut Document, cx: &mut Reading<'_>) -> Vec<Override> {
    let mut referenced = BTreeSet::new();
    for value in document.root.values() {
        references(value, &mut referenced);
    }
    let environment = cx.environment;
    let mut variables = Vec::new();
    for (name, value) in environment.iter() {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        if !rest.contains("__") || referenced.contains(name) {
            continue;
        }
        match value {
            Some(value) => variables.push((name, rest, value)),
            // Without this mistake, the intended policy or store would silently not be applied.
            None => cx.mistake(name, "is not UTF-8 text, so what it sets is not known"),
        }
    }
    for name in environment.unreadable_names().filter(|name| name.starts_with(PREFIX)) {
        cx.mistake(name, "is a variable whose name is not UTF-8 text; correct or remove it");
    }
    // Kinds first: they decide which other keys are valid.
    variables.sort_by_key(|(_, rest, _)| !rest.to_lowercase().ends_with("__kind"));
    let mut done: Vec<Override> = Vec::new();
    for (variable, rest, value) in variables {
        let words = rest.to_lowercase();
        let words: Vec<_> = words.split("__").collect();
        match place(variable, &words, value, document, cx) {
            Err(error) => cx.errors.push(error),
            Ok(None) => {}
            Ok(Some(place)) => {
                let path = place.path.join(".");
                if done.iter().any(|other| other.path == path) {
                    let message = format!("another variable sets {path} already");
                    cx.mistake(variable, message);
                } else if put(&mut document.root, place) {
                    done.push(Override { path, variable: variable.to_owned() });
                }
            }
        }
    }
    done
}

/// Adds to each mistake in an overridden value the source of the value.
pub(super) fn name_sources(errors: &mut [ConfigError], overrides: &[Override]) {
    for error in errors {
        // An entry of a list has a longer path.
        let is_of = |one: &&Override| {
            let rest = error.path().strip_prefix(&*one.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        if let Some(from) = overrides.iter().find(is_of) {
            let message = format!("{} (set by {})", error.message(), from.variable);
            *error = ConfigError::new(error.path(), message);
        }
    }
}

fn references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(text.strip_prefix("env:").map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|value| references(value, names)),
        Value::Object(table) => table.values().for_each(|value| references(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `None` for a value in an invalid table, which is reported elsewhere.
fn place(
    variable: &str,
    words: &[&str],
    value: &str,
    document: &Document,
    cx: &Reading<'_>,
) -> Result<Option<Place>, ConfigError> {
    let mistake = |message: String| Err(ConfigError::new(variable, message));
    let nothing = || {
        mistake(
            "overrides nothing; such names are OTPMUX_ with PROVIDERS__NAME__KEY, STORE__KEY, \
             POLICY__KEY, LIMITS__KEY, MESSAGES__KEY, RESILIENCE__KEY or SERVER__LISTEN"
                .to_owned(),
        )
    };
    match words {
        ["routes" | "server_keys" | "events", ..] | ["server", "api_keys", ..] => {
            mistake("a list cannot be overridden; change the file".to_owned())
        }
        [section, key] => match sections::find(section) {
            Some((section, settings)) => {
                section_key(variable, vec![section.to_owned()], settings, key, value)
            }
            None => nothing(),
        },
        ["providers", name, key @ ..] if !key.is_empty() => {
            provider_key(variable, name, key, value, document, cx)
        }
        _ => nothing(),
    }
}

fn section_key(
    variable: &str,
    mut path: Vec<String>,
    keys: Keys,
    key: &str,
    value: &str,
) -> Result<Option<Place>, ConfigError> {
    let mut settings = keys.iter().copied().flatten();
    if let Some(setting) = settings.find(|setting| fits(setting.name, key)) {
        path.push(setting.name.to_owned());
        return Ok(Some(Place { path, value: typed(&setting.kind, value) }));
    }
    Err(match sections::home_of(key) {
        Some(home) => {
            let meant = format!("{PREFIX}{home}__{key}").to_uppercase();
            ConfigError::new(variable, format!("unknown key; did you mean {meant}?"))
        }
        None => unknown_key(variable, key, names(keys)),
    })
}

fn provider_key(
    variable: &str,
    name: &str,
    key: &[&str],
    value: &str,
    document: &Document,
    cx: &Reading<'_>,
) -> Result<Option<Place>, ConfigError> {
    let known = || document.providers.iter().map(String::as_str);
    let mut named = known().filter(|known| fits(known, name));
    let provider = match (named.next(), named.next()) {
        (Some(provider), None) => provider,
        (Some(one), Some(other)) => {
            let message = format!("may mean both `{one}` and `{other}`; rename one of them");
            return Err(ConfigError::new(variable, message));
        }
        (None, _) => {
            let message = match nearest(name, known()) {
                Some(near) => format!("no provider is named `{name}`; did you mean `{near}`?"),
                None => format!("no provider is named `{name}`"),
            };
            return Err(ConfigError::new(variable, message));
        }
    };
    let at = |key: &str| vec!["providers".to_owned(), provider.to_owned(), key.to_owned()];
    if key == ["kind"] {
        return Ok(Some(Place { path: at("kind"), value: value.into() }));
    }
    if let ["resilience", key] = key {
        return section_key(variable, at("resilience"), Resilience::KEYS, key, value);
    }
    let kind = document.root["providers"][provider]["kind"].as_str();
    let Some(Ok(adapter)) = kind.map(|kind| cx.registry.adapter(kind)) else {
        return Ok(None);
    };
    let settings = || adapter.settings.iter().copied().flatten();
    let setting = settings().find(|setting| fits(setting.name, key[0]));
    match (setting, key) {
        (Some(setting), [_, entry]) if has_entries(&setting.kind) => {
            let mut path = at(setting.name);
            path.push((*entry).to_owned());
            Ok(Some(Place { path, value: value.into() }))
        }
        (Some(setting), [_]) if has_entries(&setting.kind) => {
            let message = "a table cannot be overridden as a whole; add __ and one of its keys";
            Err(ConfigError::new(variable, message))
        }
        (Some(setting), [_]) => {
            Ok(Some(Place { path: at(setting.name), value: typed(&setting.kind, value) }))
        }
        (None, [only]) if names(Resilience::KEYS).any(|name| name == *only) => {
            let meant = format!("{PREFIX}PROVIDERS__{name}__RESILIENCE__{only}").to_uppercase();
            Err(ConfigError::new(variable, format!("unknown key; did you mean {meant}?")))
        }
        _ => Err(unknown_key(variable, &key.join("__"), settings().map(|setting| setting.name))),
    }
}

/// Returns whether the value is a table whose entries can be set one by one.
fn has_entries(kind: &SettingKind) -> bool {
    matches!(kind, SettingKind::Texts | SettingKind::Secrets)
}

/// Returns whether a word of a variable, in lower case, means this name.
fn fits(name: &str, word: &str) -> bool {
    name.to_lowercase().replace('-', "_") == word
}

/// Returns the value in the form of a file; an invalid value stays text and is reported later.
fn typed(kind: &SettingKind, value: &str) -> Value {
    let parsed = match kind {
        SettingKind::Flag => value.parse().ok().map(Value::Bool),
        SettingKind::Integer(_) => value.parse::<i64>().ok().map(Value::from),
        SettingKind::ListOr(word) if value == *word => None,
        SettingKind::List { .. } | SettingKind::ListOr(_) | SettingKind::Limits { .. }
            if value.trim().is_empty() =>
        {
            Some(Value::Array(Vec::new()))
        }
        SettingKind::List { .. } | SettingKind::ListOr(_) | SettingKind::Limits { .. } => {
            Some(value.split(',').map(str::trim).map(Value::from).collect())
        }
        _ => None,
    };
    parsed.unwrap_or_else(|| value.into())
}

fn put(root: &mut Map<String, Value>, place: Place) -> bool {
    let Some((key, tables)) = place.path.split_last() else {
        return false;
    };
    let mut table = root;
    for name in tables {
        let next = table.entry(name.as_str()).or_insert_with(|| Map::new().into());
        match next {
            Value::Object(next) => table = next,
            _ => return false,
        }
    }
    table.insert(key.clone(), place.value);
    true
}
