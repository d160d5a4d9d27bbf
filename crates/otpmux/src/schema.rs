use otpmux_core::settings::{Section as _, Setting, SettingKind, duration_text, limit_text};
use otpmux_engine::{ChannelText, DltIds, EscalationStep, LocalizedText, Route, Variable};
use serde_json::{Map, Value, json};

use crate::config::Registry;
use crate::config::events::EndpointSettings;
use crate::config::sections::SECTIONS;
use crate::config::server::ApiKeySettings;
use crate::config::server_keys::ServerKey;
use crate::config::{TOP, doors, escalate, messages, routes};

/// Returns the JSON Schema (draft 2020-12) of a configuration file, for editors, for checks by
/// other tools, and for the reference of the keys.
///
/// It holds the kinds of the registry. It does not cover values from elsewhere (variables, files)
/// and rules between keys: reading the file with [`Config`](crate::Config) is the full check.
///
/// Besides the words of JSON Schema, a key has `x-type`, the name of its type, and a table with free
/// keys `x-name`, the header of such a table in a file. A time or a limit
/// has its range as `x-minimum` and `x-maximum` in the form of the file, a secret has `x-secret`.
pub fn config_schema(registry: &Registry) -> Value {
    let kinds: Vec<_> = registry.kinds().collect();
    let by_kind: Vec<_> = registry
        .adapters()
        .iter()
        .map(|adapter| {
            let mut then = table(adapter.settings);
            then["properties"]["kind"] = json!({ "const": adapter.kind });
            then["properties"]["resilience"] = json!({ "$ref": "#/$defs/resilience" });
            json!({
                "if": { "properties": { "kind": { "const": adapter.kind } }, "required": ["kind"] },
                "then": then,
            })
        })
        .collect();
    let mut properties = Map::new();
    for (name, keys) in SECTIONS {
        properties.insert(name.to_owned(), described(table(keys), doc(name)));
    }
    properties["messages"]["properties"]
        .as_object_mut()
        .into_iter()
        .for_each(|keys| keys.extend(messages()));
    let resilience =
        properties.insert("resilience".to_owned(), json!({ "$ref": "#/$defs/resilience" }));
    let server = &mut properties["server"];
    server["properties"]["api_keys"] = list(
        &table(ApiKeySettings::KEYS),
        "The keys of the applications that may call the gateway. Without one, none may.",
    );
    server["properties"]["api_keys"]["items"]["oneOf"] =
        json!([{ "required": ["key"] }, { "required": ["key_sha256"] }]);
    server["dependentRequired"] = json!({
        "tls_certificate": ["tls_private_key"],
        "tls_private_key": ["tls_certificate"],
    });
    properties["store"]["properties"]["url"]["pattern"] =
        json!("^(memory:$|sqlite:.|rediss?://.|unix://.|postgres(ql)?://.|env:.|file:.)");
    let providers = json!({
        "type": "object",
        "minProperties": 1,
        "propertyNames": { "pattern": "^[a-z0-9_-]{1,64}$" },
        "additionalProperties": {
            "type": "object",
            "required": ["kind"],
            "properties": { "kind": { "description": "The vendor.", "enum": kinds } },
            "allOf": by_kind,
        },
    });
    let others = [
        ("providers", described(providers, doc("providers"))),
        ("routes", list(&route(), doc("routes"))),
        ("doors", described(doors(), doc("doors"))),
        ("server_keys", list(&table(ServerKey::KEYS), doc("server_keys"))),
        ("events", list(&table(EndpointSettings::KEYS), doc("events"))),
        (
            "allow_literal_secrets",
            described(json!({ "type": "boolean", "default": false }), doc("allow_literal_secrets")),
        ),
    ];
    properties.extend(others.map(|(name, schema)| (name.to_owned(), schema)));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "otpmux configuration",
        "type": "object",
        "required": ["providers"],
        "additionalProperties": false,
        "properties": properties,
        "$defs": { "resilience": resilience },
    })
}

/// Returns the tables within `[messages]`.
fn messages() -> Map<String, Value> {
    let of = |entries: Value| json!({ "type": "object", "additionalProperties": entries });
    let templates = || of(json!({ "type": "string", "minLength": 1 }));
    let mut localized = table(LocalizedText::KEYS);
    localized["properties"][messages::TEMPLATES] =
        described(templates(), "Vendors' names of templates in this locale.");
    localized["additionalProperties"] = described(
        table(ChannelText::KEYS),
        "The texts of one channel, in place of those of the locale.",
    );
    let forms =
        [of(table(Variable::KEYS)), of(of(localized)), of(templates()), of(table(DltIds::KEYS))];
    let keys = ["NAME", "PURPOSE.LOCALE", "PURPOSE", "PURPOSE"];
    let mut tables = Map::new();
    for (((name, doc), form), keys) in messages::TABLES.into_iter().zip(forms).zip(keys) {
        let mut form = described(form, doc);
        form["x-name"] = format!("messages.{name}.{keys}").into();
        tables.insert(name.to_owned(), form);
    }
    tables
}

/// Returns the tables within `[doors]`.
fn doors() -> Value {
    let mut tables = Map::new();
    for (name, doc, keys) in doors::TABLES {
        let mut form = described(table(keys), doc);
        form["x-name"] = format!("doors.{name}").into();
        tables.insert(name.to_owned(), form);
    }
    let (name, doc, keys) = doors::VONAGE_APPLICATIONS;
    tables["vonage"]["properties"][name] = list(&table(keys), doc);
    let (name, doc, keys) = doors::HOOKS;
    tables.insert(name.to_owned(), list(&table(keys), doc));
    json!({ "type": "object", "additionalProperties": false, "properties": tables })
}

/// Returns the documentation of a top-level key.
fn doc(name: &str) -> &'static str {
    TOP.into_iter().find(|(top, _)| *top == name).map_or("", |(_, doc)| doc)
}

/// A time, as a regular expression.
const TIME: &str = "[0-9]+(ms|s|m|h|d)";

fn described(mut schema: Value, doc: &str) -> Value {
    schema["description"] = doc.into();
    schema
}

fn list(items: &Value, doc: &str) -> Value {
    json!({ "description": doc, "type": "array", "minItems": 1, "items": items })
}

fn table(lists: &[&[Setting]]) -> Value {
    let settings = || lists.iter().copied().flatten();
    let mut properties = Map::new();
    for setting in settings() {
        properties.insert(setting.name.to_owned(), value(setting));
    }
    let mut table = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    let required: Vec<_> =
        settings().filter(|setting| setting.required).map(|setting| setting.name).collect();
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn value(setting: &Setting) -> Value {
    let mut form = form(&setting.kind);
    // If a file may not have an empty list, the empty default means no restriction; the text says
    // so.
    let said = |value: &Value| !value.is_null() && *value != json!([]) || form["minItems"] != 1;
    if let Some(default) = setting.default.map(|default| default()).filter(said) {
        form["default"] = default;
    }
    if let Some(example) = setting.example {
        form["examples"] = json!([example()]);
    }
    described(form, setting.doc)
}

fn form(kind: &SettingKind) -> Value {
    match kind {
        SettingKind::Secret => json!({
            "type": "string",
            "minLength": 1,
            "examples": ["env:NAME", "file:/run/secrets/name"],
            "x-type": "secret",
            "x-secret": true,
        }),
        SettingKind::Flag => json!({ "type": "boolean", "x-type": "flag" }),
        SettingKind::Integer(range) => json!({
            "type": "integer",
            "minimum": range.start(),
            "maximum": range.end(),
            "x-type": "integer",
        }),
        SettingKind::Duration(range) => json!({
            "type": "string",
            "pattern": format!("^{TIME}$"),
            "examples": ["500ms", "10s", "5m", "1h"],
            "x-type": "time",
            "x-minimum": duration_text(*range.start()),
            "x-maximum": duration_text(*range.end()),
        }),
        SettingKind::Choice(words) => json!({ "enum": words, "x-type": "choice" }),
        SettingKind::Texts => json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
            "x-type": "table of texts",
        }),
        SettingKind::Secrets => json!({
            "type": "object",
            "additionalProperties": { "type": "string", "minLength": 1, "x-secret": true },
            "examples": [{ "api_key": "env:NAME" }],
            "x-type": "table of secrets",
        }),
        SettingKind::Tree => {
            json!({ "type": ["object", "string"], "x-type": "table, or path of a file" })
        }
        SettingKind::Durations(range) => json!({
            "type": "object",
            "additionalProperties": { "type": "string", "pattern": format!("^{TIME}$") },
            "x-type": "table of times",
            "x-minimum": duration_text(*range.start()),
            "x-maximum": duration_text(*range.end()),
        }),
        SettingKind::List { empty } => {
            let mut form = texts(usize::from(!*empty));
            form["x-type"] = "list of texts".into();
            form
        }
        SettingKind::ListOr(word) => json!({
            "oneOf": [texts(1), { "const": word }],
            "x-type": format!("list of texts, or \"{word}\""),
        }),
        SettingKind::Limits { count, per, most } => {
            let limit = |count: u32, per| limit_text(&otpmux_core::RateLimit::new(count, per));
            json!({
                "type": "array",
                "maxItems": most,
                "uniqueItems": true,
                "items": { "type": "string", "pattern": format!("^[0-9]+/{TIME}$") },
                "examples": [["2/1m", "15/1h", "50/1d"], []],
                "x-type": "list of limits",
                "x-minimum": limit(*count.start(), *per.start()),
                "x-maximum": limit(*count.end(), *per.end()),
            })
        }
        // Text, and each later kind until it has its own arm here.
        _ => json!({ "type": "string", "minLength": 1, "x-type": "text" }),
    }
}

fn texts(least: usize) -> Value {
    json!({
        "type": "array",
        "minItems": least,
        "uniqueItems": true,
        "items": { "type": "string", "minLength": 1 },
    })
}

fn route() -> Value {
    let mut route = table(Route::KEYS);
    let weights = json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "type": "integer",
            "minimum": Route::WEIGHT.start(),
            "maximum": Route::WEIGHT.end(),
        },
    });
    route["properties"]["providers"] = json!({
        "description": routes::PROVIDERS,
        "oneOf": [texts(1), weights],
        "examples": [["primary", "backup"], { "primary": 70, "backup": 30 }],
        "x-type": "list of names, or table of weights",
    });
    let mut steps = list(&table(escalate::StepSettings::KEYS), escalate::ESCALATE);
    steps["maxItems"] = EscalationStep::MOST.into();
    route["properties"]["escalate"] = steps;
    route["required"] = json!(["providers"]);
    route
}
