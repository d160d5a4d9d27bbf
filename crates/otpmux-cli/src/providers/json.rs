use std::ops::RangeInclusive;

use otpmux::RateLimit;
use otpmux::admin::Health;
use otpmux::config::settings::{duration_text, limit_text};
use otpmux::provider::Capabilities;
use otpmux_gateway::views::rfc3339;
use serde_json::{Value, json};

use super::{Entry, Money};
use crate::failure::Failure;

/// All providers, as JSON.
pub(super) fn of(entries: &[Entry<'_>]) -> Value {
    json!({ "providers": entries.iter().map(provider).collect::<Vec<_>>() })
}

fn provider(entry: &Entry<'_>) -> Value {
    let can = entry.view.capabilities();
    json!({
        "name": entry.view.id(),
        "kind": entry.configured.kind,
        "health": entry.health_known.then(|| health(entry.view.health())),
        "sendable": entry.view.is_available(),
        "channels": can.channels,
        "otpmux_codes": can.otpmux_codes.as_ref().map(range),
        "letters_in_codes": can.letters_in_codes,
        "vendor_codes": can.vendor_codes.as_ref().map(|codes| {
            json!({ "lengths": codes.lengths.as_ref().map(range) })
        }),
        "ttls": can.ttls.as_ref().map(|range| {
            json!({ "min": duration_text(*range.start()), "max": duration_text(*range.end()) })
        }),
        "countries": can.countries.iter().map(|country| country.as_str()).collect::<Vec<_>>(),
        "phone_prefixes": can.phone_prefixes,
        "sender": entry.configured.sender(),
        "test_recipients": can.test_recipients,
        "has": verbs(can),
        "documented": {
            "requests": limits(&can.limits.requests),
            "recipient": limits(&can.limits.sends_per_recipient),
            "guesses": can.limits.guesses,
            "lockout": can.limits.lockout.map(duration_text),
        },
        "requests": limits(entry.view.requests()),
        "balance": balance(&entry.balance),
    })
}

fn health(health: &Health) -> Value {
    let state = health.as_str();
    match health {
        Health::Open { since, until, why, .. } => json!({
            "state": state, "since": rfc3339(*since), "until": rfc3339(*until), "reason": why.as_str(),
        }),
        Health::HalfOpen { since, why, .. } => {
            json!({ "state": state, "since": rfc3339(*since), "reason": why.as_str() })
        }
        _ => json!({ "state": state }),
    }
}

fn balance(money: &Money) -> Value {
    match money {
        Money::NotTold | Money::NotAsked => Value::Null,
        Money::Told(Ok(balance)) => {
            json!({ "amount": balance.amount, "currency": balance.currency })
        }
        Money::Told(Err(error)) => json!({ "error": Failure::of(error).json() }),
    }
}

fn range(range: &RangeInclusive<u8>) -> Value {
    json!({ "min": range.start(), "max": range.end() })
}

fn limits(limits: &[RateLimit]) -> Vec<String> {
    limits.iter().map(limit_text).collect()
}

/// The calls that a vendor supports besides send.
pub(super) fn verbs(can: &Capabilities) -> Vec<&'static str> {
    let verbs = [
        (can.resend, "resend"),
        (can.cancel, "cancel"),
        (can.status, "status"),
        (can.balance, "balance"),
        (can.report, "report"),
        (can.receipts.is_some(), "receipts"),
        (can.idempotent, "idempotency"),
    ];
    verbs.iter().filter(|(can, _)| *can).map(|(_, verb)| *verb).collect()
}
