//! A request in parts: the segments of its path, and the texts of its query and body by position.

use std::collections::BTreeMap;

use serde_json::Value;
use url::form_urlencoded;

/// The method, the path, and all texts.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) method: String,
    pub(super) path: Vec<String>,
    /// By position: `?name` in the query, `/name/0` in the body.
    pub(super) texts: BTreeMap<String, Leaf>,
}

/// A JSON value without members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafKind {
    Text,
    Number,
    /// `true`, `false`, `null`, and empty lists and objects.
    Word,
}

impl Shape {
    pub(super) fn new(method: &str, path: &str, query: &str, body: &Value) -> Self {
        let mut texts = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let leaf = Leaf { kind: LeafKind::Text, text: value.into_owned() };
            texts.insert(format!("?{name}"), leaf);
        }
        take_apart("", body, &mut texts);
        let path = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        Self { method: method.to_owned(), path, texts }
    }

    /// Returns every text, including those of the path.
    pub(super) fn all_texts(&self) -> impl Iterator<Item = &str> {
        let leaves = self.texts.values().map(|leaf| leaf.text.as_str());
        self.path.iter().map(String::as_str).chain(leaves)
    }
}

/// Returns the body as JSON: a form as an object of texts, any other body as one text.
pub(super) fn body(content_type: Option<&str>, bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    if content_type.is_some_and(|media| media.contains("x-www-form-urlencoded")) {
        let fields = form_urlencoded::parse(bytes);
        let field = |(name, value): (_, std::borrow::Cow<'_, str>)| {
            (std::borrow::Cow::into_owned(name), Value::from(value.into_owned()))
        };
        return Value::Object(fields.map(field).collect());
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn take_apart(place: &str, value: &Value, texts: &mut BTreeMap<String, Leaf>) {
    let (kind, text) = match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                take_apart(&format!("{place}/{name}"), value, texts);
            }
            return;
        }
        Value::Array(values) if !values.is_empty() => {
            for (number, value) in values.iter().enumerate() {
                take_apart(&format!("{place}/{number}"), value, texts);
            }
            return;
        }
        Value::Null if place.is_empty() => return,
        Value::String(text) => (LeafKind::Text, text.clone()),
        Value::Number(number) => (LeafKind::Number, number.to_string()),
        word => (LeafKind::Word, word.to_string()),
    };
    texts.insert(place.to_owned(), Leaf { kind, text });
}

/// Returns the name at a position, in small letters and without `_` and `-`.
pub(super) fn name_at(place: &str) -> String {
    let name = place.rsplit(['/', '?']).find(|part| part.parse::<usize>().is_err());
    name.unwrap_or_default().to_ascii_lowercase().replace(['_', '-'], "")
}

/// Collects every text in a JSON value.
pub(super) fn texts_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| texts_of(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts_of(value, found)),
        _ => {}
    }
}
