//! `[messages]`: the texts of messages.

use otpmux_core::settings::{ConfigError, Section as _, nearest};
use otpmux_core::{Channel, Purpose};
use otpmux_engine::{
    ChannelText, DltIds, Locale, LocalizedText, MessageSettings, Messages, Policy, Routes, Variable,
};
use serde_json::{Map, Value, json};

use super::document::Document;
use super::providers::ConfiguredProvider;
use super::reading::Reading;
use super::sections::names;
use super::server::ServerConfig;

/// The tables within the section, with the purpose of each.
pub(crate) const TABLES: [(&str, &str); 4] = [
    ("variables", "The variables of texts, by name: values that a caller gives for each message."),
    (
        "texts",
        "The texts by purpose and locale (BCP 47): [messages.texts.login.pt-BR]. The texts of `default` \
         are for every purpose without texts; without them, built-in texts are used. A table of a \
         channel within replaces its texts: [messages.texts.login.pt-BR.whatsapp].",
    ),
    (
        "templates",
        "Vendors' names of templates by purpose, then by provider, kind of provider, or `whatsapp`: \
         [messages.templates.login]. Those of `default` are for every purpose without some.",
    ),
    (
        "dlt",
        "The ids that India's networks require for SMS, by purpose: [messages.dlt.login]. Those of \
         `default` are for every purpose without some.",
    ),
];

/// The names of templates within the texts of a locale.
pub(crate) const TEMPLATES: &str = "templates";

/// Other settings that decide about messages.
pub(super) struct Surroundings<'a> {
    pub(super) providers: &'a [ConfiguredProvider],
    pub(super) routes: Option<&'a Routes>,
    pub(super) policy: &'a Policy,
    pub(super) server: Option<&'a ServerConfig>,
}

pub(super) fn read(
    document: &Document,
    around: &Surroundings<'_>,
    cx: &mut Reading<'_>,
) -> Option<Messages> {
    if !document.root.contains_key("messages") {
        if let Some(provider) = around.providers.iter().find(|one| one.capabilities.needs_message) {
            let message = format!(
                "missing; the provider `{}` sends texts that otpmux writes, and they name your service: \
                 write [messages] and app = \"its name\"",
                provider.id
            );
            cx.mistake("messages.app", message);
        }
        return None;
    }
    let table = cx.table(&document.root, "messages")?;
    let before = cx.errors.len();
    let mut settings = settings(table, cx);
    let server = around.server.into_iter();
    settings.brands = server
        .flat_map(|server| &server.api_keys)
        .flat_map(|key| key.brands.iter().flatten().cloned())
        .collect();
    vendors_are_known(&settings, document, cx);
    let messages = match Messages::new(&settings) {
        Ok(messages) => messages,
        Err(mistakes) => {
            // A value that cannot be read was reported already, and is not missing.
            let within = |path: &str, table: &str| {
                let rest = path.strip_prefix(table);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            let told = |error: &ConfigError| {
                cx.errors[before..].iter().any(|other| within(error.path(), other.path()))
            };
            let mistakes = mistakes.into_iter().map(|error| error.within("messages"));
            let mistakes: Vec<_> = mistakes.filter(|error| !told(error)).collect();
            cx.errors.extend(mistakes);
            return None;
        }
    };
    indian_routes_have_ids(&messages, around, cx);
    (cx.errors.len() == before).then_some(messages)
}

fn settings(table: &Map<String, Value>, cx: &mut Reading<'_>) -> MessageSettings {
    let mut settings = MessageSettings::default();
    let tables = TABLES.map(|(name, _)| name);
    let known: Vec<_> = names(MessageSettings::KEYS).chain(tables).collect();
    cx.unknown_keys("messages", table, &known);
    let mut own = table.clone();
    own.retain(|key, _| known.contains(&key.as_str()) && !tables.contains(&key.as_str()));
    cx.apply("messages", &own, &mut settings);
    for (path, name, table) in entries("messages.variables", table.get("variables"), cx) {
        let mut variable = Variable::default();
        cx.apply(&path, table, &mut variable);
        settings.variables.insert(name.to_owned(), variable);
    }
    for (path, purpose, table) in purposes("messages.texts", table.get("texts"), cx) {
        for (path, locale, table) in entries_of(&path, table, cx) {
            let Some(locale) = parsed::<Locale>(&path, locale, cx) else { continue };
            let text = localized(&path, table, cx);
            let texts = settings.texts.entry(purpose.clone()).or_default();
            if texts.insert(locale.clone(), text).is_some() {
                cx.mistake(
                    path,
                    format!("is another spelling of `{locale}`, which is there already"),
                );
            }
        }
    }
    for (path, purpose, table) in purposes("messages.templates", table.get("templates"), cx) {
        settings.templates.insert(purpose, texts(&path, table, cx));
    }
    for (path, purpose, table) in purposes("messages.dlt", table.get("dlt"), cx) {
        let mut ids = DltIds::default();
        cx.apply(&path, table, &mut ids);
        settings.dlt.insert(purpose, ids);
    }
    settings
}

/// Reads the texts of one locale: its keys, and a table for each channel with other texts.
fn localized(path: &str, table: &Map<String, Value>, cx: &mut Reading<'_>) -> LocalizedText {
    let mut text = LocalizedText::default();
    let mut own = table.clone();
    own.retain(|key, value| {
        names(LocalizedText::KEYS).any(|name| name == key) || !value.is_object()
    });
    if let Some(value) = own.remove(TEMPLATES) {
        cx.mistake(format!("{path}.{TEMPLATES}"), format!("must be a table, not {value}"));
    }
    cx.apply(path, &own, &mut text);
    for (key, value) in table {
        let Some(inner) = value.as_object().filter(|_| !own.contains_key(key)) else { continue };
        let path = format!("{path}.{key}");
        if key == TEMPLATES {
            text.templates = texts(&path, inner, cx);
        } else if let Some(channel) = parsed::<Channel>(&path, key, cx) {
            let mut of_channel = ChannelText::default();
            cx.apply(&path, inner, &mut of_channel);
            text.channels.insert(channel, of_channel);
        }
    }
    text
}

/// Returns the entries of a table of texts.
fn texts(
    path: &str,
    table: &Map<String, Value>,
    cx: &mut Reading<'_>,
) -> std::collections::BTreeMap<String, String> {
    let mut texts = std::collections::BTreeMap::new();
    for (key, value) in table {
        match value.as_str().filter(|text| !text.is_empty()) {
            Some(text) => drop(texts.insert(key.clone(), text.to_owned())),
            None => cx.mistake(format!("{path}.{key}"), "must be text in quotes"),
        }
    }
    texts
}

/// Returns the tables within a table, each with its path and its key.
fn entries<'t>(
    path: &str,
    value: Option<&'t Value>,
    cx: &mut Reading<'_>,
) -> Vec<(String, &'t str, &'t Map<String, Value>)> {
    match value {
        None => Vec::new(),
        Some(Value::Object(table)) => entries_of(path, table, cx),
        Some(_) => {
            cx.mistake(path, format!("must be a table of tables; begin each with [{path}.NAME]"));
            Vec::new()
        }
    }
}

fn entries_of<'t>(
    path: &str,
    table: &'t Map<String, Value>,
    cx: &mut Reading<'_>,
) -> Vec<(String, &'t str, &'t Map<String, Value>)> {
    let mut found = Vec::with_capacity(table.len());
    for (key, value) in table {
        let path = format!("{path}.{key}");
        match value {
            Value::Object(table) => found.push((path, key.as_str(), table)),
            _ => cx.mistake(&path, format!("must be a table; begin it with [{path}]")),
        }
    }
    found
}

fn purposes<'t>(
    path: &str,
    value: Option<&'t Value>,
    cx: &mut Reading<'_>,
) -> Vec<(String, Purpose, &'t Map<String, Value>)> {
    let mut found = Vec::new();
    for (path, name, table) in entries(path, value, cx) {
        if let Some(purpose) = parsed::<Purpose>(&path, name, cx) {
            found.push((path, purpose, table));
        }
    }
    found
}

fn parsed<T>(path: &str, text: &str, cx: &mut Reading<'_>) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error: T::Err| cx.mistake(path, error.to_string())).ok()
}

/// A template is for a provider of the file, for a kind, or for every vendor of WhatsApp.
fn vendors_are_known(settings: &MessageSettings, document: &Document, cx: &mut Reading<'_>) {
    let kinds: Vec<_> = cx.registry.kinds().collect();
    let names = || document.providers.iter().map(String::as_str);
    let known = || names().chain(kinds.iter().copied()).chain(["whatsapp"]);
    let mut mistakes = Vec::new();
    let mut check = |path: String, templates: &std::collections::BTreeMap<String, String>| {
        for vendor in templates.keys().filter(|vendor| !known().any(|known| known == *vendor)) {
            let near = match nearest(vendor, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("there are: {}, and every kind", names().collect::<Vec<_>>().join(", "))
                }
            };
            let message = format!("is neither a provider nor a kind, nor `whatsapp`; {near}");
            mistakes.push(ConfigError::new(format!("{path}.{vendor}"), message));
        }
    };
    for (purpose, templates) in &settings.templates {
        check(format!("messages.templates.{purpose}"), templates);
    }
    for (purpose, texts) in &settings.texts {
        for (locale, text) in texts {
            check(format!("messages.texts.{purpose}.{locale}.{TEMPLATES}"), &text.templates);
        }
    }
    cx.errors.extend(mistakes);
}

/// India's networks drop an SMS without the ids under which its text is registered. So each purpose
/// that a route sends there by a provider that passes the ids on must have them.
fn indian_routes_have_ids(messages: &Messages, around: &Surroundings<'_>, cx: &mut Reading<'_>) {
    let serves = |countries: &[String]| {
        countries.is_empty() || countries.iter().any(|name| name.trim_end_matches('+') == "IN")
    };
    if !around.policy.countries.as_deref().is_none_or(serves) {
        return;
    }
    let needs = |id: &otpmux_core::ProviderId| {
        around.providers.iter().any(|one| {
            one.id == *id
                && one.capabilities.needs_dlt
                && one.capabilities.channels.contains(&Channel::Sms)
        })
    };
    let everything = [otpmux_engine::Route::to(around.providers.iter().map(|one| one.id.clone()))];
    let routes = around.routes.map_or(&everything[..], Routes::as_slice);
    let mut told = Vec::new();
    for route in routes {
        let india = serves(&route.countries)
            && (route.channels.is_empty() || route.channels.contains(&Channel::Sms))
            && (route.prefixes.is_empty()
                || route
                    .prefixes
                    .iter()
                    .any(|prefix| prefix.starts_with("+91") || "+91".starts_with(prefix.as_str())));
        let Some(provider) = route.providers.iter().find(|id| india && needs(id)) else { continue };
        let default = Purpose::default();
        let all: Vec<_> = messages.purposes().chain([&default]).collect();
        let of_route = route.purposes.iter();
        let purposes = if route.purposes.is_empty() { all } else { of_route.collect() };
        for purpose in purposes {
            if messages.has_dlt(purpose) || told.contains(purpose) {
                continue;
            }
            told.push(purpose.clone());
            let message = format!(
                "missing; the provider `{provider}` sends SMS of the purpose `{purpose}` to India, whose \
                 networks drop a text without the ids under which it is registered: set entity_id and \
                 template_id, or keep India out of the route"
            );
            cx.mistake(format!("messages.dlt.{purpose}"), message);
        }
    }
}

/// Returns the settings in the form of a file.
pub(super) fn table(settings: &MessageSettings) -> Map<String, Value> {
    let mut table = settings.changed();
    let mut put = |key: &str, value: Map<String, Value>| {
        if !value.is_empty() {
            table.insert(key.to_owned(), value.into());
        }
    };
    let mut variables = Map::new();
    for (name, variable) in &settings.variables {
        variables.insert(name.clone(), variable.changed().into());
    }
    put("variables", variables);
    let mut texts = Map::new();
    for (purpose, localized) in &settings.texts {
        let mut of_purpose = Map::new();
        for (locale, text) in localized {
            of_purpose.insert(locale.as_str().to_owned(), text_table(text).into());
        }
        texts.insert(purpose.as_str().to_owned(), of_purpose.into());
    }
    put("texts", texts);
    let mut templates = Map::new();
    for (purpose, of_purpose) in &settings.templates {
        templates.insert(purpose.as_str().to_owned(), json!(of_purpose));
    }
    put("templates", templates);
    let mut dlt = Map::new();
    for (purpose, ids) in &settings.dlt {
        dlt.insert(purpose.as_str().to_owned(), ids.changed().into());
    }
    put("dlt", dlt);
    table
}

fn text_table(text: &LocalizedText) -> Map<String, Value> {
    let mut table = text.changed();
    if !text.templates.is_empty() {
        table.insert(TEMPLATES.to_owned(), json!(text.templates));
    }
    for (channel, text) in &text.channels {
        table.insert(channel.as_str().to_owned(), text.changed().into());
    }
    table
}
