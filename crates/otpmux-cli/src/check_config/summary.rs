use otpmux::admin::LimitScope;
use otpmux::config::ConfiguredProvider;
use otpmux::config::settings::{duration_text, limit_text};
use otpmux::{Config, CountryCode, EscalationStep, RateLimit, Route, StepBy};
use serde_json::{Value, json};

use super::facts::facts;
use super::text::store_text;
use super::warnings;

/// Summarises a configuration as JSON.
pub(super) fn of(config: &Config) -> Value {
    let routes =
        config.routes().map(|routes| routes.as_slice().iter().map(route).collect::<Vec<_>>());
    let policy = config.policy();
    json!({
        "ok": true,
        "providers": config.providers().iter().map(provider).collect::<Vec<_>>(),
        "routes": routes,
        "store": store_text(config.store()),
        "server_keys": config.server_key_ids(),
        "policy": {
            "code_length": policy.code_length,
            "ttl": duration_text(policy.ttl),
            "max_guesses": policy.max_guesses,
            "duplicates": policy.max_duplicates,
            "resends": policy.max_resends,
            "countries": policy.countries,
            "default_country": policy.default_country.map(CountryCode::as_str),
        },
        "limits": limits(config),
        "warnings": warnings::of(config),
    })
}

fn provider(configured: &ConfiguredProvider) -> Value {
    let capabilities = &configured.capabilities;
    json!({
        "name": configured.id,
        "kind": configured.kind,
        "channels": capabilities.channels,
        "capabilities": facts(capabilities),
        "resilience": configured.changed_resilience(),
    })
}

pub(super) fn route(route: &Route) -> Value {
    json!({
        "countries": route.countries,
        "channels": route.channels,
        "prefixes": route.prefixes,
        "purposes": route.purposes,
        "providers": route.providers,
        "weights": route.weights,
        "escalate": steps(route),
    })
}

/// The steps of escalation, each with the earliest time after the send.
fn steps(route: &Route) -> Vec<Value> {
    let step = |(at, step): (std::time::Duration, &EscalationStep)| {
        let channel = match &step.by {
            StepBy::Next => None,
            StepBy::Channel(channel) => Some(channel),
        };
        json!({
            "after": duration_text(step.after),
            "at": duration_text(at),
            "by": channel.is_none().then_some("next"),
            "channel": channel,
        })
    };
    EscalationStep::times(&route.escalate).map(step).collect()
}

fn limits(config: &Config) -> Value {
    let entry = |(scope, limits): (LimitScope, &[RateLimit])| {
        let texts: Vec<_> = limits.iter().map(limit_text).collect();
        (scope.as_str().to_owned(), json!(texts))
    };
    Value::Object(config.policy().limits.by_scope().into_iter().map(entry).collect())
}
