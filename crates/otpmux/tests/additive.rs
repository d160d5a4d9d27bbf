//! Rule 8: features are additive. This file is run with each feature alone, with all and with none,
//! and expects the same defaults every time.

use std::sync::Arc;
use std::time::Duration;

use otpmux::config::{Environment, Registry};
use otpmux::provider::Capabilities;
use otpmux::vendors::KINDS;
use otpmux::{
    Channel, Config, MessageLimits, NewVerification, OtpClient, Policy, Purpose, Resilience,
};
use otpmux_testkit::ScriptedProvider;

#[test]
fn the_policy_is_the_same_whatever_is_compiled_in() {
    let policy = Policy::default();
    assert_eq!((policy.code_length, policy.allow_short_codes), (6, false));
    assert_eq!((policy.ttl, policy.max_guesses), (Duration::from_mins(5), 5));
    assert_eq!((policy.max_duplicates, Resilience::default().retries), (1, 2));
    assert_eq!(policy.limits, MessageLimits::default());
    assert_eq!(policy.deadline, Duration::from_secs(20));
    assert_eq!((policy.resend_delay, policy.max_resends), (Duration::from_secs(30), 4));
}

#[test]
fn the_compiled_in_kinds_are_those_of_the_features_and_no_others() {
    // Which features are on is not known to a list, so the loop that switches them on says it.
    let kinds: Vec<_> = Registry::with_compiled_in().kinds().collect();
    if let Some(feature) = option_env!("OTPMUX_ONLY_FEATURE") {
        let expected = if KINDS.contains(&feature) { vec![feature] } else { vec![] };
        assert_eq!(kinds, expected);
    }
    // The kinds that have an adapter come first.
    let own = kinds.iter().take_while(|kind| KINDS.contains(kind)).count();
    let (own, presets) = kinds.split_at(own);
    if cfg!(feature = "all-vendors") {
        assert_eq!(own, KINDS);
    }
    assert_eq!(presets.first(), cfg!(feature = "presets").then_some(&"http"), "{kinds:?}");
    assert!(presets.iter().all(|kind| !KINDS.contains(kind)), "{kinds:?}");
    assert_eq!(Registry::new().kinds().count(), 0, "an empty registry stays empty");
}

#[test]
fn a_store_is_known_and_names_its_feature_where_that_is_off() {
    for (scheme, feature, on) in [
        ("memory:", "", true),
        ("sqlite:", "sqlite", cfg!(feature = "sqlite")),
        ("redis://", "redis", cfg!(feature = "redis")),
        ("rediss://", "redis", cfg!(feature = "redis")),
        ("postgres://", "postgres", cfg!(feature = "postgres")),
    ] {
        let rest = if scheme == "memory:" { "" } else { "otpmux.db" };
        let text = format!("[store]\nurl = \"{scheme}{rest}\"");
        let read = Config::from_toml_with(&text, &Environment::new(), &Registry::new());
        let told: Vec<_> = read
            .unwrap_err()
            .iter()
            .filter(|mistake| mistake.path() == "store.url")
            .map(|mistake| mistake.message().to_owned())
            .collect();
        let message = format!(
            "`{scheme}` is not compiled in; enable the feature `{feature}` of the crate `otpmux`"
        );
        assert_eq!(told, if on { vec![] } else { vec![message] });
    }
}

#[tokio::test]
async fn a_plain_send_asks_the_same_of_a_provider() {
    let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    let provider = Arc::new(ScriptedProvider::new("a", capabilities));
    let client = OtpClient::builder().provider(provider.port()).build().unwrap();
    let to: otpmux::Recipient = "+919876543210".parse().unwrap();
    client.send(NewVerification::to(to)).await.unwrap();
    let asked = &provider.sends.requests()[0];
    assert_eq!(asked.channel, Channel::Sms);
    assert_eq!(asked.ttl, Some(Duration::from_mins(5)));
    assert_eq!(asked.purpose, Purpose::default());
    assert_eq!((&asked.message, &asked.template, &asked.sender), (&None, &None, &None));
    assert_eq!(asked.code.otpmux_code().map(otpmux::Code::length), Some(6));
}
