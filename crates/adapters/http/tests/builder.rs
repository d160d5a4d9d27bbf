//! A provider that an application makes of a definition, without a configuration.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use otpmux_generic_http::{Definition, HttpProvider};
use serde_json::json;

fn definition() -> Definition {
    Definition::from_json(&json!({
        "base_url": "https://api.acme.example",
        "auth": { "bearer": "{setting.key}" },
        "limits": { "code_length": "4-10" },
        "settings": {
            "key": { "type": "secret", "doc": "The key.", "required": true },
            "route": { "type": "choice", "words": ["fast", "cheap"], "doc": "The route.", "default": "fast" },
            "flash": { "type": "flag", "doc": "Whether it is shown at once.", "default": false },
        },
        "channels": { "sms": {} },
        "send": { "path": "/m", "json": {
            "to": "{to}", "text": "{text}", "route": "{setting.route}", "flash": "{setting.flash}",
        } },
        "success": { "status": 200, "require": [{ "pointer": "/ok", "equals": true }] },
    }))
    .unwrap()
}

#[test]
fn settings_have_the_defaults_and_types_of_the_definition() {
    let new = || HttpProvider::builder(definition());
    new().secret("key", "made-up").build("acme").unwrap();
    new().secret("key", "made-up").setting("route", "cheap").build("acme").unwrap();
    for (builder, expected) in [
        (new(), "key: missing; it is required"),
        (new().secret("key", "made-up").setting("rout", "fast"), "did you mean `route`?"),
        (new().secret("key", "made-up").setting("route", "slow"), "must be one of: fast, cheap"),
        (new().secret("key", "made-up").setting("flash", "yes"), "must be \"true\" or \"false\""),
    ] {
        let errors = builder.build("acme").unwrap_err().to_string();
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
}
