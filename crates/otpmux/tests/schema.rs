//! The published schema.

use otpmux::{Registry, config_schema};
use serde_json::Value;

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
