//! The body of a request as a definition has it: a tree whose texts are templates.

use serde_json::{Map, Number, Value};

use super::table::{Mistakes, Table};
use crate::template::Template;
use crate::var::Var;
use otpmux_core::settings::ConfigError;

/// A value of a body.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Text(Template<Var>),
    Number(Number),
    Flag(bool),
    List(Vec<Tree>),
    Table(Vec<Field>),
    /// The tree as JSON text.
    JsonText(Box<Tree>),
    /// Digits as a number.
    ToNumber(Template<Var>),
    /// A text where the placeholder alone would be a number or a flag.
    ToText(Template<Var>),
    /// The first text if the message needs UCS-2, else the second.
    Unicode(String, String),
    /// The tree if the values of the template are there, else nothing.
    If(Template<Var>, Box<Tree>),
}

/// A field of a table or a form, a header, or a parameter of the query.
#[derive(Clone, Debug)]
pub(crate) struct Field<T = Tree> {
    pub(crate) name: String,
    /// It is left out if one of its values is absent.
    pub(crate) optional: bool,
    pub(crate) value: T,
    /// Where the definition has it.
    pub(crate) path: String,
}

impl Tree {
    pub(super) fn read(path: &str, value: &Value, mistakes: &mut Mistakes) -> Option<Self> {
        Some(match value {
            Value::Null => return wrong(path, "must not be empty", mistakes),
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(template(path, text, mistakes)?),
            Value::Array(list) => {
                let entry =
                    |(place, value)| Self::read(&format!("{path}[{place}]"), value, mistakes);
                // Every entry is read, so that all mistakes are reported.
                let entries: Vec<_> = list.iter().enumerate().map(entry).collect();
                Self::List(entries.into_iter().collect::<Option<_>>()?)
            }
            Value::Object(map) => match map.iter().next() {
                Some((key, _)) if key == "$if" => Self::condition(path, map, mistakes)?,
                Some((key, value)) if key.starts_with('$') && map.len() == 1 => {
                    Self::special(path, key, value, mistakes)?
                }
                _ => Self::Table(Self::fields(path, map, mistakes)?),
            },
        })
    }

    /// Reads the fields of a table or a form.
    pub(super) fn fields(
        path: &str,
        map: &Map<String, Value>,
        mistakes: &mut Mistakes,
    ) -> Option<Vec<Field>> {
        let fields = fields(path, map, Self::read, mistakes)?;
        for field in &fields {
            if matches!(field.value, Self::If(..)) && !field.optional {
                let message = "may be absent: write `?` after the key";
                mistakes.push(ConfigError::new(field.path.clone(), message));
            }
        }
        Some(fields)
    }

    fn condition(path: &str, map: &Map<String, Value>, mistakes: &mut Mistakes) -> Option<Self> {
        let mut table = Table::new(path, map);
        let given = table.template("$if", mistakes);
        let then = table.get("then");
        let then = table.needed("then", then, mistakes);
        let then = then.and_then(|then| Self::read(&table.at("then"), then, mistakes));
        table.finish(mistakes);
        Some(Self::If(given?, Box::new(then?)))
    }

    fn special(path: &str, key: &str, value: &Value, mistakes: &mut Mistakes) -> Option<Self> {
        let at = format!("{path}.{key}");
        let text = |mistakes: &mut Mistakes| match value.as_str() {
            Some(text) => template(&at, text, mistakes),
            None => wrong(&at, "must be text in quotes", mistakes),
        };
        match key {
            "$json" => Some(Self::JsonText(Box::new(Self::read(&at, value, mistakes)?))),
            "$number" => Some(Self::ToNumber(text(mistakes)?)),
            "$text" => Some(Self::ToText(text(mistakes)?)),
            "$unicode" => match value.as_array().map(Vec::as_slice) {
                Some([Value::String(yes), Value::String(no)]) => {
                    Some(Self::Unicode(yes.clone(), no.clone()))
                }
                _ => wrong(&at, "must be two texts: for UCS-2, and for GSM-7", mistakes),
            },
            _ => {
                let message =
                    "unknown word; the known ones are: $if, $json, $number, $text, $unicode";
                wrong(&at, message, mistakes)
            }
        }
    }
}

/// Reads the fields of a table; a name that ends in `?` is optional.
pub(super) fn fields<T>(
    path: &str,
    map: &Map<String, Value>,
    read: impl Fn(&str, &Value, &mut Mistakes) -> Option<T>,
    mistakes: &mut Mistakes,
) -> Option<Vec<Field<T>>> {
    let mut all = true;
    let mut fields: Vec<Field<T>> = Vec::with_capacity(map.len());
    for (key, value) in map {
        let at = format!("{path}.{key}");
        let (name, optional) = match key.strip_suffix('?') {
            Some(name) => (name, true),
            None => (key.as_str(), false),
        };
        if fields.iter().any(|other| other.name == name) {
            let message = format!("the field `{name}` is there twice, with and without `?`");
            mistakes.push(ConfigError::new(at.clone(), message));
        }
        match read(&at, value, mistakes) {
            Some(value) => fields.push(Field { name: name.to_owned(), optional, value, path: at }),
            None => all = false,
        }
    }
    all.then_some(fields)
}

/// Reads a text with placeholders.
pub(super) fn line(path: &str, value: &Value, mistakes: &mut Mistakes) -> Option<Template<Var>> {
    match value.as_str() {
        Some(text) => template(path, text, mistakes),
        None => wrong(path, "must be text in quotes", mistakes),
    }
}

fn template(path: &str, text: &str, mistakes: &mut Mistakes) -> Option<Template<Var>> {
    Template::parse(text).map_err(|error| mistakes.push(ConfigError::new(path, error))).ok()
}

fn wrong<T>(path: &str, message: &str, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.push(ConfigError::new(path, message));
    None
}
