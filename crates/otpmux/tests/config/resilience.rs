//! `[limits]` and `[resilience]`.

use std::time::Duration;

use otpmux::{MessageLimits, RateLimit, Resilience};
use serde_json::json;

use crate::{read, with};

const MINUTE: Duration = Duration::from_mins(1);

fn mistakes(text: &str) -> Vec<String> {
    read(text).expect_err(text)
}

#[test]
fn limits_replace_their_defaults_one_by_one() {
    let text = with("[limits]\nrecipient = [\"3/10m\"]\nglobal = [\"1000/1d\"]\nnumber_range = []");
    let limits = read(&text).unwrap().policy().limits.clone();
    assert_eq!(limits.recipient, [RateLimit::new(3, 10 * MINUTE)]);
    assert_eq!(limits.global, [RateLimit::new(1_000, Duration::from_hours(24))]);
    assert!(limits.number_range.is_empty(), "switched off");
    assert_eq!(limits.guesses, MessageLimits::default().guesses, "left out: the default");
    assert_eq!(read(&with("")).unwrap().policy().limits, MessageLimits::default());
}

#[test]
fn a_wrong_limit_says_what_one_looks_like() {
    assert_eq!(
        mistakes(&with(
            "[limits]\nrecipient = \"2/1m\"\nip = [\"20\", \"0/1m\", \"5/8d\", 5]\nrecipients = []"
        )),
        [
            "limits.recipients: unknown key; did you mean `recipient`?",
            "limits.recipient: must be a list of limits such as [\"15/1h\"], \
             1 to 1000000 in 1s to 7d, or [] for none",
            "limits.ip[0]: must be a limit such as \"15/1h\", 1 to 1000000 in 1s to 7d",
            "limits.ip[1]: must be a limit such as \"15/1h\", 1 to 1000000 in 1s to 7d",
            "limits.ip[2]: must be a limit such as \"15/1h\", 1 to 1000000 in 1s to 7d",
            "limits.ip[3]: must be text in quotes",
        ]
    );
}

#[test]
fn a_provider_has_its_own_resilience_over_the_common_ones() {
    let config = read(
        r#"
        [resilience]
        retries = 1
        breaker_failures = 9
        requests = ["10/1s"]

        [providers.a]
        kind = "easyotp"
        api_key = "env:KEY"

        [providers.b]
        kind = "startmessaging"
        api_key = "env:KEY"
        resilience = { retries = 0, requests = [], concurrency = 4, breaker_pause = "30s" }
        "#,
    )
    .unwrap();
    let [a, b] = config.providers() else { panic!("{config:?}") };
    assert_eq!(
        a.changed_resilience(),
        *json!({ "retries": 1, "breaker_failures": 9, "requests": ["10/1s"] }).as_object().unwrap()
    );
    assert_eq!((b.resilience.retries, b.resilience.breaker.failures), (0, 9));
    assert_eq!(b.resilience.breaker.pause, Duration::from_secs(30));
    assert_eq!(
        (b.resilience.requests.as_deref(), b.resilience.concurrency),
        (Some(&[][..]), Some(4))
    );
    let plain = read(&with("")).unwrap();
    assert_eq!(
        plain.providers()[0].resilience,
        Resilience::default(),
        "requests as the vendor documents"
    );
    assert!(plain.providers()[0].changed_resilience().is_empty());
}

#[test]
fn wrong_resilience_have_their_path() {
    assert_eq!(
        mistakes(&with(
            "[resilience]\nretries = 11\nbreaker_window = \"2h\"\nrequests = [\"1/2d\"]"
        )),
        [
            "resilience.retries: must be a whole number from 0 to 10",
            "resilience.requests[0]: must be a limit such as \"15/1h\", 1 to 100000 in 1s to 1d",
            "resilience.breaker_window: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
             from 1s to 1h",
        ]
    );
    let own = |resilience: &str| with("") + resilience;
    assert_eq!(
        mistakes(&own("resilience = 1")),
        ["providers.p.resilience: must be a table; begin it with [providers.p.resilience]"]
    );
    assert_eq!(
        mistakes(&own("[providers.p.resilience]\nretry = 1\nconcurrency = 0")),
        [
            "providers.p.resilience.retry: unknown key; did you mean `retries`?",
            "providers.p.resilience.concurrency: must be a whole number from 1 to 10000",
        ]
    );
    // Also of a provider that is wrong itself.
    assert_eq!(
        mistakes("[providers.p]\nkind = \"easyopt\"\nresilience.retries = 11"),
        [
            "providers.p.kind: unknown kind `easyopt`; did you mean `easyotp`?",
            "providers.p.resilience.retries: must be a whole number from 0 to 10",
        ]
    );
}

#[test]
fn the_pauses_grow() {
    for (lines, message) in [
        (
            "breaker_pause = \"2m\"",
            "resilience.breaker_pause: must be at most breaker_account_pause, which is 1m; set that too",
        ),
        (
            "breaker_pause = \"2m\"\nbreaker_account_pause = \"90s\"",
            "resilience.breaker_account_pause: must be at least breaker_pause, which is 2m",
        ),
        (
            "breaker_account_pause = \"1h\"",
            "resilience.breaker_account_pause: must be at most breaker_longest_pause, which is 5m; \
             set that too",
        ),
        (
            "breaker_longest_pause = \"30s\"",
            "resilience.breaker_longest_pause: must be at least breaker_account_pause, which is 1m",
        ),
    ] {
        assert_eq!(mistakes(&with(&format!("[resilience]\n{lines}"))), [message]);
        // Against what is common as well, and only once.
        let own = with("") + "[providers.p.resilience]\n" + lines;
        assert_eq!(mistakes(&own), [format!("providers.p.{message}")]);
    }
    let both = with("[resilience]\nbreaker_pause = \"2m\"")
        + "[providers.p.resilience]\nbreaker_longest_pause = \"1s\"";
    assert_eq!(mistakes(&both).len(), 1, "one mistake, one message");
}
