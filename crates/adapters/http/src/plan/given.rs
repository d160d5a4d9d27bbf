//! The settings of one provider, by name.

use std::borrow::Cow;
use std::collections::BTreeMap;

use otpmux_core::Secret;

/// The values of the settings that a definition may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(BTreeMap<String, Value>);

/// The value of a setting.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Secret(Secret),
    Flag(bool),
    Integer(i64),
}

impl Given {
    pub(crate) fn insert(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn secret(&self, name: &str) -> Option<&Secret> {
        match self.0.get(name)? {
            Value::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.values().filter_map(|value| match value {
            Value::Secret(secret) => Some(secret),
            _ => None,
        })
    }
}

impl Value {
    /// Returns the value as text. It may be a secret.
    pub(crate) fn expose(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Secret(secret) => secret.expose().into(),
            Self::Flag(flag) => if *flag { "true" } else { "false" }.into(),
            Self::Integer(number) => number.to_string().into(),
        }
    }
}
