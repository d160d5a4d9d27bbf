//! Lists of texts and of limits.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::ConfigError;
use super::forms::{duration_text, parse_limit};
use super::reader::{ResolveSecret, range_text, time};
use super::values::Checked;
use crate::RateLimit;

/// A check of one text.
type Check<'a> = &'a dyn Fn(&str) -> Result<(), String>;

pub(super) fn texts(
    at: &str,
    raw: &Value,
    empty: bool,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Checked, Vec<ConfigError>> {
    match raw.as_array() {
        Some(list) if empty || !list.is_empty() => entries(at, list, &check),
        _ if empty => mistake(at, "must be a list of texts"),
        _ => mistake(at, "must be a list of texts, with one at least"),
    }
}

pub(super) fn texts_or(
    at: &str,
    raw: &Value,
    word: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Checked, Vec<ConfigError>> {
    match raw {
        Value::String(text) if text == word => Ok(Checked::Text(text.clone())),
        Value::Array(list) if !list.is_empty() => entries(at, list, &check),
        _ => mistake(at, format!("must be a list of texts, with one at least, or \"{word}\"")),
    }
}

fn entries(at: &str, list: &[Value], check: Check<'_>) -> Result<Checked, Vec<ConfigError>> {
    read_list(at, list, |text| check(text).map(|()| text.to_owned())).map(Checked::List)
}

pub(super) fn durations(
    at: &str,
    raw: &Value,
    range: &RangeInclusive<Duration>,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Checked, Vec<ConfigError>> {
    let Some(table) = raw.as_object() else {
        return mistake(at, "must be a table of times");
    };
    let (mut times, mut errors) = (BTreeMap::new(), Vec::new());
    for (key, raw) in table {
        let time = check(key).and_then(|()| {
            let expected = || format!("must be a time such as \"5m\", {}", range_text(range));
            time(raw, range).ok_or_else(expected)
        });
        match time {
            Ok(time) => drop(times.insert(key.clone(), time)),
            Err(message) => errors.push(ConfigError::new(format!("{at}.{key}"), message)),
        }
    }
    if errors.is_empty() { Ok(Checked::Durations(times)) } else { Err(errors) }
}

pub(super) fn secrets(
    at: &str,
    raw: &Value,
    resolve: &ResolveSecret<'_>,
) -> Result<Checked, Vec<ConfigError>> {
    let Some(table) = raw.as_object() else {
        return mistake(at, "must be a table of references to secrets");
    };
    let (mut secrets, mut errors) = (BTreeMap::new(), Vec::new());
    for (key, raw) in table {
        let text = raw.as_str().filter(|text| !text.is_empty());
        match text.ok_or_else(|| "must be text in quotes".to_owned()).and_then(resolve) {
            Ok(secret) => drop(secrets.insert(key.clone(), secret)),
            Err(message) => errors.push(ConfigError::new(format!("{at}.{key}"), message)),
        }
    }
    if errors.is_empty() { Ok(Checked::Secrets(secrets)) } else { Err(errors) }
}

pub(super) fn limits(
    at: &str,
    raw: &Value,
    count: &RangeInclusive<u32>,
    per: &RangeInclusive<Duration>,
    most: usize,
) -> Result<Checked, Vec<ConfigError>> {
    let range = format!(
        "{} to {} in {} to {}",
        count.start(),
        count.end(),
        duration_text(*per.start()),
        duration_text(*per.end())
    );
    let within = |limit: &RateLimit| count.contains(&limit.count) && per.contains(&limit.per);
    let limit = |text: &str| {
        let limit = parse_limit(text).filter(within);
        limit.ok_or_else(|| format!("must be a limit such as \"15/1h\", {range}"))
    };
    match raw.as_array() {
        Some(list) if list.len() <= most => read_list(at, list, limit).map(Checked::Limits),
        Some(_) => mistake(at, format!("must be at most {most} limits")),
        None => {
            let form = "must be a list of limits such as [\"15/1h\"]";
            mistake(at, format!("{form}, {range}, or [] for none"))
        }
    }
}

/// Reads the texts of a list and parses each with `parse`.
///
/// # Errors
///
/// Each entry that is not text, that `parse` rejects, or that equals an earlier one; with its
/// position, such as `policy.countries[1]`.
pub fn read_list<T: PartialEq>(
    at: &str,
    list: &[Value],
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Vec<ConfigError>> {
    let (mut values, mut errors) = (Vec::with_capacity(list.len()), Vec::new());
    for (place, raw) in list.iter().enumerate() {
        let parsed = match raw.as_str() {
            Some("") => Err("must not be empty".to_owned()),
            Some(text) => parse(text),
            None => Err("must be text in quotes".to_owned()),
        };
        let parsed = parsed.and_then(|value| {
            let twice = || "is in this list twice".to_owned();
            (!values.contains(&value)).then_some(value).ok_or_else(twice)
        });
        match parsed {
            Ok(value) => values.push(value),
            Err(message) => errors.push(ConfigError::new(format!("{at}[{place}]"), message)),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

fn mistake<T>(at: &str, message: impl Into<String>) -> Result<T, Vec<ConfigError>> {
    Err(vec![ConfigError::new(at, message)])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Setting, Settings, SettingsReader};
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAY: Duration = Duration::from_hours(24);
    const ALL: &[Setting] = &[
        Setting::list("countries", ""),
        Setting::list_or("names", "any", ""),
        Setting::limits("limits", 1..=100, SECOND..=DAY, 3, ""),
    ];

    fn read(key: &str, raw: &Value) -> Result<Settings, Vec<String>> {
        let table = json!({ key: raw });
        SettingsReader::new(&|_| Err(String::new()))
            .read("p", &[ALL], table.as_object().unwrap())
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_both_kinds() {
        let countries = read("countries", &json!(["IN", "US"])).unwrap();
        assert_eq!(countries.list("countries").unwrap(), ["IN", "US"]);
        let any = read("names", &json!("any")).unwrap();
        assert_eq!((any.text("names"), any.list("names")), (Some("any"), None));
        assert_eq!(read("names", &json!(["a"])).unwrap().list("names").unwrap(), ["a"]);
        for raw in [json!("all"), json!([]), json!(1)] {
            assert_eq!(
                read("names", &raw).unwrap_err(),
                ["p.names: must be a list of texts, with one at least, or \"any\""]
            );
        }
        let limits = read("limits", &json!(["2/1m", "50/1d"])).unwrap();
        let expected = [RateLimit::new(2, 60 * SECOND), RateLimit::new(50, DAY)];
        assert_eq!(limits.limits("limits").unwrap(), expected);
        let none = read("limits", &json!([])).unwrap();
        assert!(none.limits("limits").unwrap().is_empty(), "an empty one is meant");
    }

    #[test]
    fn each_entry_of_a_list_has_its_mistake() {
        for raw in [json!([]), json!("IN"), json!({"IN": 1})] {
            assert_eq!(
                read("countries", &raw).unwrap_err(),
                ["p.countries: must be a list of texts, with one at least"]
            );
        }
        assert_eq!(
            read("countries", &json!(["IN", 1, "", "IN"])).unwrap_err(),
            [
                "p.countries[1]: must be text in quotes",
                "p.countries[2]: must not be empty",
                "p.countries[3]: is in this list twice",
            ]
        );
    }

    #[test]
    fn limits_say_what_they_look_like() {
        assert_eq!(
            read("limits", &json!("2/1m")).unwrap_err(),
            ["p.limits: must be a list of limits such as [\"15/1h\"], 1 to 100 in 1s to 1d, \
              or [] for none"]
        );
        let message = "must be a limit such as \"15/1h\", 1 to 100 in 1s to 1d";
        assert_eq!(
            read("limits", &json!(["2", "101/1m", "2/25h"])).unwrap_err(),
            [0, 1, 2].map(|at| format!("p.limits[{at}]: {message}"))
        );
        assert_eq!(
            read("limits", &json!(["2/1m", "2/60s"])).unwrap_err(),
            ["p.limits[1]: is in this list twice"]
        );
        let four = json!(["1/1s", "2/2s", "3/3s", "4/4s"]);
        assert_eq!(read("limits", &four).unwrap_err(), ["p.limits: must be at most 3 limits"]);
    }
}
