//! `[providers.NAME]`

use std::sync::Arc;

use otpmux_core::settings::{Adapter, ConfigError, Section as _, Settings, duration_text};
use otpmux_core::{Capabilities, Channel, OtpProvider, ProviderId};
use otpmux_engine::{Policy, Resilience};
use serde_json::{Map, Value};

use super::document::Document;
use super::fingerprint::Fingerprint;
use super::reading::Reading;
use super::sections::{Keys, names};
use super::trees::Trees;

/// A configured provider: its settings and its capabilities. The live provider is built together
/// with a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConfiguredProvider {
    /// The name of the provider.
    pub id: ProviderId,
    /// The vendor.
    pub kind: &'static str,
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The layers around the provider.
    pub resilience: Resilience,
    adapter: Adapter,
    settings: Arc<Settings>,
    pub(super) fingerprint: Fingerprint,
}

impl ConfiguredProvider {
    /// Returns the settings of its layers that differ from the defaults, by key, in the form of a
    /// file.
    pub fn changed_resilience(&self) -> Map<String, Value> {
        self.resilience.changed()
    }

    /// Builds the provider. Opens no connection.
    ///
    /// # Errors
    ///
    /// A problem of this machine, such as missing root certificates.
    pub fn build(&self) -> Result<Arc<dyn OtpProvider>, ConfigError> {
        (self.adapter.build)(self.id.clone(), &self.settings)
    }

    /// Returns the sender of its messages, as configured: a number, a name or an address. `None` if
    /// the vendor decides, or if the adapter has no such key.
    pub fn sender(&self) -> Option<&str> {
        ["sender", "from"].into_iter().find_map(|key| self.settings.text(key))
    }

    /// Returns the text of its messages, if its settings have one.
    pub(super) fn message(&self) -> Option<&str> {
        self.settings.text("message")
    }
}

/// Returns the valid providers, in the order of the file.
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

/// Reports a rule of the policy that no provider can satisfy: nothing could ever be sent. One
/// provider is enough, because the others are skipped.
pub(super) fn check_policy(
    document: &Document,
    providers: &[ConfiguredProvider],
    policy: &Policy,
    cx: &mut Reading<'_>,
) {
    let nobody = |keeps: &dyn Fn(&Capabilities) -> bool| {
        !providers.is_empty() && !providers.iter().any(|p| keeps(&p.capabilities))
    };
    let makes_or_carries = |capabilities: &Capabilities| match &capabilities.otpmux_codes {
        Some(lengths) => lengths.contains(&policy.code_length),
        None => capabilities.vendor_codes.is_some(),
    };
    let lasts = |capabilities: &Capabilities| {
        capabilities.ttls.as_ref().is_none_or(|range| range.contains(&policy.ttl))
    };
    if nobody(&makes_or_carries) {
        let message = format!("no provider here carries codes of {} digits", policy.code_length);
        cx.mistake("policy.code_length", message);
    }
    if nobody(&lasts) {
        let ttl = duration_text(policy.ttl);
        cx.mistake("policy.ttl", format!("no provider here takes a ttl of {ttl}"));
    }
    for (channel, ttl) in &policy.ttls {
        let serves = |can: &Capabilities| {
            can.channels.contains(channel)
                && can.ttls.as_ref().is_none_or(|range| range.contains(ttl))
        };
        if nobody(&serves) {
            let ttl = duration_text(*ttl);
            let message = format!("no provider here sends by it with a ttl of {ttl}");
            cx.mistake(format!("policy.ttls.{channel}"), message);
        }
    }
    // The default order of channels is for every set of providers; a configured one is not.
    let written =
        document.root.get("policy").is_some_and(|policy| policy.get("channels").is_some());
    if written && providers.len() == document.providers.len() {
        let providers: Vec<_> = providers.iter().collect();
        for (at, message) in unserved(&policy.channels, &providers) {
            let message = format!("no provider here {message}");
            cx.mistake(format!("policy.channels[{at}]"), message);
        }
    }
}

/// Returns the positions of the channels by which none of these providers sends, with a hint on
/// each. Channels are an open list, so a typing error is a valid channel.
pub(super) fn unserved(
    channels: &[Channel],
    providers: &[&ConfiguredProvider],
) -> Vec<(usize, String)> {
    let served = || providers.iter().flat_map(|one| &one.capabilities.channels);
    let mut words: Vec<_> = served().map(Channel::as_str).collect();
    words.sort_unstable();
    words.dedup();
    let message = format!("sends by it; they do by {}", words.join(", "));
    let places = channels.iter().enumerate();
    let unserved = places.filter(|(_, channel)| !served().any(|served| served == *channel));
    unserved.map(|(at, _)| (at, message.clone())).collect()
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
    for ours in ["kind", "resilience"] {
        table.remove(ours);
    }
    misplaced_resilience(&path, adapter.settings, &mut table, cx);
    let trees = Trees::load(&path, adapter.settings, &mut table, cx)?;
    let settings = cx.settings(&path, adapter.settings, &table)?;
    let id = id?;
    match adapter.describe(&id, &settings) {
        Ok(capabilities) => Some(ConfiguredProvider {
            id,
            kind: adapter.kind,
            capabilities,
            resilience: Resilience::default(),
            adapter,
            fingerprint: Fingerprint::of(&[adapter.kind, name], &settings),
            settings: Arc::new(settings),
        }),
        Err(errors) => {
            cx.errors.extend(errors.into_iter().map(|error| trees.locate(error)));
            None
        }
    }
}

/// Removes the keys that belong one table deeper, and reports them.
fn misplaced_resilience(
    path: &str,
    own: Keys,
    table: &mut Map<String, Value>,
    cx: &mut Reading<'_>,
) {
    let own = |key: &str| names(own).any(|name| name == key);
    let keys = names(Resilience::KEYS).filter(|key| !own(key));
    for key in keys {
        if table.remove(key).is_some() {
            let message = format!("unknown key; it belongs under [{path}.resilience]");
            cx.mistake(format!("{path}.{key}"), message);
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
