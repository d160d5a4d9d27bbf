//! The schema of the configuration file as a page: a table for each section, a row for each key.

use std::fmt::Write as _;

use serde_json::Value;

use crate::toml_value::toml;

const HEAD: &str = "\
---
hide: [toc]
---

# Configuration reference

<!-- Written by `otpmux schema --markdown`. `just schema` writes it again; a test compares. -->

Every key of [the configuration file](index.md). Durations are `\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"1h\"` or `\"7d\"`. A limit such as `\"15/1h\"` is
a count in a sliding window. A secret is a reference: `\"env:NAME\"` or `\"file:PATH\"`.
";

/// The order of the sections for a reader; others follow.
const ORDER: [&str; 11] = [
    "providers",
    "routes",
    "store",
    "server_keys",
    "policy",
    "limits",
    "messages",
    "resilience",
    "server",
    "doors",
    "events",
];

pub(super) fn reference(schema: &Value) -> String {
    let mut page = HEAD.to_owned();
    let sections = schema["properties"].as_object().into_iter().flatten();
    let mut sections: Vec<_> =
        sections.map(|(name, section)| (name.as_str(), resolved(schema, section))).collect();
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    sections.sort_by_key(|(name, _)| place(name));
    for (name, section) in &sections {
        if *name == "providers" {
            write_providers(&mut page, section);
        } else if section["items"]["properties"].is_object() {
            write_section(&mut page, &format!("[[{name}]]"), section, &section["items"]);
        } else if section["properties"].is_object() {
            write_section(&mut page, &format!("[{name}]"), section, section);
        }
    }
    let alone: Vec<_> = sections
        .iter()
        .filter(|(name, section)| {
            *name != "providers"
                && !section["properties"].is_object()
                && !section["items"]["properties"].is_object()
        })
        .collect();
    if !alone.is_empty() {
        page.push_str("\n## Outside sections\n");
        write_head(&mut page);
        for (name, section) in alone {
            write_row(&mut page, name, section, false);
        }
    }
    page
}

/// Resolves a reference within the schema.
fn resolved<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    let path = part["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| schema.pointer(path)).unwrap_or(part)
}

fn write_providers(page: &mut String, section: &Value) {
    write_title(page, "##", "[providers.NAME]", section);
    let provider = &section["additionalProperties"];
    write_head(page);
    write_row(page, "kind", &provider["properties"]["kind"], true);
    for adapter in provider["allOf"].as_array().into_iter().flatten() {
        let kind = adapter["if"]["properties"]["kind"]["const"].as_str().unwrap_or_default();
        let _ = writeln!(page, "\n### {kind}\n\nWith `kind = \"{kind}\"`:");
        write_rows(page, &adapter["then"]);
    }
}

/// Writes a section with its keys, then the keys of the tables in it.
fn write_section(page: &mut String, title: &str, section: &Value, table: &Value) {
    write_title(page, "##", title, section);
    write_rows(page, table);
    for (key, value) in table["properties"].as_object().into_iter().flatten() {
        let name = title.trim_matches(['[', ']']);
        if value["items"]["properties"].is_object() {
            write_title(page, "###", &format!("[[{name}.{key}]]"), value);
            write_rows(page, &value["items"]);
        }
        if let Some(name) = value["x-name"].as_str() {
            write_named(page, name, value);
        }
    }
}

/// Writes the tables with free keys: `[messages.texts.PURPOSE.LOCALE]`.
fn write_named(page: &mut String, name: &str, value: &Value) {
    write_title(page, "###", &format!("[{name}]"), value);
    let mut table = value;
    while table["properties"].is_null() && table["additionalProperties"].is_object() {
        table = &table["additionalProperties"];
    }
    if !table["properties"].is_object() {
        page.push_str("\nEach entry is a name and a text.\n");
        return;
    }
    write_rows(page, table);
    for (key, value) in table["properties"].as_object().into_iter().flatten() {
        if value["items"]["properties"].is_object() {
            write_title(page, "####", &format!("[[{name}.{key}]]"), value);
            write_rows(page, &value["items"]);
        }
    }
    let inner = &table["additionalProperties"];
    if inner["properties"].is_object() {
        write_title(page, "####", &format!("[{name}.CHANNEL]"), inner);
        write_rows(page, inner);
    }
}

fn write_title(page: &mut String, level: &str, title: &str, section: &Value) {
    let about = section["description"].as_str().unwrap_or_default();
    let _ = writeln!(page, "\n{level} `{title}`\n\n{}", cell(about));
}

fn write_head(page: &mut String) {
    page.push_str(
        "\n| key | type | range | default | example | meaning |\n|---|---|---|---|---|---|\n",
    );
}

fn write_rows(page: &mut String, table: &Value) {
    write_head(page);
    let required = table["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (key, value) in table["properties"].as_object().into_iter().flatten() {
        // Each provider has this key; only the first table shows it.
        if key != "kind" {
            write_row(page, key, value, required.iter().any(|name| name == key));
        }
    }
}

fn write_row(page: &mut String, key: &str, value: &Value, required: bool) {
    let about = value["description"].as_str().unwrap_or_default();
    let (about, absent) = split_absent(about);
    let default = match value.get("default") {
        _ if required => "required".to_owned(),
        Some(default) if !default.is_null() => code(&toml(default)),
        _ => absent.map_or_else(String::new, cell),
    };
    let about = match value["$ref"].as_str() {
        Some(path) => format!("{}, for this provider alone.", section_of(path)),
        None => about,
    };
    let example = value["examples"].get(0).map_or_else(String::new, |value| code(&toml(value)));
    let _ = writeln!(
        page,
        "| `{key}` | {} | {} | {default} | {example} | {} |",
        cell(&type_of(value)),
        cell(&range_of(value)),
        cell(&about),
    );
}

/// Splits a description into the text and the sentence about an absent key.
fn split_absent(about: &str) -> (String, Option<&str>) {
    const ABSENT: &str = "Absent: ";
    let Some((before, rest)) = about.split_once(ABSENT) else { return (about.to_owned(), None) };
    let (absent, after) = rest.split_once(". ").unwrap_or((rest, ""));
    let about = format!("{before}{after}");
    (about.trim_end().to_owned(), Some(absent.strip_suffix('.').unwrap_or(absent)))
}

/// Returns the section that a reference within the schema names.
fn section_of(path: &str) -> String {
    format!("As `[{}]`", path.rsplit('/').next().unwrap_or_default())
}

fn type_of(value: &Value) -> String {
    if value["$ref"].is_string() {
        return "table".to_owned();
    }
    if value["x-name"].is_string() {
        return "tables, see below".to_owned();
    }
    if let Some(words) = value["enum"].as_array() {
        let words: Vec<_> = words.iter().map(|word| code(&toml(word))).collect();
        return format!("one of {}", words.join(", "));
    }
    if let Some(word) = value.get("const") {
        return code(&toml(word));
    }
    if let Some(forms) = value["oneOf"].as_array() {
        if let Some(name) = value["x-type"].as_str() {
            return name.to_owned();
        }
        let forms: Vec<_> = forms.iter().map(type_of).collect();
        return forms.join(" or ");
    }
    let pattern = value["pattern"].as_str().unwrap_or_default();
    match value["type"].as_str().unwrap_or_default() {
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => "integer".to_owned(),
        "string" if pattern.starts_with("^[0-9]+/") => "limit".to_owned(),
        "string" if pattern.starts_with("^[0-9]+(") => "duration".to_owned(),
        "string" if value["x-secret"] == true => "secret".to_owned(),
        "string" => "text".to_owned(),
        "array" if value["items"]["properties"].is_object() => "tables, see below".to_owned(),
        "array" => format!("list of {}s", type_of(&value["items"])),
        "object" if value["additionalProperties"].is_object() => {
            format!("table of {}s", type_of(&value["additionalProperties"]))
        }
        _ => "table".to_owned(),
    }
}

fn range_of(value: &Value) -> String {
    let bound = |names: [&str; 2]| names.into_iter().find_map(|name| value.get(name)).map(text);
    let least = bound(["minimum", "x-minimum"]);
    let most = bound(["maximum", "x-maximum"]);
    match (least, most, value["maxItems"].as_u64()) {
        (Some(least), Some(most), _) => format!("{least} to {most}"),
        (Some(least), None, _) => format!("at least {least}"),
        (None, Some(most), _) => format!("at most {most}"),
        (None, None, Some(most)) => format!("at most {most} entries"),
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn code(text: &str) -> String {
    format!("`{}`", cell(text))
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_has_its_type_range_default_and_example() {
        let schema = json!({ "properties": {
            "zebra": { "description": "Last.", "properties": { "x": { "type": "boolean" } } },
            "policy": {
                "description": "Rules.",
                "required": ["a"],
                "properties": {
                    "a": { "type": "integer", "minimum": 1, "maximum": 5, "description": "Count." },
                    "b": {
                        "type": "string", "pattern": "^[0-9]+(ms|s)$", "default": "5m",
                        "examples": ["10s"], "x-minimum": "1s", "description": "Time | span.",
                    },
                    "c": { "oneOf": [
                        { "type": "array", "items": { "type": "string" } },
                        { "const": "any" },
                    ], "default": null, "description": "Either. Absent: any. Or so." },
                },
            },
        }});
        let page = reference(&schema);
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(
            rows,
            [
                "| `a` | integer | 1 to 5 | required |  | Count. |",
                "| `b` | duration | at least 1s | `\"5m\"` | `\"10s\"` | Time \\| span. |",
                "| `c` | list of texts or `\"any\"` |  | any |  | Either. Or so. |",
                "| `x` | `true` or `false` |  |  |  |  |",
            ]
        );
    }
}
