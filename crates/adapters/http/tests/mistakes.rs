//! Definitions that are wrong, and the whole of what is said about each.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use otpmux_generic_http::Definition;
use serde_json::{Value, json};

fn right() -> Value {
    json!({
        "base_url": "https://api.acme.example",
        "auth": { "bearer": "{setting.key}" },
        "limits": { "code_length": "4-10" },
        "channels": { "sms": {} },
        "send": { "path": "/m", "json": { "to": "{to}", "text": "{text}" } },
        "success": { "status": 200, "reference": { "pointer": "/id" } },
    })
}

fn mistakes(definition: &Value) -> Vec<String> {
    match Definition::from_json(definition) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// Puts a value at a path of the right definition.
fn with(path: &str, value: Value) -> Vec<String> {
    let mut definition = right();
    let (table, key) = path.rsplit_once('/').unwrap();
    definition.pointer_mut(table).unwrap()[key] = value;
    mistakes(&definition)
}

#[test]
fn the_right_one_has_none() {
    assert_eq!(mistakes(&right()), [""; 0]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for each mistake")]
fn every_mistake_has_its_place() {
    for (path, value, expected) in [
        ("/sucess", json!({}), "sucess: unknown key; did you mean `success`?"),
        ("/send/jsn", json!({}), "send.jsn: unknown key; did you mean `json`?"),
        ("/send/path", json!("m"), "send.path: must begin with /"),
        ("/send/path", json!("/m?x=1"), "send.path: must begin with /"),
        ("/send/method", json!("DELETE"), "send.method: must be one of: GET, POST"),
        ("/send/number", json!("plus"), "send.number: must be one of: e164, digits, national"),
        (
            "/send/json/a",
            json!("{txt}"),
            "send.json.a: unknown placeholder {txt}; did you mean {text}?",
        ),
        ("/send/json/a", json!("{text"), "send.json.a: has a brace without its partner"),
        ("/send/json/a", json!({ "$jsn": 1 }), "send.json.a.$jsn: unknown word"),
        ("/send/json/a", json!({ "$unicode": ["a"] }), "send.json.a.$unicode: must be two texts"),
        ("/send/json/a", json!({ "$if": "{app}", "than": 1 }), "send.json.a.then: missing"),
        (
            "/send/json/a",
            json!({ "$if": "{app}", "then": 1 }),
            "send.json.a: may be absent: write `?`",
        ),
        ("/send/json/a", json!("{token}"), "send.json.a: {token} needs [receipts]"),
        (
            "/send/headers",
            json!({ "Content-Length": "1" }),
            "send.headers.Content-Length: this header follows",
        ),
        ("/send/headers", json!({ "a b": "1" }), "send.headers.a b: is not the name of a header"),
        ("/send/form", json!({ "a": "b" }), "send.form: a request has `json` or `form`, not both"),
        ("/auth/header", json!({ "name": "x" }), "auth.header.value: missing; it is required"),
        ("/auth/none", json!(true), "auth: needs exactly one of"),
        ("/auth/bearer", json!("{code}"), "auth.bearer: holds credentials"),
        ("/success/status", json!(302), "success.status: a success has a status from 200 to 299"),
        ("/success/status", json!("2xx"), "success.status: must be a status such as 200"),
        (
            "/success/require",
            json!([{ "pointer": "id", "exists": true }]),
            "success.require[0].pointer: must be a JSON pointer",
        ),
        (
            "/success/require",
            json!([{ "pointer": "/id" }]),
            "success.require[0]: needs one of: equals",
        ),
        ("/success/require", json!([{ "equals": 1 }]), "success.require[0]: needs a source"),
        ("/success/status_alone", json!("so"), "success.status_alone: remove it"),
        ("/limits/code_length", json!("3-10"), "limits.code_length: must be lengths from 4 to 10"),
        (
            "/limits/requests",
            json!(["10"]),
            "limits.requests[0]: must be a limit such as \"10/1s\"",
        ),
        ("/countries", json!(["XX"]), "countries[0]: "),
        ("/channels/s p", json!({}), "channels.s p: "),
        (
            "/errors",
            json!([{ "status": 400, "kind": "odd", "blame": "provider" }]),
            "errors[0].kind: must be one of: invalid_request",
        ),
        (
            "/errors",
            json!([{ "status": 400, "kind": "conflict" }]),
            "errors[0].blame: missing; it is required",
        ),
        (
            "/errors",
            json!([{ "kind": "conflict", "blame": "caller" }]),
            "errors[0]: a row that a 2xx fits needs a test",
        ),
        (
            "/errors",
            json!([{ "status": 500, "certainty": "rejected", "kind": "unavailable", "blame": "provider" }]),
            "errors[0].certainty: a 5xx alone does not prove",
        ),
        (
            "/errors",
            json!([{ "pointer": "/id", "exists": false, "kind": "conflict", "blame": "caller" }]),
            "errors[0].exists: an absent field proves nothing",
        ),
        (
            "/receipts",
            json!({ "trust": "signed", "body": "json", "state": "/s", "states": {} }),
            "receipts.signature: missing",
        ),
        (
            "/receipts",
            json!({ "trust": "secret_in_url", "body": "json", "state": "s", "states": {} }),
            "receipts.state: must be a JSON pointer",
        ),
        (
            "/receipts",
            json!({ "trust": "secret_in_url", "body": "json", "state": "/s", "states": { "a": "gone" } }),
            "receipts.states.a: must be one of accepted",
        ),
        (
            "/settings",
            json!({ "key": { "type": "secret", "doc": "The key.", "default": "x" } }),
            "settings.key.default: a secret has no default",
        ),
        (
            "/settings",
            json!({ "kye": { "type": "secret", "doc": "The key." } }),
            "auth: no setting `key` is declared; did you mean `kye`?",
        ),
        (
            "/settings",
            json!({ "key": { "type": "secret", "doc": "The key." } }),
            "auth: the setting `key` may be absent",
        ),
    ] {
        let mistakes = with(path, value.clone());
        let found = mistakes.iter().any(|mistake| mistake.starts_with(expected));
        assert!(found, "{path} = {value}: {mistakes:#?} instead of {expected}");
    }
}

#[test]
fn a_success_that_cannot_be_recognised_is_a_mistake() {
    for success in [
        json!({ "status": 200 }),
        json!({ "status": 200, "reference": { "pointer": "/id", "optional": true } }),
        json!({ "status": 200, "require": [] }),
        json!({ "status": 200, "require": [{ "pointer": "/error", "exists": false }] }),
    ] {
        let mistakes = with("/success", success.clone());
        assert!(
            mistakes.len() == 1 && mistakes[0].starts_with("success: a status alone"),
            "{success}: {mistakes:#?}"
        );
    }
    let alone =
        json!({ "status": "200-299", "status_alone": "The vendor answers with nothing else." });
    assert_eq!(with("/success", alone), [""; 0]);
}

#[test]
fn a_request_without_the_code_or_the_recipient_is_a_mistake() {
    let mistakes = with("/send/json", json!({ "hello": "world" }));
    assert_eq!(
        mistakes,
        [
            "channels.sms: its request never holds the code: use {text}, {code}, {html} or {speech}",
            "channels.sms: its request never names the recipient: use {to}",
        ]
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let mistakes =
        mistakes(&json!({ "a": 1, "limits": { "code_length": 6 }, "send": 1, "auth": {} }));
    let places: Vec<_> = mistakes.iter().map(|one| one.split(':').next().unwrap()).collect();
    assert_eq!(places, ["auth", "limits.code_length", "send", "channels", "a"]);
    assert_eq!(self::mistakes(&json!([])), ["a definition must be a table"]);
}

#[test]
fn a_definition_that_is_no_toml_shows_nothing_of_its_text() {
    let error = Definition::from_toml("key = sk_live_1").unwrap_err().to_string();
    assert!(error.starts_with("not TOML: ") && !error.contains("sk_live"), "{error}");
}
