use std::io;

use otpmux::admin::Health;
use otpmux::config::settings::{duration_text, limit_text};
use otpmux::provider::Capabilities;
use otpmux::{Channel, RateLimit};
use otpmux_gateway::views::rfc3339;

use super::json::verbs;
use super::{Entry, Money};
use crate::output::{BAD, Cell, DIM, DOUBTFUL, GOOD, Output, Table};

/// Writes all providers as text.
pub(super) fn write(entries: &[Entry<'_>], output: &mut Output) -> io::Result<()> {
    let mut now = Table::with_head(&["PROVIDER", "KIND", "SENDER", "HEALTH", "BALANCE"]);
    let mut can = Table::with_head(&[
        "PROVIDER",
        "CHANNELS",
        "COUNTRIES",
        "CODES",
        "TTLS",
        "HAS",
        "TEST RECIPIENTS",
    ]);
    let mut limits = Table::with_head(&[
        "PROVIDER",
        "REQUESTS",
        "DOCUMENTED",
        "TO ONE RECIPIENT",
        "WRONG CODES",
    ]);
    for entry in entries {
        let id = || Cell::from(entry.view.id().to_string());
        let capabilities = entry.view.capabilities();
        now.row([
            id(),
            entry.configured.kind.into(),
            entry.configured.sender().map_or_else(|| Cell::new("vendor's", DIM), Cell::from),
            health(entry),
            balance(&entry.balance),
        ]);
        let channels: Vec<_> = capabilities.channels.iter().map(Channel::as_str).collect();
        let ttls = capabilities.ttls.as_ref().map(|range| {
            format!("{} to {}", duration_text(*range.start()), duration_text(*range.end()))
        });
        can.row([
            id(),
            channels.join(", ").into(),
            countries(capabilities),
            codes(capabilities).into(),
            ttls.map_or_else(|| Cell::new("vendor's", DIM), Cell::from),
            list(&verbs(capabilities)),
            list(capabilities.test_recipients),
        ]);
        let documented = &capabilities.limits;
        let wrong = documented.guesses.map(|guesses| match documented.lockout {
            Some(lockout) => format!("{guesses}, then locked for {}", duration_text(lockout)),
            None => guesses.to_string(),
        });
        limits.row([
            id(),
            windows(entry.view.requests()),
            windows(&documented.requests),
            windows(&documented.sends_per_recipient),
            wrong.map_or_else(none, Cell::from),
        ]);
    }
    output.table(&now)?;
    output.line("")?;
    output.table(&can)?;
    output.line("")?;
    output.table(&limits)
}

fn health(entry: &Entry<'_>) -> Cell {
    if !entry.health_known {
        return Cell::new("not known", DIM);
    }
    let health = entry.view.health();
    let state = health.as_str();
    match health {
        Health::Closed => Cell::new(state, GOOD),
        Health::Open { since, until, why, .. } => {
            let (since, until, why) = (rfc3339(*since), rfc3339(*until), why.as_str());
            let when = if entry.view.is_available() {
                "half-open now".to_owned()
            } else {
                format!("half-open from {until}")
            };
            Cell::new(format!("{state} since {since} ({why}), {when}"), BAD)
        }
        Health::HalfOpen { since, why, .. } => {
            let (since, why) = (rfc3339(*since), why.as_str());
            Cell::new(format!("{state}, open since {since} ({why})"), DOUBTFUL)
        }
        _ => Cell::new(state, DIM),
    }
}

fn balance(money: &Money) -> Cell {
    match money {
        Money::NotTold => Cell::new("not reported", DIM),
        Money::NotAsked => Cell::new("not read", DIM),
        Money::Told(Ok(balance)) => match &balance.currency {
            Some(currency) => format!("{currency} {}", balance.amount).into(),
            None => format!("{} credits", balance.amount).into(),
        },
        Money::Told(Err(error)) => {
            let (kind, certainty) = (error.kind().as_str(), error.certainty().as_str());
            Cell::new(format!("failed: {kind} ({certainty})"), BAD)
        }
    }
}

/// The telephone numbers that it reaches.
fn countries(capabilities: &Capabilities) -> Cell {
    if capabilities.channels.iter().all(Channel::wants_email) {
        return none();
    }
    let countries = capabilities.countries.iter().map(|country| country.as_str());
    let reached: Vec<_> = countries.chain(capabilities.phone_prefixes.iter().copied()).collect();
    if reached.is_empty() { Cell::new("all", DIM) } else { reached.join(", ").into() }
}

fn codes(capabilities: &Capabilities) -> String {
    let digits = |range: &std::ops::RangeInclusive<u8>| {
        format!("{} to {} digits", range.start(), range.end())
    };
    let otpmux =
        capabilities.otpmux_codes.as_ref().map(|range| format!("otpmux, {}", digits(range)));
    let vendors = capabilities.vendor_codes.as_ref().map(|codes| match &codes.lengths {
        Some(range) => format!("vendor, {}", digits(range)),
        None => "vendor".to_owned(),
    });
    otpmux.into_iter().chain(vendors).collect::<Vec<_>>().join("; ")
}

fn windows(limits: &[RateLimit]) -> Cell {
    let texts: Vec<_> = limits.iter().map(limit_text).collect();
    if texts.is_empty() { none() } else { texts.join(" ").into() }
}

fn list(words: &[&str]) -> Cell {
    if words.is_empty() { none() } else { words.join(", ").into() }
}

fn none() -> Cell {
    Cell::new("-", DIM)
}
