//! The published schema.

use otpmux::config::{Registry, config_schema};
use serde_json::{Value, json};

#[test]
fn the_published_schema_is_the_current_one() {
    let published = include_str!("../../../docs/otpmux.schema.json");
    let published: Value = serde_json::from_str(published).unwrap();
    assert!(
        published == config_schema(&Registry::with_compiled_in()),
        "stale; write it anew: cargo run -p otpmux-cli -- schema > docs/otpmux.schema.json"
    );
}

#[test]
fn every_kind_has_its_keys() {
    let registry = Registry::with_compiled_in();
    let schema = config_schema(&registry);
    let kinds = &schema["properties"]["providers"]["additionalProperties"]["allOf"];
    for (adapter, kind) in registry.adapters().iter().zip(kinds.as_array().unwrap()) {
        assert_eq!(kind["if"]["properties"]["kind"]["const"], adapter.kind);
        let keys = kind["then"]["properties"].as_object().unwrap();
        for setting in adapter.settings.iter().copied().flatten() {
            assert_eq!(keys[setting.name]["description"], setting.doc);
        }
        assert_eq!(kind["then"]["additionalProperties"], false);
    }
}

#[test]
fn every_section_is_there_and_closed() {
    let schema = config_schema(&Registry::with_compiled_in());
    let sections = schema["properties"].as_object().unwrap();
    let names: Vec<_> = sections.keys().map(String::as_str).collect();
    let expected = [
        "allow_literal_secrets",
        "audit",
        "doors",
        "events",
        "limits",
        "messages",
        "policy",
        "providers",
        "resilience",
        "routes",
        "server",
        "server_keys",
        "store",
    ];
    assert_eq!(names, expected);
    for section in [&sections["limits"], &sections["policy"], &sections["store"]] {
        assert_eq!(section["additionalProperties"], false);
    }
}

#[test]
fn resilience_are_the_same_for_all_and_for_one() {
    let schema = config_schema(&Registry::with_compiled_in());
    let resilience = &schema["$defs"]["resilience"];
    assert_eq!(resilience["properties"].as_object().unwrap().len(), 13);
    assert_eq!(resilience["properties"]["retries"]["maximum"], 10);
    let reference = json!({ "$ref": "#/$defs/resilience" });
    assert_eq!(schema["properties"]["resilience"], reference);
    let kinds = &schema["properties"]["providers"]["additionalProperties"]["allOf"];
    for kind in kinds.as_array().unwrap() {
        assert_eq!(kind["then"]["properties"]["resilience"], reference);
    }
}

#[test]
fn lists_say_what_is_in_them() {
    let schema = config_schema(&Registry::with_compiled_in());
    let recipient = &schema["properties"]["limits"]["properties"]["recipient"];
    assert_eq!(recipient["items"]["pattern"], "^[0-9]+/[0-9]+(ms|s|m|h|d)$");
    assert_eq!((&recipient["minItems"], &recipient["maxItems"]), (&Value::Null, &json!(8)));
    let countries = &schema["properties"]["policy"]["properties"]["countries"];
    let [list, any] = [0, 1].map(|place| &countries["oneOf"][place]);
    assert_eq!((&list["type"], &list["minItems"]), (&json!("array"), &json!(1)));
    assert_eq!(any["const"], "any");
    let providers = &schema["properties"]["routes"]["items"]["properties"]["providers"]["oneOf"];
    assert_eq!(providers[0]["type"], "array");
    assert_eq!(providers[1]["additionalProperties"]["maximum"], 10_000);
}

/// Every key, with its path, and whether it is required.
fn keys(schema: &Value, path: &str, take: &mut dyn FnMut(&str, &Value, bool)) {
    for (name, key) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if key["x-type"].is_string() {
            let required = schema["required"].as_array().into_iter().flatten();
            take(&path, key, required.into_iter().any(|required| required == name));
        }
        keys(key, &path, take);
        keys(&key["items"], &path, take);
        for kind in key["additionalProperties"]["allOf"].as_array().into_iter().flatten() {
            keys(&kind["then"], &path, take);
        }
    }
}

/// The reference is made from the schema: a key without an example or a range would have a hole there.
#[test]
fn every_key_says_all_that_the_reference_needs() {
    let schema = config_schema(&Registry::with_compiled_in());
    let (mut count, mut silent) = (0, Vec::new());
    let mut check = |path: &str, key: &Value, required: bool| {
        count += 1;
        let doc = key["description"].as_str().unwrap();
        assert!(doc.ends_with('.') && !doc.contains("  "), "{path}: {doc}");
        if key["examples"][0].is_null() {
            silent.push(format!("{path} has no example"));
        }
        let range = [["minimum", "maximum"], ["x-minimum", "x-maximum"]];
        let in_range = range.iter().any(|ends| ends.iter().all(|end| !key[*end].is_null()));
        let kind = key["x-type"].as_str().unwrap();
        let needs = matches!(kind, "integer" | "time" | "table of times" | "list of limits");
        assert!(in_range || !needs, "{path} has no range");
        // The behaviour without the key is a default value, or is in its text.
        let said = doc.contains("Absent")
            || doc.contains("equired with")
            || doc.contains("oes with")
            || doc.contains("xactly");
        let optional = ["key_sha256", "old_key", "id", "name", "key", "appid", "api_key", "bearer"];
        let known = optional.iter().any(|name| path.ends_with(name)) || path.contains("tls_");
        if key["default"].is_null() && !(required || said || known || kind.contains("names")) {
            silent.push(format!("{path}: {doc}"));
        }
    };
    keys(&schema, "", &mut check);
    keys(&json!({ "properties": schema["$defs"] }), "", &mut check);
    assert_eq!(silent, Vec::<String>::new(), "what holds where they are absent?");
    assert!(count > 80, "{count}");
}
