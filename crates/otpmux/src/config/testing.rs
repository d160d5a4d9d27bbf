//! What the tests of several sections share.

use otpmux_core::settings::SettingKind;
use serde_json::{Map, Value, json};

use super::reading::Reading;
use crate::{Environment, Registry};

/// Reads something with a registry that knows nobody; what came of it, and the mistakes.
pub(super) fn reading<T>(read: impl FnOnce(&mut Reading<'_>) -> T) -> (T, Vec<String>) {
    let (environment, registry) = (Environment::new(), Registry::new());
    let mut cx = Reading {
        environment: &environment,
        registry: &registry,
        allow_literals: false,
        errors: Vec::new(),
    };
    let value = read(&mut cx);
    (value, cx.errors.iter().map(ToString::to_string).collect())
}

/// A table of one key, with a value that is within its range and no default.
pub(super) fn example(name: &str, kind: &SettingKind) -> Map<String, Value> {
    let value = match kind {
        SettingKind::Flag => json!(true),
        SettingKind::Integer(range) => json!(range.end()),
        // The end is a default somewhere.
        SettingKind::Duration(range) => json!(format!("{}ms", range.end().as_millis() - 1)),
        SettingKind::Choice(words) => json!(words[0]),
        SettingKind::Limits { count, per, .. } => {
            json!([format!("{}/{}ms", count.end(), per.end().as_millis())])
        }
        SettingKind::Texts if name == "ttls" => json!({ "email": "10m" }),
        SettingKind::ListOr(_) if name == "countries" => json!(["IN"]),
        SettingKind::List if name == "refuse_numbers" => json!(["voip"]),
        SettingKind::List if name == "allow_prefixes" => json!(["+4490"]),
        SettingKind::Text if name == "default_country" => json!("IN"),
        SettingKind::List if name == "channels" => json!(["voice"]),
        other => panic!("{other:?} has no value here"),
    };
    Map::from_iter([(name.to_owned(), value)])
}

/// The fields that `{:#?}` shows, with those of structs in it as `outer_inner`, and their values.
pub(super) fn fields(shown: &str) -> Vec<(String, String)> {
    let (mut outer, mut fields) = (Vec::<&str>::new(), Vec::<(String, String)>::new());
    for line in shown.lines().skip(1) {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 4;
        let field = text.split_once(": ").filter(|_| depth == outer.len() + 1);
        match field {
            Some((name, value)) if value.ends_with(" {") => outer.push(name),
            Some((name, value)) => {
                let path: Vec<_> = outer.iter().copied().chain([name]).collect();
                fields.push((path.join("_"), value.to_owned()));
            }
            None if depth == outer.len() => drop(outer.pop()),
            None => {
                if let Some((_, value)) = fields.last_mut() {
                    value.push_str(text);
                }
            }
        }
    }
    fields
}

/// The names of the fields in which two values differ.
pub(super) fn changed(one: &str, other: &str) -> Vec<String> {
    let pairs = fields(one).into_iter().zip(fields(other));
    pairs.filter(|(one, other)| one != other).map(|((name, _), _)| name).collect()
}
