use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::ConfigError;
use crate::{RateLimit, Secret};

/// The values of one table, checked against its list of [`Setting`](super::Setting)s.
///
/// The getters return `None` for an absent key. Reading a key with the wrong type is a mistake in
/// the adapter and returns `None` too.
#[derive(Debug)]
pub struct Settings {
    path: String,
    values: Vec<(&'static str, Checked)>,
}

#[derive(Debug)]
pub(super) enum Checked {
    Text(String),
    Secret(Secret),
    Flag(bool),
    Integer(i64),
    Duration(Duration),
    Texts(BTreeMap<String, String>),
    Secrets(BTreeMap<String, Secret>),
    Tree(Value),
    Durations(BTreeMap<String, Duration>),
    List(Vec<String>),
    Limits(Vec<RateLimit>),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident -> $type:ty, $variant:ident, $value:ident => $result:expr) => {
        $(#[$doc])*
        pub fn $name(&self, key: &str) -> Option<$type> {
            match self.get(key)? {
                Checked::$variant($value) => Some($result),
                _ => None,
            }
        }
    };
}

impl Settings {
    pub(super) fn new(path: &str, values: Vec<(&'static str, Checked)>) -> Self {
        Self { path: path.to_owned(), values }
    }

    fn get(&self, key: &str) -> Option<&Checked> {
        self.values.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    getter! {
        /// Returns the text of a key, also of a choice.
        text -> &str, Text, value => value
    }
    getter! {
        /// Returns the flag of a key.
        flag -> bool, Flag, value => *value
    }
    getter! {
        /// Returns the number of a key, within its setting's range.
        integer -> i64, Integer, value => *value
    }
    getter! {
        /// Returns the time of a key, within its setting's range.
        duration -> Duration, Duration, value => *value
    }
    getter! {
        /// Returns the secret of a key.
        secret -> Secret, Secret, value => value.clone()
    }
    getter! {
        /// Returns the table of a key.
        texts -> &BTreeMap<String, String>, Texts, value => value
    }
    getter! {
        /// Returns the table of secrets of a key.
        secrets -> &BTreeMap<String, Secret>, Secrets, value => value
    }
    getter! {
        /// Returns the table of a key that may have any form.
        tree -> &Value, Tree, value => value
    }
    getter! {
        /// Returns the table of times of a key, each within its setting's range.
        durations -> &BTreeMap<String, Duration>, Durations, value => value
    }
    getter! {
        /// Returns the list of a key.
        list -> &[String], List, value => value
    }
    getter! {
        /// Returns the limits of a key, each within its setting's range; empty means no limit.
        limits -> &[RateLimit], Limits, value => value
    }

    /// Unwraps a value whose key is required, and so is present.
    ///
    /// # Errors
    ///
    /// The adapter asks for a key that its table does not require.
    pub fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| self.error(key, "missing; it is required"))
    }

    /// Returns a mistake that only the adapter can detect, such as two keys that exclude each
    /// other.
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::new(format!("{}.{key}", self.path), message)
    }

    /// Prefixes a mistake with the path of this table.
    pub fn locate(&self, error: ConfigError) -> ConfigError {
        error.within(&self.path)
    }

    /// Returns whether a key is present.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Passes every key and value to `take`, secrets included: equal settings give equal bytes,
    /// different settings different bytes. For a hash that detects changes; do not store or show
    /// the bytes or the hash.
    pub fn feed(&self, take: &mut dyn FnMut(&[u8])) {
        for (key, value) in &self.values {
            feed(take, key.as_bytes());
            value.feed(take);
        }
    }
}

impl Checked {
    fn feed(&self, take: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Text(text) => {
                take(b"t");
                feed(take, text.as_bytes());
            }
            Self::Secret(secret) => {
                take(b"s");
                feed(take, secret.expose().as_bytes());
            }
            Self::Flag(flag) => take(&[b'f', u8::from(*flag)]),
            Self::Integer(number) => {
                take(b"i");
                take(&number.to_le_bytes());
            }
            Self::Duration(time) => {
                take(b"d");
                take(&time.as_nanos().to_le_bytes());
            }
            Self::Texts(table) => {
                take(b"m");
                take(&(table.len() as u64).to_le_bytes());
                for (key, text) in table {
                    feed(take, key.as_bytes());
                    feed(take, text.as_bytes());
                }
            }
            Self::Secrets(table) => {
                take(b"p");
                take(&(table.len() as u64).to_le_bytes());
                for (key, secret) in table {
                    feed(take, key.as_bytes());
                    feed(take, secret.expose().as_bytes());
                }
            }
            Self::Tree(tree) => {
                take(b"j");
                feed(take, tree.to_string().as_bytes());
            }
            Self::Durations(table) => {
                take(b"n");
                take(&(table.len() as u64).to_le_bytes());
                for (key, time) in table {
                    feed(take, key.as_bytes());
                    take(&time.as_nanos().to_le_bytes());
                }
            }
            Self::List(list) => {
                take(b"l");
                take(&(list.len() as u64).to_le_bytes());
                for text in list {
                    feed(take, text.as_bytes());
                }
            }
            Self::Limits(limits) => {
                take(b"r");
                take(&(limits.len() as u64).to_le_bytes());
                for limit in limits {
                    take(&limit.count.to_le_bytes());
                    take(&limit.per.as_nanos().to_le_bytes());
                }
            }
        }
    }
}

/// Writes the length first, so that different lists of texts never give the same bytes.
fn feed(take: &mut dyn FnMut(&[u8]), bytes: &[u8]) {
    take(&(bytes.len() as u64).to_le_bytes());
    take(bytes);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn fed(values: impl IntoIterator<Item = (&'static str, Checked)>) -> Vec<u8> {
        let mut bytes = Vec::new();
        Settings::new("p", values.into_iter().collect())
            .feed(&mut |part| bytes.extend_from_slice(part));
        bytes
    }

    #[test]
    fn any_difference_is_fed() {
        let text = |text: &str| Checked::Text(text.to_owned());
        let table = |key: &str, value: &str| {
            Checked::Texts(BTreeMap::from([(key.to_owned(), value.to_owned())]))
        };
        let list = |list: &[&str]| Checked::List(list.iter().map(ToString::to_string).collect());
        let limit = |count, seconds| RateLimit::new(count, Duration::from_secs(seconds));
        let all = [
            fed([]),
            fed([("a", text("x"))]),
            fed([("b", text("x"))]),
            fed([("a", text("y"))]),
            fed([("a", text("x")), ("b", text("x"))]),
            fed([("a", Checked::Secret(Secret::new("x")))]),
            fed([("a", Checked::Secret(Secret::new("y")))]),
            fed([("a", Checked::Flag(true))]),
            fed([("a", Checked::Flag(false))]),
            fed([("a", Checked::Integer(1))]),
            fed([("a", Checked::Integer(-1))]),
            fed([("a", Checked::Duration(Duration::from_secs(1)))]),
            fed([("a", table("k", "v"))]),
            fed([("a", table("kv", ""))]),
            fed([("a", Checked::Secrets(BTreeMap::from([("k".into(), Secret::new("v"))])))]),
            fed([("a", Checked::Tree(Value::from("v")))]),
            fed([("a", Checked::Durations(BTreeMap::from([("k".into(), Duration::ZERO)])))]),
            fed([("a", Checked::Durations(BTreeMap::from([("k".into(), Duration::MAX)])))]),
            fed([("a", list(&["kv"]))]),
            fed([("a", list(&["k", "v"]))]),
            fed([("a", Checked::Limits(vec![]))]),
            fed([("a", Checked::Limits(vec![limit(1, 60)]))]),
            fed([("a", Checked::Limits(vec![limit(60, 1)]))]),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let one = || fed([("b", text("x")), ("a", text("y"))]);
        assert_eq!(one(), one());
    }
}
