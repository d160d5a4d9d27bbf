use std::time::Duration;

use otpmux::config::{Environment, StoreConfig};

use crate::{environment, read_in, with};

fn mistakes(text: &str, environment: &Environment) -> Vec<String> {
    read_in(text, environment).expect_err(text)
}

#[test]
fn replace_single_values() {
    let environment = environment()
        .with("OTPMUX_STORE__CAPACITY", "7")
        .with("OTPMUX_POLICY__TTL", "2m")
        .with("OTPMUX_Policy__allow_short_codes", "true")
        .with("OTPMUX_POLICY__CODE_LENGTH", "4")
        .with("OTPMUX_SERVER__LISTEN", "0.0.0.0:80")
        .with("OTPMUX_PROVIDERS__EASY_EU__API_KEY", "env:OTHER")
        .with("OTHER", "made-up");
    let text = "[providers.easy-eu]\nkind = \"easyotp\"\napi_key = \"env:NOT_SET\"";
    let config = read_in(text, &environment).unwrap();
    assert_eq!(config.store(), &StoreConfig::Memory { capacity: 7 });
    assert_eq!(config.policy().ttl, Duration::from_mins(2));
    assert_eq!(config.policy().code_length, 4);
    assert_eq!(config.server().unwrap().listen.port(), 80);
}

#[test]
fn reach_lists_and_the_resilience_of_one_provider() {
    let environment = environment()
        .with("OTPMUX_POLICY__COUNTRIES", "IN, US")
        .with("OTPMUX_LIMITS__RECIPIENT", "1/1m,5/1h")
        .with("OTPMUX_LIMITS__NUMBER_RANGE", "")
        .with("OTPMUX_RESILIENCE__RETRIES", "1")
        .with("OTPMUX_PROVIDERS__P__RESILIENCE__CONCURRENCY", "3");
    let config = read_in(&with(""), &environment).unwrap();
    let limits = &config.policy().limits;
    assert_eq!(config.policy().countries.as_deref().unwrap(), ["IN", "US"]);
    assert_eq!(limits.recipient.len(), 2);
    assert!(limits.number_range.is_empty());
    let resilience = &config.providers()[0].resilience;
    assert_eq!((resilience.retries, resilience.concurrency), (1, Some(3)));

    let environment = crate::environment()
        .with("OTPMUX_POLICY__COUNTRIES", "IN,uk")
        .with("OTPMUX_PROVIDERS__P__RESILIENCE__BREAKER_PAUSE", "2m");
    assert_eq!(
        mistakes(&with(""), &environment),
        [
            "policy.countries[1]: `uk` is not a country's code; did you mean `GB`? \
             (set by OTPMUX_POLICY__COUNTRIES)",
            "providers.p.resilience.breaker_pause: must be at most breaker_account_pause, which is 1m; \
             set that too (set by OTPMUX_PROVIDERS__P__RESILIENCE__BREAKER_PAUSE)",
        ]
    );
}

#[test]
fn may_change_the_vendor() {
    let environment = environment()
        .with("OTPMUX_PROVIDERS__P__KIND", "startmessaging")
        .with("OTPMUX_PROVIDERS__P__APP_NAME", "Acme");
    let config = read_in(&with(""), &environment).unwrap();
    assert_eq!(config.providers()[0].kind, "startmessaging");
}

#[test]
fn a_wrong_value_names_its_variable() {
    let environment = environment()
        .with("OTPMUX_PROVIDERS__P__TIMEOUT", "soon")
        .with("OTPMUX_PROVIDERS__P__API_KEY", "sk_live_1")
        .with("OTPMUX_POLICY__MAX_GUESSES", "many")
        .with("OTPMUX_POLICY__ALLOW_SHORT_CODES", "yes");
    assert_eq!(
        mistakes(&with(""), &environment),
        [
            "providers.p.api_key: a secret in plain text; write env:NAME or file:PATH, \
         or set allow_literal_secrets = true (set by OTPMUX_PROVIDERS__P__API_KEY)",
            "providers.p.timeout: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
         from 100ms to 2m (set by OTPMUX_PROVIDERS__P__TIMEOUT)",
            "policy.allow_short_codes: must be true or false, not text \
         (set by OTPMUX_POLICY__ALLOW_SHORT_CODES)",
            "policy.max_guesses: must be a whole number from 1 to 10 (set by OTPMUX_POLICY__MAX_GUESSES)",
        ]
    );
}

#[test]
fn one_that_fits_nothing_is_a_mistake() {
    for (variable, message) in [
        ("OTPMUX_PROVIDERS__Q__TIMEOUT", "no provider is named `q`; did you mean `p`?"),
        ("OTPMUX_PROVIDERS__BACKUP__TIMEOUT", "no provider is named `backup`"),
        ("OTPMUX_PROVIDERS__P__TIMEUOT", "unknown key; did you mean `timeout`?"),
        ("OTPMUX_STORE__ULR", "unknown key; did you mean `url`?"),
        ("OTPMUX_POLICY__RETRIES", "unknown key; did you mean OTPMUX_RESILIENCE__RETRIES?"),
        (
            "OTPMUX_PROVIDERS__P__RETRIES",
            "unknown key; did you mean OTPMUX_PROVIDERS__P__RESILIENCE__RETRIES?",
        ),
        ("OTPMUX_PROVIDERS__P__RESILIENCE__RETRYS", "unknown key; did you mean `retries`?"),
        ("OTPMUX_ROUTES__0__COUNTRY", "a list cannot be overridden; change the file"),
        ("OTPMUX_SERVER_KEYS__0__KEY", "a list cannot be overridden; change the file"),
        ("OTPMUX_SERVER__API_KEYS__0__KEY", "a list cannot be overridden; change the file"),
        (
            "OTPMUX_ALLOW__LITERALS",
            "overrides nothing; such names are OTPMUX_ with PROVIDERS__NAME__KEY, STORE__KEY, \
             POLICY__KEY, LIMITS__KEY, MESSAGES__KEY, RESILIENCE__KEY or SERVER__LISTEN",
        ),
    ] {
        let environment = environment().with(variable, "1");
        assert_eq!(mistakes(&with(""), &environment), [format!("{variable}: {message}")]);
    }
}

#[test]
fn two_names_that_look_alike_are_told_apart_or_refused() {
    let text = "[providers.a-b]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
                [providers.a_b]\nkind = \"easyotp\"\napi_key = \"env:KEY\"";
    let environment = environment().with("OTPMUX_PROVIDERS__A_B__TIMEOUT", "5s");
    assert_eq!(
        mistakes(text, &environment),
        ["OTPMUX_PROVIDERS__A_B__TIMEOUT: may mean both `a-b` and `a_b`; rename one of them",]
    );
    let environment = crate::environment()
        .with("OTPMUX_STORE__CAPACITY", "1")
        .with("OTPMUX_store__capacity", "2");
    assert_eq!(
        mistakes(&with(""), &environment),
        ["OTPMUX_store__capacity: another variable sets store.capacity already",]
    );
}

#[test]
fn names_of_secrets_are_no_overrides() {
    let environment = environment()
        .with("OTPMUX_API_KEY", "made-up")
        .with("OTPMUX_SERVER_KEY", "made-up")
        .with("OTPMUX_MY__KEY", "made-up");
    let text = "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:OTPMUX_MY__KEY\"";
    assert!(read_in(text, &environment).is_ok());
}

#[test]
#[cfg(unix)]
fn that_are_not_text_are_mistakes_and_never_left_out() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let system = Environment::of_system([
        ("KEY".into(), "made-up".into()),
        ("OTPMUX_POLICY__COUNTRIES".into(), bytes(b"IN\xff")),
        ("OTPMUX_STORE__URL".into(), bytes(b"sqlite:/tmp/\xe9.db")),
        (bytes(b"OTPMUX_POLICY__LIFETIM\xc9"), "2m".into()),
        // Other variables are ignored.
        ("LANG".into(), bytes(b"\xff")),
        ("OTPMUX_OTHER".into(), bytes(b"\xff")),
        (bytes(b"OTHER\xff"), "1".into()),
    ]);
    assert_eq!(
        mistakes(&with(""), &system),
        [
            "OTPMUX_POLICY__COUNTRIES: is not UTF-8 text, so what it sets is not known",
            "OTPMUX_STORE__URL: is not UTF-8 text, so what it sets is not known",
            "OTPMUX_POLICY__LIFETIM\u{fffd}: is a variable whose name is not UTF-8 text; correct or \
             remove it",
        ]
    );
}
