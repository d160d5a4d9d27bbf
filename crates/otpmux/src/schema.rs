use otpmux_core::settings::{Setting, SettingKind};
use serde_json::{Map, Value, json};

use crate::Registry;
use crate::config::{limits, policy, resilience, routes, server, server_keys, store};

/// The JSON Schema (draft 2020-12) of a configuration file, for editors and for checks elsewhere.
///
/// It knows the kinds of the registry. Values that come from elsewhere (variables, files) and rules
/// between keys are beyond it: reading the file with [`Config`](crate::Config) is the full check.
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
    let mut server = table(&[server::SETTINGS]);
    server["properties"]["api_keys"] =
        list(&table(&[server::API_KEY_SETTINGS]), "Who may call it.");
    server["properties"]["api_keys"]["items"]["oneOf"] =
        json!([{ "required": ["key"] }, { "required": ["key_sha256"] }]);
    server["dependentRequired"] = json!({
        "tls_certificate": ["tls_private_key"],
        "tls_private_key": ["tls_certificate"],
    });
    let mut store = described(table(&[store::SETTINGS]), "Where verifications live.");
    store["properties"]["url"]["pattern"] =
        json!("^(memory:$|sqlite:.|rediss?://.|unix://.|env:.|file:.)");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "otpmux configuration",
        "type": "object",
        "required": ["providers"],
        "additionalProperties": false,
        "properties": {
            "providers": {
                "description": "The vendors' accounts, by a name of one's own; without routes, \
                                the preferred one first.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": "^[a-z0-9_-]{1,64}$" },
                "additionalProperties": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": { "kind": { "description": "The vendor.", "enum": kinds } },
                    "allOf": by_kind,
                },
            },
            "routes": list(&route(), "Who may send what; the first that fits decides."),
            "store": store,
            "server_keys": list(
                &table(&[server_keys::SETTINGS]),
                "The keys that protect codes at rest: the first signs and encrypts, all verify.",
            ),
            "policy": described(table(&[policy::SETTINGS]), "The rules for every verification."),
            "limits": described(
                table(&[limits::SETTINGS]),
                "How many messages and guesses there may be, in sliding windows that must all \
                 have room; [] switches a limit off.",
            ),
            "resilience": { "$ref": "#/$defs/resilience" },
            "server": described(server, "The gateway."),
            "allow_literal_secrets": {
                "description": "Allow secrets in plain text. For tests.",
                "type": "boolean",
            },
        },
        "$defs": {
            "resilience": described(
                table(&[resilience::SETTINGS]),
                "How a provider is called: for every one, or within its own table for it alone.",
            ),
        },
    })
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
    let properties: Map<_, _> =
        settings().map(|setting| (setting.name.to_owned(), value(setting))).collect();
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
    let form = match &setting.kind {
        SettingKind::Secret => json!({
            "type": "string",
            "minLength": 1,
            "examples": ["env:NAME", "file:/run/secrets/name"],
        }),
        SettingKind::Flag => json!({ "type": "boolean" }),
        SettingKind::Integer(range) => json!({
            "type": "integer",
            "minimum": range.start(),
            "maximum": range.end(),
        }),
        SettingKind::Duration(_) => json!({
            "type": "string",
            "pattern": format!("^{TIME}$"),
            "examples": ["500ms", "10s", "5m", "1h"],
        }),
        SettingKind::Choice(words) => json!({ "enum": words }),
        SettingKind::Texts => json!({
            "type": "object",
            "additionalProperties": { "type": "string" },
        }),
        SettingKind::List => texts(),
        SettingKind::ListOr(word) => json!({ "oneOf": [texts(), { "const": word }] }),
        SettingKind::Limits { most, .. } => json!({
            "type": "array",
            "maxItems": most,
            "uniqueItems": true,
            "items": { "type": "string", "pattern": format!("^[0-9]+/{TIME}$") },
            "examples": [["2/1m", "15/1h", "50/1d"], []],
        }),
        // Text, and whatever kind is added before it is told apart here.
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    described(form, setting.doc)
}

fn texts() -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "uniqueItems": true,
        "items": { "type": "string", "minLength": 1 },
    })
}

fn route() -> Value {
    let texts = json!({
        "type": "array",
        "minItems": 1,
        "uniqueItems": true,
        "items": { "type": "string" },
    });
    let weights = json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {
            "type": "integer",
            "minimum": routes::WEIGHT.start(),
            "maximum": routes::WEIGHT.end(),
        },
        "examples": [{ "primary": 70, "backup": 30 }],
    });
    let property = |(key, doc): (&str, &str)| {
        let form = match key {
            "providers" => json!({ "oneOf": [texts, weights] }),
            _ => texts.clone(),
        };
        (key.to_owned(), described(form, doc))
    };
    let properties: Map<_, _> = routes::KEYS.into_iter().map(property).collect();
    json!({
        "type": "object",
        "required": ["providers"],
        "additionalProperties": false,
        "properties": properties,
    })
}
