//! `[[routes]]`

use otpmux_core::settings::nearest;
use otpmux_core::{Channel, ProviderId, Purpose};
use otpmux_engine::{Route, Routes};
use serde_json::{Map, Value};

use super::document::Document;
use super::providers::ConfiguredProvider;
use super::reading::Reading;

/// The keys of a route, with what each does.
pub(crate) const KEYS: [(&str, &str); 5] = [
    ("country", "Countries of the recipient's number, as ISO 3166-1 codes such as IN."),
    ("channel", "Channels, such as sms, voice, email, whatsapp."),
    ("prefix", "Beginnings of the recipient's number, such as +9198."),
    ("purpose", "Purposes, such as login."),
    ("providers", "The names of the providers, the preferred one first."),
];

pub(super) fn read(
    document: &Document,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) -> Option<Routes> {
    let tables = cx.tables("routes", document.root.get("routes"))?;
    let mut routes: Vec<Route> = Vec::with_capacity(tables.len());
    for (path, table) in tables {
        let mistakes = cx.errors.len();
        let route = route(&path, table, document, cx);
        if cx.errors.len() == mistakes {
            channels_are_served(&path, &route, providers, cx);
        }
        if let Some(earlier) = routes.iter().position(|earlier| covers(earlier, &route)) {
            let message = format!("is never reached: routes[{earlier}] takes all of it");
            cx.mistake(path, message);
        }
        routes.push(route);
    }
    Some(Routes::new(routes))
}

fn route(
    path: &str,
    table: &Map<String, Value>,
    document: &Document,
    cx: &mut Reading<'_>,
) -> Route {
    cx.unknown_keys(path, table, &KEYS.map(|(key, _)| key));
    let mut route = Route::default();
    route.countries = list(path, "country", table, cx, |country| {
        let mut alone = Route::to(ProviderId::new("any").ok());
        alone.countries = vec![country.to_owned()];
        alone.mistake().map_or(Ok(country.to_owned()), Err)
    });
    route.prefixes = list(path, "prefix", table, cx, |prefix| {
        let mut alone = Route::to(ProviderId::new("any").ok());
        alone.prefixes = vec![prefix.to_owned()];
        alone.mistake().map_or(Ok(prefix.to_owned()), Err)
    });
    route.channels = list(path, "channel", table, cx, |channel| {
        channel.parse::<Channel>().map_err(|error| error.to_string())
    });
    route.purposes = list(path, "purpose", table, cx, |purpose| {
        Purpose::new(purpose).map_err(|error| error.to_string())
    });
    if table.contains_key("providers") {
        route.providers = list(path, "providers", table, cx, |name| provider(name, document));
    } else {
        cx.mistake(format!("{path}.providers"), "missing; it is required");
    }
    route
}

/// A provider of the file, whether or not it is right otherwise: that is told elsewhere.
fn provider(name: &str, document: &Document) -> Result<ProviderId, String> {
    let known = || document.providers.iter().map(String::as_str);
    if known().any(|known| known == name) {
        return ProviderId::new(name).map_err(|error| error.to_string());
    }
    Err(match nearest(name, known()) {
        Some(near) => format!("no provider is named `{name}`; did you mean `{near}`?"),
        None => format!(
            "no provider is named `{name}`; there are: {}",
            known().collect::<Vec<_>>().join(", ")
        ),
    })
}

/// The texts of a list, each understood by `parse`. An empty list would restrict nothing, which is
/// hardly what its writer meant.
fn list<T: PartialEq>(
    path: &str,
    key: &str,
    table: &Map<String, Value>,
    cx: &mut Reading<'_>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Vec<T> {
    let path = format!("{path}.{key}");
    let texts = match table.get(key) {
        None => return Vec::new(),
        Some(Value::Array(texts)) if !texts.is_empty() => texts,
        Some(_) => {
            cx.mistake(path, "must be a list of texts, with one at least");
            return Vec::new();
        }
    };
    let mut values = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let parsed = match text.as_str() {
            Some(text) => parse(text),
            None => Err("must be text in quotes".to_owned()),
        };
        match parsed {
            Ok(value) if values.contains(&value) => {
                cx.mistake(format!("{path}[{at}]"), "is in this list twice");
            }
            Ok(value) => values.push(value),
            Err(message) => cx.mistake(format!("{path}[{at}]"), message),
        }
    }
    values
}

/// Channels are an open list, so a slip of the pen is a channel too: one that nobody serves.
fn channels_are_served(
    path: &str,
    route: &Route,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) {
    let of_route: Vec<_> = providers
        .iter()
        .filter(|configured| route.providers.contains(configured.provider.id()))
        .collect();
    if of_route.len() != route.providers.len() {
        return;
    }
    let served =
        || of_route.iter().flat_map(|configured| &configured.provider.capabilities().channels);
    for (at, channel) in route.channels.iter().enumerate() {
        if !served().any(|served| served == channel) {
            let mut words: Vec<_> = served().map(Channel::as_str).collect();
            words.sort_unstable();
            words.dedup();
            let words = words.join(", ");
            let message = format!("none of this route's providers sends by it; they do by {words}");
            cx.mistake(format!("{path}.channel[{at}]"), message);
        }
    }
}

/// Whether everything that fits `later` fits `earlier` already.
fn covers(earlier: &Route, later: &Route) -> bool {
    fn wider<T: PartialEq>(earlier: &[T], later: &[T]) -> bool {
        earlier.is_empty()
            || (!later.is_empty() && later.iter().all(|value| earlier.contains(value)))
    }
    wider(&earlier.countries, &later.countries)
        && wider(&earlier.channels, &later.channels)
        && wider(&earlier.prefixes, &later.prefixes)
        && wider(&earlier.purposes, &later.purposes)
}
