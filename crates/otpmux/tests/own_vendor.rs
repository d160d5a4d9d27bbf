//! Without any adapter of this crate: a registry is what its application makes of it.

use std::sync::Arc;

use otpmux::config::settings::{Adapter, Setting};
use otpmux::config::{Environment, Registry};
use otpmux::provider::Capabilities;
use otpmux::{Channel, Config, OtpClient};
use otpmux_testkit::ScriptedProvider;

const SETTINGS: &[Setting] = &[
    Setting::text("loft", "Where they live.").required(),
    Setting::texts("rings", "The text on each ring."),
];

const PIGEON: Adapter = Adapter::new("pigeon", &[SETTINGS], |id, settings| {
    if settings.texts("rings").is_some_and(|rings| rings.values().any(String::is_empty)) {
        return Err(settings.error("rings.left", "must not be empty"));
    }
    let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    Ok(Arc::new(ScriptedProvider::new(id.as_str(), capabilities)))
});

fn read(text: &str, registry: &Registry) -> Result<Config, String> {
    Config::from_toml_with(text, &Environment::new(), registry).map_err(|errors| errors.to_string())
}

#[test]
fn a_registered_kind_is_read_and_checked() {
    let registry = Registry::new().register(PIGEON);
    let config = read("[providers.p]\nkind = \"pigeon\"\nloft = \"roof\"", &registry).unwrap();
    OtpClient::from_config(&config).unwrap();
    assert_eq!(
        read("[providers.p]\nkind = \"pigeon\"\nlofts = \"roof\"", &registry).unwrap_err(),
        "the configuration has 2 mistakes:\
         \n  line 3, column 1: providers.p.lofts: unknown key; did you mean `loft`?\
         \n  line 1, column 12: providers.p.loft: missing; it is required"
    );
}

#[test]
fn a_variable_reaches_into_a_table_of_texts() {
    let registry = Registry::new().register(PIGEON);
    let text = "[providers.p]\nkind = \"pigeon\"\nloft = \"roof\"";
    let read = |value: &str| {
        let environment = Environment::new().with("OTPMUX_PROVIDERS__P__RINGS__LEFT", value);
        let config = Config::from_toml_with(text, &environment, &registry);
        config.map_err(|errors| errors.to_string())
    };
    assert!(read("2026").is_ok());
    let error = read("").unwrap_err();
    assert!(error.contains("providers.p.rings.left: must not be empty"), "{error}");
    assert!(error.contains("(set by OTPMUX_PROVIDERS__P__RINGS__LEFT)"), "{error}");
}

#[test]
fn a_kind_that_is_not_compiled_in_names_its_feature() {
    for kind in otpmux::vendors::KINDS {
        let text = format!("[providers.p]\nkind = \"{kind}\"");
        assert_eq!(
            read(&text, &Registry::new().register(PIGEON)).unwrap_err(),
            format!(
                "the configuration has 1 mistake:\n  line 2, column 1: providers.p.kind: kind \
                 `{kind}` is not compiled in; enable the feature `{kind}` of the crate `otpmux`"
            )
        );
    }
}
