use std::io;

use otpmux::config::settings::{duration_text, limit_text};
use otpmux::config::{Durability, StoreConfig};
use otpmux::provider::ProviderId;
use otpmux::{
    Channel, Config, EscalationStep, MessageLimits, Policy, Purpose, ResendBy, Route, StepBy,
};

use super::facts::facts;
use crate::output::Output;

/// Summarises a configuration as text.
pub(super) fn write(config: &Config, output: &mut Output) -> io::Result<()> {
    for configured in config.providers() {
        let (id, kind) = (&configured.id, configured.kind);
        output.line(format_args!("provider {id} ({kind})"))?;
        for fact in facts(&configured.capabilities) {
            output.line(format_args!("  {fact}"))?;
        }
        let resilience = configured.changed_resilience();
        let resilience: Vec<_> =
            resilience.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        if !resilience.is_empty() {
            output.line(format_args!(
                "  resilience other than the defaults: {}",
                resilience.join(", ")
            ))?;
        }
    }
    match config.routes() {
        None => {
            output.line("routes: none, so every provider may send everything, in this order")?;
        }
        Some(routes) => {
            for (at, route) in routes.as_slice().iter().enumerate() {
                output.line(format_args!("route {}: {}", at + 1, route_text(route)))?;
                if !route.escalate.is_empty() {
                    let steps = steps_text(route).join(", ");
                    output.line(format_args!("  without a code: {steps}"))?;
                }
            }
        }
    }
    output.line(format_args!("store: {}", store_text(config.store())))?;
    output.line(match config.server_key_ids() {
        [] => "server keys: none, so a random one that ends with the program".to_owned(),
        [only] => format!("server keys: {only} signs and verifies"),
        [first, older @ ..] => {
            format!("server keys: {first} signs, {} verify too", older.join(", "))
        }
    })?;
    policy(config.policy(), output)?;
    limits(&config.policy().limits, output)?;
    if let Some(server) = config.server() {
        let keys = match server.api_keys.len() {
            1 => "1 API key".to_owned(),
            keys => format!("{keys} API keys"),
        };
        let tls = if server.tls().is_some() { "HTTPS" } else { "plain HTTP" };
        output.line(format_args!("gateway: {}, {tls}, {keys}", server.listen))?;
    }
    Ok(())
}

fn policy(policy: &Policy, output: &mut Output) -> io::Result<()> {
    output.line(format_args!(
        "policy: codes of {} digits, valid for {}, {} guesses, at most {} possible duplicates",
        policy.code_length,
        duration_text(policy.ttl),
        policy.max_guesses,
        policy.max_duplicates
    ))?;
    if let Some(after) = policy.hedge_after {
        let after = duration_text(after);
        output.line(format_args!("hedging: the next provider is asked after {after}, too"))?;
    }
    let by = match policy.resend_by {
        ResendBy::Same => "the same provider".to_owned(),
        ResendBy::NextChannel => {
            let channels: Vec<_> = policy.channels.iter().map(Channel::as_str).collect();
            format!("the next channel of {}", channels.join(", "))
        }
        _ => "the next provider".to_owned(),
    };
    output.line(format_args!(
        "resends: at most {}, by {by}, after {} and then twice as long each, up to {}",
        policy.max_resends,
        duration_text(policy.resend_delay),
        duration_text(policy.resend_delay_max)
    ))?;
    output.line(match &policy.countries {
        Some(countries) => format!("countries: {} and no others", countries.join(", ")),
        None => "countries: every one that a route takes".to_owned(),
    })?;
    if let Some(country) = policy.default_country {
        output.line(format_args!("numbers without a calling code: of {country}"))?;
    }
    Ok(())
}

fn limits(limits: &MessageLimits, output: &mut Output) -> io::Result<()> {
    let texts = limits.by_scope().map(|(scope, limits)| match limits {
        [] => format!("{} none", scope.as_str()),
        limits => {
            let texts: Vec<_> = limits.iter().map(limit_text).collect();
            format!("{} {}", scope.as_str(), texts.join(" "))
        }
    });
    output.line(format_args!("limits: {}", texts.join(", ")))
}

pub(super) fn route_text(route: &Route) -> String {
    let mut conditions = Vec::new();
    let mut condition = |name: &str, values: Vec<&str>| {
        if !values.is_empty() {
            conditions.push(format!("{name} {}", values.join(" or ")));
        }
    };
    condition("country", route.countries.iter().map(String::as_str).collect());
    condition("channel", route.channels.iter().map(Channel::as_str).collect());
    condition("prefix", route.prefixes.iter().map(String::as_str).collect());
    condition("purpose", route.purposes.iter().map(Purpose::as_str).collect());
    let conditions = match conditions.as_slice() {
        [] => "everything else".to_owned(),
        some => some.join(", "),
    };
    let providers = || route.providers.iter().map(ProviderId::as_str);
    if route.weights.is_empty() {
        return format!("{conditions} by {}", providers().collect::<Vec<_>>().join(", then "));
    }
    let weighted = providers().zip(&route.weights).map(|(id, weight)| format!("{id} {weight}"));
    let weighted = weighted.collect::<Vec<_>>().join(", ");
    format!("{conditions} in an order drawn by the weights {weighted}")
}

/// Describes each step of escalation, with the earliest time after the send.
pub(super) fn steps_text(route: &Route) -> Vec<String> {
    let step = |(at, step): (std::time::Duration, &EscalationStep)| {
        let by = match &step.by {
            StepBy::Next => "the next provider".to_owned(),
            StepBy::Channel(channel) => channel.to_string(),
        };
        format!("by {by} after {}", duration_text(at))
    };
    EscalationStep::times(&route.escalate).map(step).collect()
}

/// Describes the store, without its address.
pub(super) fn store_text(store: &StoreConfig) -> String {
    match store {
        StoreConfig::Memory { capacity } => {
            format!("in memory, at most {capacity} verifications, lost when the program ends")
        }
        StoreConfig::Sqlite { durability, max_bytes, .. } => {
            let survives = match durability {
                Durability::Process => "the process dying, not the machine losing power",
                _ => "the machine losing power",
            };
            format!(
                "SQLite, for the processes of this machine, at most {} MB; survives {survives}",
                max_bytes >> 20
            )
        }
        StoreConfig::Redis { namespace, cluster, .. } => {
            let what = if *cluster { "Redis Cluster" } else { "Redis" };
            format!("{what}, for every process, under the namespace {namespace}")
        }
        StoreConfig::Postgres { schema, connections, .. } => {
            format!(
                "PostgreSQL, for every process, in the schema {schema}, at most {connections} \
                 connections"
            )
        }
        _ => "unknown".to_owned(),
    }
}
