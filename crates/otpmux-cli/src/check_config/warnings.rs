use otpmux::admin::LimitScope;
use otpmux::config::settings::limit_text;
use otpmux::{Config, CountryCode, MessageLimits, RateLimit};

pub(crate) const NO_GLOBAL_LIMIT: &str = "no limit `global` under [limits], so nothing bounds what \
    all messages together may cost; set it to what a good day needs, twice, such as global = \
    [\"2000/1d\"]";

/// Warns of values that are valid and probably not intended.
pub(super) fn of(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Err(open) = config.check_countries() {
        warnings.extend(open.iter().map(|error| {
            format!("{}: {}; `otpmux serve` refuses this", error.path(), error.message())
        }));
    }
    if config.server().is_some() && config.policy().limits.global.is_empty() {
        warnings.push(NO_GLOBAL_LIMIT.to_owned());
    }
    warnings.extend(shared_codes(config.policy().countries.as_deref().unwrap_or_default()));
    if config.policy().hedge_after.is_some() && config.policy().max_duplicates == 0 {
        warnings.push(
            "hedge_after does nothing while max_duplicates = 0: a second message may be one"
                .to_owned(),
        );
    }
    warnings.extend(config.hints());
    warnings.extend(without_effect(&config.policy().limits));
    if let Some(server) = config.server()
        && server.tls().is_none()
        && !server.listen.ip().is_loopback()
    {
        warnings.push(format!(
            "the gateway listens on {} in plain HTTP: codes and API keys can be read on the way. \
             Set tls_certificate and tls_private_key, or keep it behind a proxy that speaks TLS",
            server.listen
        ));
    }
    warnings
}

/// Calling codes of countries that users do not confuse: North America, Russia and Kazakhstan.
const CODES_OF_MANY: [u16; 2] = [1, 7];

/// Warns of countries that are served without the territories that share their calling code.
fn shared_codes(served: &[String]) -> impl Iterator<Item = String> {
    let countries: Vec<CountryCode> = served.iter().filter_map(|name| name.parse().ok()).collect();
    let families = served.iter().filter_map(|name| name.strip_suffix('+')?.parse().ok());
    let families: Vec<_> = families.map(CountryCode::calling_code).collect();
    let mains = countries
        .clone()
        .into_iter()
        .filter(move |country| country.is_main() && !families.contains(&country.calling_code()))
        .filter(|country| !CODES_OF_MANY.contains(&country.calling_code()));
    mains.filter_map(move |country| {
        let others = country.sharing_its_code().filter(|it| !countries.contains(it));
        let others: Vec<_> = others.map(CountryCode::as_str).collect();
        (!others.is_empty()).then(|| {
            let code = country.calling_code();
            format!(
                "`countries` has {country} and not {}, whose numbers begin with +{code} too and get \
                 no messages: write \"{country}+\" to serve all of +{code}",
                others.join(", ")
            )
        })
    })
}

/// Warns of limits without effect, because another one is always reached first.
fn without_effect(limits: &MessageLimits) -> Vec<String> {
    let mut warnings = Vec::new();
    for (scope, windows) in limits.by_scope() {
        // Every message counts in `global` too, and every guess in `guesses_total`.
        let (wider, over_all) = match scope {
            LimitScope::Global | LimitScope::GuessesTotal => (scope, &[][..]),
            LimitScope::Guesses => (LimitScope::GuessesTotal, &limits.guesses_total[..]),
            _ => (LimitScope::Global, &limits.global[..]),
        };
        let others = windows.iter().map(|other| (scope, other));
        let others: Vec<_> = others.chain(over_all.iter().map(|other| (wider, other))).collect();
        for window in windows {
            let first = others.iter().find(|(_, other)| is_reached_first(other, window));
            if let Some((by, other)) = first {
                let (text, other) = (limit_text(window), limit_text(other));
                let (scope, by) = (scope.as_str(), by.as_str());
                warnings.push(format!(
                    "the limit {text} of `{scope}` never refuses anything: {other} of `{by}` is \
                     reached first"
                ));
            }
        }
    }
    warnings
}

/// Returns whether `other` is full whenever `window` is full.
fn is_reached_first(other: &RateLimit, window: &RateLimit) -> bool {
    other != window && other.count <= window.count && other.per >= window.per
}
