//! The text of values as TOML. JSON and TOML write texts, numbers, flags and lists of them alike.

use serde_json::{Map, Value};

/// A value of a table, in the form of the text.
pub(super) enum Node<'a> {
    /// Written after its key.
    Value(String),
    /// A table with a header.
    Table(Entries<'a>),
    /// A list of tables, each with a header.
    Tables(Vec<Entries<'a>>),
}

/// The entries of a table, in the order of the text.
pub(super) type Entries<'a> = Vec<(&'a str, Node<'a>)>;

/// Returns the entries of a table without those that are `null`.
pub(super) fn entries(table: &Map<String, Value>) -> Entries<'_> {
    table.iter().filter_map(|(key, value)| Some((key.as_str(), Node::of(value)?))).collect()
}

impl<'a> Node<'a> {
    /// `None` for `null`, which TOML does not have.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Object(table) => Self::Table(entries(table)),
            Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
                Self::Tables(list.iter().filter_map(Value::as_object).map(entries).collect())
            }
            other => Self::Value(inline(other)),
        })
    }

    /// Returns the text of a whole file.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if let Self::Table(entries) = self {
            write(&mut text, "", entries);
        }
        text
    }
}

/// Writes the entries of a table with this path: first those without a header, since an entry after
/// a header belongs to that table.
fn write(text: &mut String, path: &str, entries: &[(&str, Node<'_>)]) {
    for (name, node) in entries {
        if let Node::Value(value) = node {
            text.extend([&key(name), " = ", value, "\n"]);
        }
    }
    for (name, node) in entries {
        let name = key(name);
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        match node {
            Node::Value(_) => {}
            Node::Table(entries) => {
                // The header of a table within it implies its own.
                let is_value = |(_, node): &(_, Node<'_>)| matches!(node, Node::Value(_));
                if entries.is_empty() || entries.iter().any(is_value) {
                    header(text, &format!("[{path}]"));
                }
                write(text, &path, entries);
            }
            Node::Tables(list) => {
                for entries in list {
                    header(text, &format!("[[{path}]]"));
                    write(text, &path, entries);
                }
            }
        }
    }
}

fn header(text: &mut String, header: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.extend([header, "\n"]);
}

/// Returns a key, in quotes if it needs them.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { inline(&name.into()) }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let values = list.iter().filter(|value| !value.is_null()).map(inline);
            format!("[{}]", values.collect::<Vec<_>>().join(", "))
        }
        Value::Object(table) => {
            let entries = table.iter().filter(|(_, value)| !value.is_null());
            let entries = entries.map(|(name, value)| format!("{} = {}", key(name), inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        // A control character that JSON leaves as it is.
        other => other.to_string().replace('\u{7f}', "\\u007F"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::document::Document;
    use super::*;

    fn text(value: &Value) -> String {
        Node::of(value).unwrap().text()
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("TOML only", |it| it.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let keys = prop_oneof![any::<String>(), "[a-z_-]{1,4}"];
            let table = prop::collection::btree_map(keys, inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                table.prop_map(|table| Value::Object(table.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_the_same(value in any_value()) {
            let table = json!({ "a": value, "b": 1, "c": { "d": value } });
            let text = text(&table);
            let read = Document::tree(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read.0, table, "{}", text);
        }
    }

    #[test]
    fn headers_are_those_that_a_person_would_write() {
        let table = json!({
            "providers": { "b": { "kind": "x" }, "a.b": { "none": null, "paths": { "c": "\u{7f}\n" } } },
            "routes": [{ "providers": ["b"] }, { "escalate": [{ "after": "1m" }, {}], "weight": 1.0 }],
            "mixed": [1, { "a": [] }],
            "empty": {},
        });
        let expected = "\
mixed = [1, { a = [] }]

[empty]

[providers.\"a.b\".paths]
c = \"\\u007F\\n\"

[providers.b]
kind = \"x\"

[[routes]]
providers = [\"b\"]

[[routes]]
weight = 1.0

[[routes.escalate]]
after = \"1m\"

[[routes.escalate]]
";
        assert_eq!(text(&table), expected);
    }
}
