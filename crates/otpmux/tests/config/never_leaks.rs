//! Whatever a file holds: no panic, and no secret in what is said about it.

use otpmux::Config;
use otpmux::config::Environment;
use otpmux::vendors::KINDS;
use proptest::prelude::*;

use crate::environment;

const SECRET: &str = "sk_live_9f8e7d6c5b4a";

/// Lines of which some are right, some wrong, and many hold the secret where a careless writer
/// would put it.
fn line() -> impl Strategy<Value = String> {
    let whole = prop::sample::select(vec![
        "[providers.p]",
        "[providers.\"\"]",
        "[providers]",
        "[[routes]]",
        "[routes]",
        "[store]",
        "[[server_keys]]",
        "[policy]",
        "[limits]",
        "[resilience]",
        "[providers.p.resilience]",
        "[server]",
        "[[server.api_keys]]",
        "paths = { send = 1 }",
        "providers = [\"p\", 1, []]",
        "countries = [\"IN\", \"XX\"]",
        "channels = [\"sms\", \"\"]",
        "providers = { p = 1, q = -1 }",
        "resilience = { retries = 1 }",
        "recipient = [\"1/1m\", \"\", 1]",
        "countries = [\"IN\", \"é\"]",
        "cluster = true",
        "max_guesses = -9223372036854775808",
        "capacity = 9223372036854775807",
        "ttl = 1979-05-27T07:32:00Z",
        "timeout = nan",
        "x = \"\"\"",
        "= 1",
    ]);
    let key = prop::sample::select(vec![
        "api_key",
        "api_kye",
        "key",
        "key_sha256",
        "bearer",
        "password",
        "url",
        "listen",
        "recipient",
        "requests",
        "channels",
        "durability",
        "base_url",
        "timeout",
        "kind",
        "name",
        "template_id",
        "allow_literal_secrets",
    ]);
    let value = prop::sample::select(vec![
        format!("\"{SECRET}\""),
        format!("'{SECRET}'"),
        format!("[\"{SECRET}\"]"),
        format!("{{ a = \"{SECRET}\" }}"),
        format!("\"redis://:{SECRET}@h\""),
        format!("\"sqlite:{SECRET}\""),
        format!("\"{SECRET}"),
        SECRET.to_owned(),
        "\"env:KEY\"".to_owned(),
        "1".to_owned(),
    ]);
    prop_oneof![
        10 => whole.prop_map(str::to_owned),
        1 => prop::sample::select(KINDS).prop_map(|kind| format!("kind = \"{kind}\"")),
        10 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
    ]
}

/// Whether the secret is in a place where nothing is secret, so that it may be repeated.
fn repeatable(text: &str) -> bool {
    let open = ["kind = ", "name = ", "template_id = "];
    text.lines().any(|line| line.contains(SECRET) && open.iter().any(|key| line.starts_with(key)))
}

fn said(text: &str, environment: &Environment) -> String {
    match Config::from_toml(text, environment) {
        Ok(config) => format!("{config:?}"),
        Err(errors) => format!("{errors}\n{errors:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn sec_11_no_mistake_shows_a_secret(lines in prop::collection::vec(line(), 0..12)) {
        let text = lines.join("\n");
        let said = said(&text, &environment());
        prop_assert!(repeatable(&text) || !said.contains(SECRET), "{text}\n{said}");
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        said(&text, &environment());
    }

}

// Fewer cases: most files here are right, and a provider takes its time to build.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_override_is_taken_or_refused(name in "[A-Za-z_0-9]{0,24}", value in any::<String>()) {
        let environment = environment()
            .with(format!("OTPMUX_{name}"), value.as_str())
            .with(format!("OTPMUX_PROVIDERS__P__{name}"), value.as_str());
        said(&crate::with(""), &environment);
    }

    #[test]
    fn sec_11_an_override_is_never_repeated(
        key in prop::sample::select(vec![
            "PROVIDERS__P__API_KEY", "PROVIDERS__P__TIMEOUT", "PROVIDERS__P__BASE_URL",
            "STORE__URL", "STORE__CAPACITY", "POLICY__TTL", "POLICY__CHANNELS",
            "LIMITS__RECIPIENT", "RESILIENCE__REQUESTS", "PROVIDERS__P__RESILIENCE__RETRIES",
            "SERVER__LISTEN", "NONE__SUCH",
        ]),
    ) {
        let environment = environment().with(format!("OTPMUX_{key}"), SECRET);
        let said = said(&crate::with(""), &environment);
        prop_assert!(!said.contains(SECRET), "{said}");
    }
}
