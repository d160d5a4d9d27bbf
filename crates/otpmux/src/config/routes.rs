//! `[[routes]]`

use std::ops::RangeInclusive;

use otpmux_core::settings::{nearest, read_list};
use otpmux_core::{Channel, ProviderId, Purpose};
use otpmux_engine::{Route, Routes};
use serde_json::{Map, Value};

use super::countries;
use super::document::Document;
use super::providers::{ConfiguredProvider, unserved};
use super::reading::Reading;

/// The keys of a route, with what each does.
pub(crate) const KEYS: [(&str, &str); 5] = [
    ("country", "Countries of the recipient's number, as ISO 3166-1 codes such as IN."),
    ("channel", "Channels, such as sms, voice, email, whatsapp."),
    ("prefix", "Beginnings of the recipient's number, such as +9198."),
    ("purpose", "Purposes, such as login."),
    ("providers", PROVIDERS),
];

const PROVIDERS: &str = "The names of the providers, the preferred one first; or a table of their \
                         weights, by which each send draws its order.";

/// What a weight may be.
pub(crate) const WEIGHT: RangeInclusive<u32> = 0..=10_000;

pub(super) fn read(
    document: &Document,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) -> Option<Routes> {
    let tables = cx.tables("routes", document.root.get("routes"))?;
    // `None` for one that is wrong: what it would take is not known.
    let mut routes: Vec<Option<Route>> = Vec::with_capacity(tables.len());
    for (at, (path, table)) in tables.into_iter().enumerate() {
        let mistakes = cx.errors.len();
        let weighted = document.weighted.get(at).map_or(&[][..], Vec::as_slice);
        let route = route(&path, table, weighted, document, cx);
        let right = cx.errors.len() == mistakes;
        if right {
            channels_are_served(&path, &route, providers, cx);
            let covered =
                |earlier: &Option<Route>| earlier.as_ref().is_some_and(|r| covers(r, &route));
            if let Some(earlier) = routes.iter().position(covered) {
                let message = format!("is never reached: routes[{earlier}] takes all of it");
                cx.mistake(path, message);
            }
        }
        routes.push(right.then_some(route));
    }
    Some(Routes::new(routes.into_iter().flatten()))
}

/// `weighted` has the keys of its table of weights in their order.
fn route(
    path: &str,
    table: &Map<String, Value>,
    weighted: &[String],
    document: &Document,
    cx: &mut Reading<'_>,
) -> Route {
    cx.unknown_keys(path, table, &KEYS.map(|(key, _)| key));
    let mut route = Route::default();
    route.countries = list(path, "country", table, cx, countries::country);
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
    let path = format!("{path}.providers");
    match table.get("providers") {
        None => cx.mistake(path, "missing; it is required"),
        Some(Value::Array(names)) if !names.is_empty() => {
            let read = read_list(&path, names, |name| provider(name, document));
            route.providers = cx.or_told(read).unwrap_or_default();
        }
        Some(Value::Object(weights)) if !weights.is_empty() => {
            for name in weighted {
                if let Some(weight) = weights.get(name) {
                    one_weighted(&path, name, weight, &mut route, document, cx);
                }
            }
            if route.weights.len() == weights.len() && route.weights.iter().all(|w| *w == 0) {
                cx.mistake(path, "one weight at least must be more than 0");
            }
        }
        Some(_) => {
            let message = "must be a list of names such as [\"a\", \"b\"], or a table of their \
                           weights such as { a = 70, b = 30 }, with one at least";
            cx.mistake(path, message);
        }
    }
    route
}

fn one_weighted(
    path: &str,
    name: &str,
    weight: &Value,
    route: &mut Route,
    document: &Document,
    cx: &mut Reading<'_>,
) {
    let number = weight.as_u64().and_then(|weight| weight.try_into().ok());
    let weight = number.filter(|weight| WEIGHT.contains(weight)).ok_or_else(|| {
        format!("must be a whole number from {} to {}", WEIGHT.start(), WEIGHT.end())
    });
    let provider = provider(name, document);
    for message in [provider.as_ref().err(), weight.as_ref().err()].into_iter().flatten() {
        cx.mistake(format!("{path}.{name}"), message);
    }
    if let (Ok(provider), Ok(weight)) = (provider, weight) {
        route.providers.push(provider);
        route.weights.push(weight);
    }
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
    match table.get(key) {
        None => Vec::new(),
        Some(Value::Array(texts)) if !texts.is_empty() => {
            cx.or_told(read_list(&path, texts, parse)).unwrap_or_default()
        }
        Some(_) => {
            cx.mistake(path, "must be a list of texts, with one at least");
            Vec::new()
        }
    }
}

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
    for (at, message) in unserved(&route.channels, &of_route) {
        let message = format!("none of this route's providers {message}");
        cx.mistake(format!("{path}.channel[{at}]"), message);
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
