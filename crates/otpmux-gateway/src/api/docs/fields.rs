//! The fields of a schema: their names, types, bounds and meanings.

use serde_json::Value;

use super::html::{escape, push};
use super::page::list;

/// A field of an object, or of an object nested in it.
pub(super) struct Field<'a> {
    /// The name, prefixed with the names of the enclosing objects and dots.
    name: String,
    required: bool,
    kind: String,
    about: &'a str,
    bounds: Vec<String>,
}

/// Returns all fields, the required ones first.
pub(super) fn fields<'a>(document: &'a Value, schema: &'a Value) -> Vec<Field<'a>> {
    let mut all = Vec::new();
    collect(document, schema, "", true, &mut all);
    all
}

fn collect<'a>(
    document: &'a Value,
    schema: &'a Value,
    within: &str,
    required: bool,
    all: &mut Vec<Field<'a>>,
) {
    let schema = resolve(document, schema);
    for part in list(schema, "allOf") {
        collect(document, part, within, required, all);
    }
    collect_forms(document, list(schema, "oneOf"), within, required, all);
    let names = list(schema, "required");
    let properties = schema["properties"].as_object().into_iter().flatten();
    let mut properties: Vec<_> =
        properties.map(|(name, field)| (!names.iter().any(|it| it == name), name, field)).collect();
    properties.sort_by_key(|(optional, ..)| *optional);
    for (optional, name, field) in properties {
        let required = required && !optional;
        let name = format!("{within}{name}");
        let about = about(document, field);
        all.push(Field {
            name: name.clone(),
            required,
            kind: kind(document, field),
            about,
            bounds: bounds(document, field, about),
        });
        let items = &field["items"];
        let (inner, mark) = if items.is_null() { (field, ".") } else { (items, "[].") };
        collect(document, inner, &format!("{name}{mark}"), required, all);
    }
}

/// Collects the fields of several forms of an object, each once. A field that not every form has is
/// not required.
fn collect_forms<'a>(
    document: &'a Value,
    forms: &'a [Value],
    within: &str,
    required: bool,
    all: &mut Vec<Field<'a>>,
) {
    let of = |form| {
        let mut fields = Vec::new();
        collect(document, form, within, required, &mut fields);
        fields
    };
    let forms: Vec<_> = forms.iter().map(of).collect();
    let in_all =
        |name: &str| forms.iter().all(|form| form.iter().any(|it| it.name == name && it.required));
    let needed: Vec<_> =
        forms.iter().flatten().map(|it| (it.name.clone(), in_all(&it.name))).collect();
    for (field, (name, required)) in forms.into_iter().flatten().zip(needed) {
        if !all.iter().any(|it| it.name == name) {
            all.push(Field { required, ..field });
        }
    }
}

/// Whether the fields are of a body (some are required) or of an answer (some may be absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Answer,
}

pub(super) fn write_fields(page: &mut String, fields: &[Field<'_>], side: Side) {
    if fields.is_empty() {
        return;
    }
    page.push_str("<dl class=\"fields\">");
    for field in fields {
        let must = match (side, field.required) {
            (Side::Request, true) => "<span class=\"must\">required</span>",
            (Side::Answer, false) => "<span class=\"kind\">not always</span>",
            _ => "",
        };
        push(
            page,
            format_args!(
                "<div><dt><code>{}</code><span class=\"kind\">{}</span>{must}</dt><dd>{}",
                escape(&field.name),
                escape(&field.kind),
                escape(field.about),
            ),
        );
        if !field.bounds.is_empty() {
            let bounds = escape(&field.bounds.join(", "));
            push(page, format_args!("<p class=\"bounds\">{bounds}</p>"));
        }
        page.push_str("</dd></div>");
    }
    page.push_str("</dl>");
}

/// Resolves a reference.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// The description of a field, or of the schema that it refers to.
fn about<'a>(document: &'a Value, schema: &'a Value) -> &'a str {
    let parts = list(schema, "oneOf").iter();
    let mut all = std::iter::once(schema).chain(parts).flat_map(|it| [it, resolve(document, it)]);
    all.find_map(|it| it["description"].as_str()).unwrap_or_default()
}

/// `string`, `string (ipv4 or ipv6)`, `list of objects`, ...; null does not count as a type.
fn kind(document: &Value, schema: &Value) -> String {
    let (mut kinds, mut formats, mut bare) = (Vec::new(), Vec::new(), false);
    for part in parts(document, schema) {
        let names = match &part["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            Value::String(kind) => vec![kind.as_str()],
            _ => vec![],
        };
        for name in names.into_iter().filter(|name| *name != "null") {
            let name = match name {
                "array" => format!("list of {}s", kind(document, &part["items"])),
                "object" if part["additionalProperties"].is_object() => {
                    format!("object of {}s", kind(document, &part["additionalProperties"]))
                }
                name => name.to_owned(),
            };
            match part["format"].as_str().filter(|_| name == "string") {
                Some(format) => formats.push(format.to_owned()),
                None => bare = true,
            }
            if !kinds.contains(&name) {
                kinds.push(name);
            }
        }
    }
    let kinds = kinds.join(" or ");
    if bare || formats.is_empty() { kinds } else { format!("{kinds} ({})", formats.join(" or ")) }
}

/// The alternatives of a schema, or the schema itself.
fn parts<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolve(document, schema);
    let choices: Vec<_> = list(schema, "oneOf").iter().chain(list(schema, "anyOf")).collect();
    if choices.is_empty() {
        return vec![schema];
    }
    choices.into_iter().flat_map(|choice| parts(document, choice)).collect()
}

/// The constraints of a value, and an example.
fn bounds(document: &Value, schema: &Value, about: &str) -> Vec<String> {
    let mut bounds = Vec::new();
    let parts = parts(document, schema);
    for part in &parts {
        let words: Vec<_> = list(part, "enum").iter().filter_map(Value::as_str).collect();
        // The description already explains these words, so they are not repeated.
        if !words.iter().all(|word| about.contains(&format!("`{word}`"))) {
            bounds.push(format!("`{}`", words.join("`, `")));
        }
        if let [part] = &parts[..] {
            let number = |key: &str| part[key].as_u64();
            match (number("minimum"), number("maximum")) {
                (Some(least), Some(most)) => bounds.push(format!("{least} to {most}")),
                (Some(least), None) if least > 0 => bounds.push(format!("at least {least}")),
                _ => {}
            }
            match (number("minLength"), number("maxLength")) {
                (None | Some(0), Some(most)) => bounds.push(format!("at most {most} characters")),
                (Some(least), Some(most)) => bounds.push(format!("{least} to {most} characters")),
                _ => {}
            }
        }
    }
    let example = example(schema).or_else(|| parts.iter().find_map(|part| example(part)));
    if let Some(example) = example.filter(|it| !it.is_object() && !it.is_array()) {
        let text = example.as_str().map_or_else(|| example.to_string(), ToOwned::to_owned);
        bounds.push(format!("such as `{text}`"));
    }
    bounds
}

pub(super) fn example(schema: &Value) -> Option<&Value> {
    schema.get("example").or_else(|| list(schema, "examples").first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Vec<(String, String, bool)> {
        let document = crate::openapi();
        let schema = &document["components"]["schemas"][name];
        let fields = fields(&document, schema);
        fields.into_iter().map(|it| (it.name, it.kind, it.required)).collect()
    }

    #[test]
    fn types_are_those_of_values_and_what_must_be_comes_first() {
        let create = of("CreateVerification");
        assert_eq!(create[0], ("to".to_owned(), "string".to_owned(), true));
        let kind = |name: &str| {
            let found = create.iter().find(|(field, ..)| field == name);
            found.map(|(_, kind, required)| (kind.clone(), *required)).expect(name)
        };
        assert_eq!(kind("client"), ("object".to_owned(), false));
        assert_eq!(kind("client.ip"), ("string (ipv4 or ipv6)".to_owned(), false));
        assert_eq!(kind("ttl"), ("integer".to_owned(), false));
        assert_eq!(kind("metadata"), ("object of strings".to_owned(), false));
        let details = of("DetailsView");
        let kind = |name: &str| details.iter().find(|(field, ..)| field == name).map(|it| &*it.1);
        assert_eq!(kind("send_attempts"), Some("list of objects"));
        assert_eq!(kind("send_attempts[].reason"), Some("string"));
        assert!(details.iter().all(|(name, kind, _)| !kind.is_empty() || name.is_empty()));
    }

    #[test]
    fn the_constraints_of_a_value_are_shown() {
        let document = crate::openapi();
        let schema = &document["components"]["schemas"]["CreateVerification"];
        let fields = fields(&document, schema);
        let bounds = |name: &str| {
            fields.iter().find(|it| it.name == name).map(|it| it.bounds.join(", ")).expect(name)
        };
        assert_eq!(bounds("ttl"), "30 to 600, such as `300`");
        assert_eq!(bounds("to"), "such as `+919876543210`");
        assert_eq!(bounds("purpose"), "1 to 64 characters, such as `login`");
    }
}
