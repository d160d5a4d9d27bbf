//! `[[routes]]` that are wrong, and weights.

use crate::mistakes::assert_mistakes;
use crate::{read, with};

#[test]
fn each_mistake_has_its_place() {
    let route = |lines: &str| with(&format!("[[routes]]\n{lines}"));
    assert_mistakes(&with("routes = []"), &["routes: an empty list; remove it, or fill it"]);
    assert_mistakes(
        &with("[routes]\nproviders = [\"p\"]"),
        &["routes: must be a list of tables; begin each with [[routes]]"],
    );
    assert_mistakes(
        &route("contries = [\"IN\"]"),
        &[
            "routes[0].contries: unknown key; did you mean `countries`?",
            "routes[0].providers: missing; it is required",
        ],
    );
    for providers in ["[]", "{}", "\"p\""] {
        assert_mistakes(
            &route(&format!("providers = {providers}")),
            &[
                "routes[0].providers: must be a list of names such as [\"a\", \"b\"], or a table of \
             their weights such as { a = 70, b = 30 }, with one at least",
            ],
        );
    }
    assert_mistakes(
        &route("providers = { p = -1, q = 1, backup = 10001, r = 1.5 }"),
        &[
            "routes[0].providers.p: must be a whole number from 0 to 10000",
            "routes[0].providers.q: no provider is named `q`; did you mean `p`?",
            "routes[0].providers.backup: no provider is named `backup`; there are: p",
            "routes[0].providers.backup: must be a whole number from 0 to 10000",
            "routes[0].providers.r: no provider is named `r`; did you mean `p`?",
            "routes[0].providers.r: must be a whole number from 0 to 10000",
        ],
    );
    assert_mistakes(
        &route("providers = { p = 0 }"),
        &["routes[0].providers: one weight at least must be more than 0"],
    );
    assert_mistakes(
        &route("providers = [\"p\", \"p\", \"q\", \"backup\", 1]"),
        &[
            "routes[0].providers[1]: is in this list twice",
            "routes[0].providers[2]: no provider is named `q`; did you mean `p`?",
            "routes[0].providers[3]: no provider is named `backup`; there are: p",
            "routes[0].providers[4]: must be text in quotes",
        ],
    );
    assert_mistakes(
        &route("providers = [\"p\"]\ncountries = [\"in\", \"US\"]\nprefixes = [\"91\"]"),
        &[
            "routes[0].countries[0]: `in` is not a country's code; did you mean `IN`?",
            "routes[0].prefixes[0]: `91` does not begin a number; write it such as +9198",
        ],
    );
    assert_mistakes(
        &route("providers = [\"p\"]\nchannels = [\"SMS\"]\npurposes = [\"log in\"]"),
        &[
            "routes[0].channels[0]: channel must be 1 to 64 characters of a-z, 0-9, '_' and '-'",
            "routes[0].purposes[0]: a purpose must be 1 to 64 characters of a-z, 0-9, '_' and '-'",
        ],
    );
    assert_mistakes(
        &route("providers = [\"p\"]\nchannels = [\"smss\"]"),
        &["routes[0].channels[0]: none of this route's providers sends by it; \
         they do by email, sms, voice"],
    );
    assert_mistakes(
        &with(
            "[[routes]]\ncountries = [\"IN\", \"US\"]\nproviders = [\"p\"]\n\
             [[routes]]\ncountries = [\"IN\"]\nchannels = [\"sms\"]\nproviders = [\"p\"]",
        ),
        &["routes[1]: is never reached: routes[0] fits all of it"],
    );
    // A wrong route has no known candidates.
    assert_mistakes(
        &with(
            "[[routes]]\ncountries = [\"India\"]\nproviders = [\"p\"]\n\
             [[routes]]\nproviders = [\"p\"]",
        ),
        &["routes[0].countries[0]: `India` is not a country's code; did you mean `IN`?"],
    );
}

#[test]
fn steps_of_escalation_are_read_and_each_mistake_has_its_place() {
    use otpmux::{Channel, EscalationStep};
    use std::time::Duration;
    let two = "[providers.q]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n";
    let route = |providers: &str, steps: &str| {
        let more = format!("[[routes]]\nproviders = {providers}\nescalate = {steps}");
        with(&more) + two
    };
    let both = "[\"p\", \"q\"]";
    let right = route(
        both,
        "[{ after = \"30s\", by = \"next\" }, { after = \"1m\", channel = \"voice\" }]",
    );
    let config = read(&right).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(
        config.routes().unwrap().as_slice()[0].escalate,
        [EscalationStep::next(seconds(30)), EscalationStep::by(Channel::Voice, seconds(60))]
    );
    let again = read(&config.to_toml()).unwrap();
    assert_eq!(again.routes().unwrap().as_slice(), config.routes().unwrap().as_slice());
    for steps in ["[]", "{}", "\"next\"", "[\"next\"]"] {
        assert_mistakes(
            &route(both, steps),
            &[
                "routes[0].escalate: must be a list of steps such as [{ after = \"30s\", by = \"next\" \
             }]; remove it, if nothing escalates",
            ],
        );
    }
    assert_mistakes(
        &route(
            both,
            "[{ after = \"1s\", by = \"next\" }, { by = \"nxt\" }, { after = \"30s\" }, \
             { after = \"30s\", by = \"next\", channel = \"sms\" }]",
        ),
        &[
            "routes[0].escalate: at most 3 steps",
            "routes[0].escalate[0].after: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
             from 10s to 15m",
            "routes[0].escalate[1].after: missing; it is required",
            "routes[0].escalate[1].by: must be one of: next",
            "routes[0].escalate[2]: needs `by = \"next\"` or a `channel`, and not both",
            "routes[0].escalate[3]: needs `by = \"next\"` or a `channel`, and not both",
        ],
    );
    assert_mistakes(
        &route("[\"p\"]", "[{ after = \"30s\", by = \"next\" }]"),
        &["routes[0].escalate[0].by: the route has no next provider; add one, or name a channel"],
    );
    assert_mistakes(
        &route(both, "[{ after = \"30s\", channel = \"whatsapp\" }]"),
        &["routes[0].escalate[0]: none of this route's providers sends by whatsapp"],
    );
    assert_mistakes(
        &route(
            both,
            "[{ after = \"3m\", by = \"next\" }, { after = \"2m\", channel = \"voice\" }]",
        ),
        &[
            "routes[0].escalate[1]: begins 5m after the send, when a code is valid for less than 1m \
         more: its ttl is 5m",
        ],
    );
}

#[test]
fn weights_keep_the_order_of_the_file() {
    let text = "[providers.b]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
                [providers.a]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
                [[routes]]\ncountries = [\"IN\"]\nproviders = { b = 0, a = 70 }\n\
                [[routes]]\nproviders = [\"a\"]\n";
    let config = read(text).unwrap();
    let routes = config.routes().unwrap().as_slice();
    let names: Vec<_> =
        routes[0].providers.iter().map(otpmux::provider::ProviderId::as_str).collect();
    assert_eq!((names, &*routes[0].weights), (vec!["b", "a"], &[0, 70][..]));
    assert!(routes[1].weights.is_empty());
}
