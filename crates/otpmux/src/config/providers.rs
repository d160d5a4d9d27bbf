//! `[providers.NAME]`

use std::sync::Arc;

use otpmux_core::{Capabilities, OtpProvider, ProviderId};
use otpmux_engine::Policy;
use serde_json::{Map, Value};

use super::document::Document;
use super::reading::Reading;

/// A provider of a configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfiguredProvider {
    /// Its vendor.
    pub kind: &'static str,
    /// The provider, ready to be called.
    pub provider: Arc<dyn OtpProvider>,
}

/// The providers that are right, in the order of the file.
pub(super) fn read(document: &Document, cx: &mut Reading<'_>) -> Vec<ConfiguredProvider> {
    let table = cx.table(&document.root, "providers");
    if document.providers.is_empty() {
        if table.is_some() || !document.root.contains_key("providers") {
            let message = "at least one is needed; begin it with [providers.NAME]";
            cx.mistake("providers", message);
        }
        return Vec::new();
    }
    let tables = document.providers.iter().filter_map(|name| {
        let table = table?.get(name)?;
        Some((name, table))
    });
    tables.filter_map(|(name, table)| one(name, table, cx)).collect()
}

/// Names a rule of the policy that no provider can keep: nothing could ever be sent. One that keeps
/// it is enough, since the others are passed over.
pub(super) fn check_policy(
    providers: &[ConfiguredProvider],
    policy: &Policy,
    cx: &mut Reading<'_>,
) {
    let nobody = |keeps: &dyn Fn(&Capabilities) -> bool| {
        !providers.is_empty() && !providers.iter().any(|p| keeps(p.provider.capabilities()))
    };
    let makes_or_carries = |capabilities: &Capabilities| match &capabilities.supplied_codes {
        Some(lengths) => lengths.contains(&policy.code_length),
        None => capabilities.vendor_codes.is_some(),
    };
    let lasts = |capabilities: &Capabilities| {
        capabilities.lifetimes.as_ref().is_none_or(|range| range.contains(&policy.lifetime))
    };
    if nobody(&makes_or_carries) {
        let message = format!("no provider here carries codes of {} digits", policy.code_length);
        cx.mistake("policy.code_length", message);
    }
    if nobody(&lasts) {
        let message = format!("no provider here takes a lifetime of {:?}", policy.lifetime);
        cx.mistake("policy.lifetime", message);
    }
}

fn one(name: &str, table: &Value, cx: &mut Reading<'_>) -> Option<ConfiguredProvider> {
    let path = format!("providers.{name}");
    let id = ProviderId::new(name).map_err(|error| cx.mistake(&path, error.to_string())).ok();
    let Value::Object(table) = table else {
        cx.mistake(&path, format!("must be a table; begin it with [providers.{name}]"));
        return None;
    };
    let kind = kind(&path, table, cx)?;
    let adapter = cx.registry.adapter(kind);
    let adapter =
        *adapter.map_err(|error| cx.mistake(format!("{path}.kind"), error.to_string())).ok()?;
    let mut table = table.clone();
    table.remove("kind");
    let settings = cx.settings(&path, adapter.settings, &table)?;
    match (adapter.build)(id?, &settings) {
        Ok(provider) => Some(ConfiguredProvider { kind: adapter.kind, provider }),
        Err(error) => {
            cx.errors.push(error);
            None
        }
    }
}

fn kind<'t>(path: &str, table: &'t Map<String, Value>, cx: &mut Reading<'_>) -> Option<&'t str> {
    let path = format!("{path}.kind");
    match table.get("kind") {
        Some(Value::String(kind)) => Some(kind),
        Some(_) => {
            cx.mistake(path, "must be text in quotes, the name of a vendor");
            None
        }
        None => {
            let kinds = cx.registry.kinds().collect::<Vec<_>>().join(", ");
            let message = format!("missing; it is required, and one of: {kinds}");
            cx.mistake(path, message);
            None
        }
    }
}
