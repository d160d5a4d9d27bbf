//! `[[routes]]`

use otpmux_core::ProviderId;
use otpmux_core::settings::{Section as _, nearest, read_list};
use otpmux_engine::{Route, Routes};
use serde_json::{Map, Value};

use super::document::Document;
use super::escalate;
use super::providers::{ConfiguredProvider, unserved};
use super::reading::Reading;
use super::sections::names;

/// The key that is a list of names or a table of weights.
pub(crate) const PROVIDERS: &str = "The names of the providers, the preferred one first; or a table \
                                    of their weights from 0 to 10000: each send draws its order with \
                                    these chances, and a provider of weight 0 comes last.";

pub(super) fn read(
    document: &Document,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) -> Option<Routes> {
    let tables = cx.tables("routes", document.root.get("routes"))?;
    // `None` for a wrong route: its recipients are unknown.
    let mut routes: Vec<Option<Route>> = Vec::with_capacity(tables.len());
    for (at, (path, table)) in tables.into_iter().enumerate() {
        let mistakes = cx.errors.len();
        let weighted = document.weighted.get(at).map_or(&[][..], Vec::as_slice);
        let route = route(&path, table, weighted, document, cx);
        let right = cx.errors.len() == mistakes;
        if right {
            channels_are_served(&path, &route, providers, cx);
            escalate::check(&path, &route, cx);
            let covered =
                |earlier: &Option<Route>| earlier.as_ref().is_some_and(|r| covers(r, &route));
            if let Some(earlier) = routes.iter().position(covered) {
                let message = format!("is never reached: routes[{earlier}] fits all of it");
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
    let known: Vec<_> = names(Route::KEYS).chain(["providers", "escalate"]).collect();
    cx.unknown_keys(path, table, &known);
    let mut route = Route::default();
    let mut own = table.clone();
    own.retain(|key, _| {
        !["providers", "escalate"].contains(&key.as_str()) && known.contains(&key.as_str())
    });
    cx.apply(path, &own, &mut route);
    if let Some(steps) = table.get("escalate") {
        route.escalate = escalate::read(path, steps, cx);
    }
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
    let weight = number.filter(|weight| Route::WEIGHT.contains(weight)).ok_or_else(|| {
        format!("must be a whole number from {} to {}", Route::WEIGHT.start(), Route::WEIGHT.end())
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

/// Returns a provider of the file. Its other mistakes are reported elsewhere.
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

fn channels_are_served(
    path: &str,
    route: &Route,
    providers: &[ConfiguredProvider],
    cx: &mut Reading<'_>,
) {
    let of_route: Vec<_> =
        providers.iter().filter(|configured| route.providers.contains(&configured.id)).collect();
    if of_route.len() != route.providers.len() {
        return;
    }
    for (at, message) in unserved(&route.channels, &of_route) {
        let message = format!("none of this route's providers {message}");
        cx.mistake(format!("{path}.channels[{at}]"), message);
    }
}

/// Returns whether `earlier` matches everything that `later` matches.
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
