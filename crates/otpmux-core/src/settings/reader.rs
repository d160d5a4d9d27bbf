use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use super::forms::{duration_text, parse_duration};
use super::values::{Checked, Settings};
use super::{ConfigError, Setting, SettingKind, lists, unknown_key};
use crate::Secret;

/// Reads tables against lists of [`Setting`]s and reports every mistake at once.
pub struct SettingsReader<'a> {
    resolve: &'a ResolveSecret<'a>,
}

/// Resolves the text of a secret's key to the secret, or returns the reason of the failure.
pub(super) type ResolveSecret<'a> = dyn Fn(&str) -> Result<Secret, String> + 'a;

impl std::fmt::Debug for SettingsReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SettingsReader")
    }
}

impl<'a> SettingsReader<'a> {
    /// Returns a reader that resolves secrets with `resolve`. Its errors are shown, so they must
    /// name the reference and never the secret.
    pub fn new(resolve: &'a ResolveSecret<'a>) -> Self {
        Self { resolve }
    }

    /// Reads one table with the keys of all `lists`.
    ///
    /// # Errors
    ///
    /// Every unknown key, missing key and wrong value of this table.
    pub fn read(
        &self,
        path: &str,
        lists: &[&'static [Setting]],
        table: &Map<String, Value>,
    ) -> Result<Settings, Vec<ConfigError>> {
        let (settings, errors) = self.read_right(path, lists, table);
        if errors.is_empty() { Ok(settings) } else { Err(errors) }
    }

    /// Reads the correct values of one table, and returns the mistakes beside them. For tables
    /// whose values depend on each other, so that all mistakes are reported at once.
    pub fn read_right(
        &self,
        path: &str,
        lists: &[&'static [Setting]],
        table: &Map<String, Value>,
    ) -> (Settings, Vec<ConfigError>) {
        let known = || lists.iter().copied().flatten();
        let mut errors = Vec::new();
        for key in table.keys() {
            if !known().any(|setting| setting.name == key) {
                let at = format!("{path}.{key}");
                errors.push(unknown_key(at, key, known().map(|setting| setting.name)));
            }
        }
        let mut values = Vec::new();
        for setting in known() {
            let at = format!("{path}.{}", setting.name);
            match table.get(setting.name) {
                None if setting.required => {
                    errors.push(ConfigError::new(at, "missing; it is required"));
                }
                None => {}
                Some(raw) => match self.value(&at, setting, raw) {
                    Ok(value) => values.push((setting.name, value)),
                    Err(mistakes) => errors.extend(mistakes),
                },
            }
        }
        (Settings::new(path, values), errors)
    }

    fn value(&self, at: &str, setting: &Setting, raw: &Value) -> Result<Checked, Vec<ConfigError>> {
        let check = |text: &str| setting.check.map_or(Ok(()), |check| check(text));
        let text = || {
            raw.as_str()
                .filter(|text| !text.is_empty())
                .ok_or_else(|| format!("must be text in quotes, not {}", type_of(raw)))
        };
        let read = match &setting.kind {
            SettingKind::List { empty } => return lists::texts(at, raw, *empty, check),
            SettingKind::ListOr(word) => return lists::texts_or(at, raw, word, check),
            SettingKind::Durations(range) => return lists::durations(at, raw, range, check),
            SettingKind::Limits { count, per, most } => {
                return lists::limits(at, raw, count, per, *most);
            }
            SettingKind::Secrets => return lists::secrets(at, raw, self.resolve),
            SettingKind::Tree => match raw {
                Value::Object(_) => Ok(Checked::Tree(raw.clone())),
                _ => Err(format!("must be a table, not {}", type_of(raw))),
            },
            SettingKind::Text => text().and_then(|text| {
                check(text)?;
                Ok(Checked::Text(text.to_owned()))
            }),
            SettingKind::Secret => {
                text().and_then(|text| (self.resolve)(text)).map(Checked::Secret)
            }
            SettingKind::Flag => match raw {
                Value::Bool(flag) => Ok(Checked::Flag(*flag)),
                _ => Err(format!("must be true or false, not {}", type_of(raw))),
            },
            SettingKind::Integer(range) => match raw.as_i64() {
                Some(number) if range.contains(&number) => Ok(Checked::Integer(number)),
                _ => {
                    Err(format!("must be a whole number from {} to {}", range.start(), range.end()))
                }
            },
            SettingKind::Duration(range) => {
                time(raw, range).map(Checked::Duration).ok_or_else(|| {
                    format!(
                        "must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", {}",
                        range_text(range)
                    )
                })
            }
            SettingKind::Choice(words) => text().and_then(|text| {
                let word = words.iter().find(|word| **word == text);
                let word = word.map(|word| Checked::Text((*word).to_owned()));
                word.ok_or_else(|| format!("must be one of: {}", words.join(", ")))
            }),
            SettingKind::Texts => {
                texts(raw).map(Checked::Texts).ok_or_else(|| "must be a table of texts".to_owned())
            }
        };
        read.map_err(|message| vec![ConfigError::new(at, message)])
    }
}

fn texts(raw: &Value) -> Option<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (key, value) in raw.as_object()? {
        texts.insert(key.clone(), value.as_str()?.to_owned());
    }
    Some(texts)
}

/// Checks a value of a struct against the declaration of its key. JSON `null` means that it is not
/// set.
pub(super) fn check(setting: &Setting, value: &Value) -> Result<(), ConfigError> {
    if value.is_null() {
        return Ok(());
    }
    let reader = SettingsReader::new(&|_| Ok(Secret::new("")));
    match reader.value(setting.name, setting, value) {
        Ok(_) => Ok(()),
        Err(mistakes) => mistakes.into_iter().next().map_or(Ok(()), Err),
    }
}

/// Reads a time within a range, in the form of a file.
pub(super) fn time(raw: &Value, range: &RangeInclusive<Duration>) -> Option<Duration> {
    raw.as_str().and_then(parse_duration).filter(|time| range.contains(time))
}

pub(super) fn range_text(range: &RangeInclusive<Duration>) -> String {
    format!("from {} to {}", duration_text(*range.start()), duration_text(*range.end()))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "empty text",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const ALL: &[Setting] = &[
        Setting::secret("api_key", "").required(),
        Setting::text("sender", ""),
        Setting::flag("relaxed", ""),
        Setting::integer("length", 4..=8, ""),
        Setting::duration("timeout", Duration::from_secs(1)..=Duration::from_mins(1), ""),
        Setting::choice("mode", &["transport", "managed"], ""),
        Setting::texts("paths", ""),
        Setting::secrets("keys", ""),
        Setting::tree("tree", ""),
    ];

    fn read(table: &Value) -> Result<Settings, Vec<String>> {
        let resolve = |text: &str| match text.strip_prefix("env:") {
            Some("KEY") => Ok(Secret::new("s3cret")),
            _ => Err(format!("{text} cannot be resolved")),
        };
        SettingsReader::new(&resolve)
            .read("p", &[ALL], table.as_object().unwrap())
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_every_kind() {
        let settings = read(&json!({
            "api_key": "env:KEY", "sender": "Acme", "relaxed": true, "length": 6,
            "timeout": "1500ms", "mode": "managed", "paths": {"send": "/x"},
            "keys": {"one": "env:KEY"}, "tree": {"a": [1, {"b": true}]},
        }))
        .unwrap();
        assert_eq!(settings.secret("api_key").unwrap().expose(), "s3cret");
        assert_eq!(settings.text("sender"), Some("Acme"));
        assert_eq!(settings.flag("relaxed"), Some(true));
        assert_eq!(settings.integer("length"), Some(6));
        assert_eq!(settings.duration("timeout"), Some(Duration::from_millis(1500)));
        assert_eq!(settings.text("mode"), Some("managed"));
        assert_eq!(settings.texts("paths").unwrap()["send"], "/x");
        assert_eq!(settings.secrets("keys").unwrap()["one"].expose(), "s3cret");
        assert_eq!(settings.tree("tree"), Some(&json!({"a": [1, {"b": true}]})));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn reports_every_mistake_at_once() {
        let errors = read(&json!({
            "senders": "Acme", "relaxed": "yes", "length": 9, "timeout": 5, "mode": "none",
            "paths": {"send": 1}, "zzz": 1, "keys": {"a": 1, "b": "env:NONE"}, "tree": "x",
        }))
        .unwrap_err();
        assert_eq!(errors.len(), 11, "{errors:#?}");
        assert!(errors.contains(&"p.keys.a: must be text in quotes".to_owned()));
        assert!(errors.contains(&"p.keys.b: env:NONE cannot be resolved".to_owned()));
        assert!(errors.contains(&"p.tree: must be a table, not text".to_owned()));
        assert!(errors.contains(&"p.senders: unknown key; did you mean `sender`?".to_owned()));
        assert!(errors.contains(&"p.api_key: missing; it is required".to_owned()));
        let flag = "p.relaxed: must be true or false, not text";
        assert!(errors.contains(&flag.to_owned()));
        assert!(errors.contains(&"p.length: must be a whole number from 4 to 8".to_owned()));
        assert!(errors.contains(&"p.mode: must be one of: transport, managed".to_owned()));
        assert!(errors.iter().any(|e| e.starts_with("p.zzz: unknown key; the known ones are: ")));
    }

    #[test]
    fn a_range_is_shown_as_it_would_be_written() {
        for raw in [json!("0s"), json!("2m"), json!(5), json!("soon")] {
            let errors = read(&json!({ "api_key": "env:KEY", "timeout": raw })).unwrap_err();
            let expected = "p.timeout: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
                            from 1s to 1m";
            assert_eq!(errors, [expected]);
        }
    }
}
