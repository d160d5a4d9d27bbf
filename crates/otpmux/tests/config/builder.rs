//! Configurations that are built in code, in layers, and written as TOML.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux::config::settings::{Adapter, Setting};
use otpmux::config::{
    ApiKey, ApiKeySecret, ConfigBuilder, Environment, Registry, SecretRef, ServerConfig,
    StoreSettings,
};
use otpmux::provider::{Capabilities, ProviderId};
use otpmux::vendors::airtexts::AirTexts;
use otpmux::vendors::easyotp::EasyOtp;
use otpmux::{
    Channel, Config, MessageLimits, OtpClient, Policy, Purpose, RateLimit, ResendBy, Resilience,
    Route,
};
use otpmux_testkit::ScriptedProvider;
use serde_json::json;

use crate::{SERVER_KEY, environment, mistake};

fn id(name: &str) -> ProviderId {
    name.parse().unwrap()
}

/// Everything that a file can say, said in code.
fn full() -> ConfigBuilder {
    let mut weighted = Route::to([id("zulu"), id("alpha")]);
    weighted.weights = vec![70, 30];
    weighted.countries = vec!["IN".to_owned()];
    weighted.channels = vec![Channel::Sms];
    let mut limits = MessageLimits::default();
    limits.global = vec![RateLimit::new(2000, Duration::from_hours(24))];
    limits.purpose.clear();
    let mut policy = Policy::default()
        .code_length(8)
        .resend_by(ResendBy::NextChannel)
        .countries(["IN".to_owned(), "GB+".to_owned()])
        .ttls([(Channel::Email, Duration::from_mins(10))]);
    policy.limits = limits;
    let hash = ApiKeySecret::of_key("a key of the gateway");
    let mut web = ApiKey::new("web", ApiKeySecret::Reference(reference("env:WEB_KEY")));
    web.old_secret = Some(ApiKeySecret::Reference(reference("an old key in plain text")));
    web.scope = otpmux::Scope::of([Purpose::new("login").unwrap()]);
    let mut server =
        ServerConfig::default().listen("0.0.0.0:8080".parse::<std::net::SocketAddr>().unwrap());
    server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    server.api_keys = vec![web, ApiKey::new("batch", hash)];
    Config::builder()
        .provider("zulu", &EasyOtp::builder("made-up").message("Your Acme code is {code}"))
        .provider("alpha", &AirTexts::builder("app").bearer("file:/run/secrets/airtexts"))
        .provider_resilience("zulu", &Resilience::default().retries(0))
        .route(&weighted)
        .route(&Route::to([id("alpha")]))
        .policy(&policy)
        .resilience(&Resilience::default().concurrency(50))
        .store(&StoreSettings::default())
        .server_key("now", SERVER_KEY)
        .server(&server)
}

fn reference(text: &str) -> SecretRef {
    SecretRef::parse(text, true).unwrap()
}

const FULL: &str = r#"[providers.zulu]
kind = "easyotp"
api_key = "env:ZULU_API_KEY"
message = "Your Acme code is {code}"

[providers.zulu.resilience]
retries = 0

[providers.alpha]
kind = "airtexts"
appid = "app"
bearer = "env:TOKEN"

[[routes]]
countries = ["IN"]
channels = ["sms"]
providers = { zulu = 70, alpha = 30 }

[[routes]]
providers = ["alpha"]

[store]

[[server_keys]]
id = "now"
key = "env:SERVER_KEY_NOW"

[policy]
code_length = 8
resend_by = "next_channel"
countries = ["IN", "GB+"]
ttls = { email = "10m" }

[limits]
global = ["2000/1d"]

[resilience]
concurrency = 50

[server]
listen = "0.0.0.0:8080"
trusted_proxies = ["10.0.0.0/8"]

[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
old_key_sha256 = "HASH_OF_OLD"
purposes = ["login"]

[[server.api_keys]]
name = "batch"
key_sha256 = "HASH"
"#;

fn hash(key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(key).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn code_and_file_say_the_same() {
    let text = FULL
        .replace("HASH_OF_OLD", &hash("an old key in plain text"))
        .replace("HASH", &hash("a key of the gateway"));
    let variables = environment()
        .with("ZULU_API_KEY", "made-up")
        .with("TOKEN", "made-up")
        .with("SERVER_KEY_NOW", SERVER_KEY);
    let file = Config::from_toml(&text, &variables).unwrap();
    let code = full().set("providers.alpha.bearer", "env:TOKEN").environment(variables);
    let code = code.build().unwrap();
    assert_eq!(code.to_toml(), file.to_toml());
    let parsed = |text: &str| text.parse::<toml::Table>().unwrap();
    assert_eq!(parsed(&file.to_toml()), parsed(&text), "nothing is lost or added");
    for config in [&code, &file] {
        OtpClient::from_config(config).unwrap();
    }
}

#[test]
fn a_text_that_was_written_reads_as_the_same_configuration() {
    let variables = environment().with("TOKEN", "made-up");
    let config =
        full().set("providers.alpha.bearer", "env:TOKEN").environment(variables.clone()).build();
    let text = config.unwrap().to_toml();
    let variables = variables.with("ZULU_API_KEY", "made-up").with("SERVER_KEY_NOW", SERVER_KEY);
    let again = Config::from_toml(&text, &variables).unwrap();
    assert_eq!(again.to_toml(), text);
    let names: Vec<_> = again.providers().iter().map(|one| one.id.as_str()).collect();
    assert_eq!(names, ["zulu", "alpha"], "the order of the providers stays");
    assert_eq!(again.providers()[0].resilience.retries, 0);
    assert_eq!(again.routes().unwrap().as_slice()[0].weights, [70, 30]);
}

#[test]
fn no_secret_is_written() {
    let file = r#"
        allow_literal_secrets = true
        [providers.one-two]
        kind = "easyotp"
        api_key = "hunter1"
        [[server_keys]]
        id = "1"
        key = "c2VydmVyIGtleSBvZiAzMiBieXRlcywgbWFkZSB1cCE="
        [[server.api_keys]]
        name = "web"
        key = "hunter2-and-more-of-it"
    "#;
    let builder =
        Config::builder().toml(file).unwrap().provider("two", &EasyOtp::builder("hunter3"));
    let builder = builder.store(&StoreSettings::default().url("redis://:hunter4@localhost"));
    assert!(!format!("{builder:?}").contains("hunter"));
    let config = builder.build().unwrap();
    let text = config.to_toml();
    for reference in [
        "env:ONE_TWO_API_KEY",
        "env:SERVER_KEY_1",
        "env:WEB_KEY",
        "env:TWO_API_KEY",
        "env:STORE_URL",
    ] {
        assert!(text.contains(reference), "{text}");
    }
    assert!(!text.contains("hunter") && !text.contains("c2VydmVy"), "{text}");
    assert!(!format!("{config:?}").contains("hunter"));
}

static USED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// A variable cannot have all characters of a name, so two names may lead to the same variable.
#[test]
fn no_secret_takes_the_variable_of_another() {
    const SETTINGS: &[Setting] = &[Setting::secret("api_key", "The key.").required()];
    fn capabilities() -> Capabilities {
        Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10)
    }
    let adapter = Adapter::new("easyotp", &[SETTINGS], |id, settings| {
        let secret = settings.secret("api_key").unwrap().expose().to_owned();
        USED.lock().unwrap().push((id.to_string(), secret));
        Ok(Arc::new(ScriptedProvider::new(id.as_str(), capabilities())))
    })
    .with_describe(|_| Ok(capabilities()));
    let file = "allow_literal_secrets = true\n\
                [providers.c-d]\nkind = \"easyotp\"\napi_key = \"key of c-d\"\n\
                [providers.c_d]\nkind = \"easyotp\"\napi_key = \"key of c_d\"\n\
                [providers.e]\nkind = \"easyotp\"\napi_key = \"env:C_D_API_KEY\"";
    let config = Config::builder()
        .toml(file)
        .unwrap()
        .provider("a-b", &EasyOtp::builder("replaced"))
        .provider("a_b", &EasyOtp::builder("key of a_b"))
        .provider("a-b", &EasyOtp::builder("key of a-b"))
        .environment(Environment::new().with("C_D_API_KEY", "key of e"))
        .registry(Registry::new().register(adapter))
        .build()
        .unwrap();
    OtpClient::from_config(&config).unwrap();
    let used = USED.lock().unwrap();
    assert_eq!(used.len(), 5);
    for (name, secret) in &*used {
        assert_eq!(*secret, format!("key of {name}"));
    }
    let text: toml::Table = config.to_toml().parse().unwrap();
    let keys: BTreeSet<_> =
        used.iter().map(|(id, _)| text["providers"][id]["api_key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 5, "{keys:?}");
    assert!(keys.contains("env:A_B_API_KEY") && keys.contains("env:A_B_API_KEY_2"), "{keys:?}");
}

#[test]
fn a_later_layer_replaces_single_values() {
    let first = "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\ntimeout = \"9s\"\n\
                 [policy]\nmax_guesses = 2\nmax_resends = 2\ndeadline = \"5s\"";
    let second = "[providers.p]\ntimeout = \"8s\"\n[policy]\nmax_resends = 3";
    let config = Config::builder()
        .toml(first)
        .and_then(|builder| builder.toml(second))
        .unwrap()
        .set("policy.deadline", "6s")
        .set("policy.max_guesses", 4)
        .environment(environment().with("OTPMUX_POLICY__MAX_GUESSES", "5"))
        .build()
        .unwrap();
    let policy = config.policy();
    assert_eq!((policy.max_guesses, policy.max_resends, policy.deadline.as_secs()), (5, 3, 6));
    assert!(config.to_toml().contains("timeout = \"8s\""));
}

/// As in a file: a table of names is more than its values, since its order has a meaning.
#[test]
fn whole_sections_can_be_set() {
    let easyotp = json!({ "kind": "easyotp", "api_key": "env:KEY" });
    let providers = json!({ "zulu": easyotp, "alpha": easyotp });
    let routes = json!([
        { "providers": { "alpha": 30, "zulu": 70 }, "countries": ["IN"] },
        { "providers": ["zulu"] },
    ]);
    let earlier = "[providers.zulu]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
                   [[routes]]\nproviders = { zulu = 1 }";
    for builder in [Config::builder(), Config::builder().toml(earlier).unwrap()] {
        let builder = builder.set("providers", providers.clone()).set("routes", routes.clone());
        let config = builder.environment(environment()).build().unwrap();
        let mut names: Vec<_> = config.providers().iter().map(|one| one.id.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["alpha", "zulu"]);
        let again = Config::from_toml(&config.to_toml(), &environment()).unwrap();
        for config in [config, again] {
            let routes = config.routes().unwrap().as_slice();
            assert_eq!(routes[0].providers, [id("alpha"), id("zulu")]);
            assert_eq!(routes[0].weights, [30, 70]);
            assert_eq!(routes[1].providers, [id("zulu")]);
            OtpClient::from_config(&config).unwrap();
        }
    }
}

#[test]
fn mistakes_of_all_layers_are_reported_at_once() {
    let errors = Config::builder()
        .toml(
            "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n[policy]\nmax_guesses = 99",
        )
        .unwrap()
        .provider("p", &EasyOtp::builder("env:NO_SUCH").message("no code"))
        .set("policy.retries", 1)
        .set("policy..x", 1)
        .environment(environment())
        .build()
        .unwrap_err();
    let errors: Vec<_> = errors.iter().map(mistake).collect();
    assert_eq!(
        errors,
        [
            "policy..x: is not a path of a key",
            "providers.p.api_key: the environment variable `NO_SUCH` is not set",
            "providers.p.message: must hold {code} where the code belongs",
            "policy.retries: unknown key; it belongs under [resilience]",
            "policy.max_guesses: must be a whole number from 1 to 10",
        ]
    );
}

#[test]
fn only_a_value_that_stands_in_the_file_has_a_place() {
    let errors = Config::builder()
        .toml("[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n[policy]\nmax_guesses = 99\nmax_resends = 99")
        .unwrap()
        .set("policy.max_guesses", 98)
        .environment(environment())
        .build()
        .unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| (error.path(), error.place())).collect();
    assert_eq!(
        places,
        [("policy.max_guesses", Some((4, 2))), ("policy.max_resends", Some((6, 1)))],
        "a value set in code has the place of its table at most"
    );
}

static BUILT: AtomicUsize = AtomicUsize::new(0);

#[test]
fn reading_builds_no_provider() {
    const SETTINGS: &[Setting] = &[Setting::text("loft", "The place of the pigeons.").required()];
    fn capabilities() -> Capabilities {
        Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10)
    }
    let adapter = Adapter::new("pigeon", &[SETTINGS], |id, _| {
        BUILT.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(ScriptedProvider::new(id.as_str(), capabilities())))
    })
    .with_describe(|_| Ok(capabilities()));
    let registry = Registry::new().register(adapter);
    let text = "[providers.p]\nkind = \"pigeon\"\nloft = \"roof\"";
    let config = Config::from_toml_with(text, &Environment::new(), &registry).unwrap();
    assert_eq!(config.providers()[0].capabilities.channels, [Channel::Sms]);
    assert_eq!(BUILT.load(Ordering::Relaxed), 0);
    OtpClient::from_config(&config).unwrap();
    assert_eq!(BUILT.load(Ordering::Relaxed), 1);
}
