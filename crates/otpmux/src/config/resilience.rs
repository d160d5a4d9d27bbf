//! `[resilience]` for every provider, `[providers.NAME.resilience]` for one.

use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::settings::{Setting, Settings, duration_text, limit_text};
use otpmux_engine::{BreakerSettings, Resilience, RetryBudget};
use serde_json::{Map, Value, json};

use super::document::Document;
use super::providers::ConfiguredProvider;
use super::reading::Reading;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::count(
        "retries",
        Resilience::RETRIES,
        "Further tries of one send at this provider, where nothing was sent. Default 2.",
    ),
    Setting::duration(
        "retry_pause",
        Resilience::RETRY_PAUSE,
        "The pause before the first further try, where the vendor does not say; it doubles with \
         each. Default 250ms.",
    ),
    Setting::count(
        "retry_budget_percent",
        RetryBudget::PERCENT,
        "Further tries per hundred sends, over all of them. Default 20.",
    ),
    Setting::count(
        "retry_budget_per_second",
        RetryBudget::PER_SECOND,
        "Further tries per second, however few sends there are. Default 2.",
    ),
    Setting::count(
        "breaker_failures",
        BreakerSettings::FAILURES,
        "Failures one after another after which the provider is left alone. Default 5.",
    ),
    Setting::count(
        "breaker_success_percent",
        BreakerSettings::SUCCESS_PERCENT,
        "Below this success rate it is left alone as well; 0 is never. Default 50.",
    ),
    Setting::count(
        "breaker_min_calls",
        BreakerSettings::MIN_CALLS,
        "Calls before the success rate counts. Default 20.",
    ),
    Setting::duration(
        "breaker_window",
        BreakerSettings::WINDOW,
        "How far back the success rate looks. Default 1m.",
    ),
    Setting::duration(
        "breaker_pause",
        BreakerSettings::PAUSE,
        "How long it is left alone at first; doubles with every probe that fails. Default 5s.",
    ),
    Setting::duration(
        "breaker_account_pause",
        BreakerSettings::LONG_PAUSE,
        "The same when the account is the trouble: credentials, permission, money. Default 1m.",
    ),
    Setting::duration(
        "breaker_longest_pause",
        BreakerSettings::LONG_PAUSE,
        "The longest pause, also when the vendor asks for a longer one. Default 5m.",
    ),
    Setting::limits(
        "requests",
        Resilience::REQUEST_COUNT,
        Resilience::REQUEST_TIME,
        Resilience::REQUEST_LIMITS,
        "Requests to the provider. Default: what its vendor documents; [] is no limit.",
    ),
    Setting::integer(
        "concurrency",
        CONCURRENCY,
        "Calls that may be under way at once. Default: no bound.",
    ),
];

#[expect(clippy::cast_possible_wrap, reason = "far below 2^63, and `From` is not for constants")]
const CONCURRENCY: RangeInclusive<i64> =
    *Resilience::CONCURRENCY.start() as i64..=*Resilience::CONCURRENCY.end() as i64;

/// Reads what holds for every provider, then what holds for one, and gives each its own.
pub(super) fn read(
    document: &Document,
    providers: &mut [ConfiguredProvider],
    cx: &mut Reading<'_>,
) {
    let mistakes = cx.errors.len();
    let mut common = Resilience::default();
    if let Some(table) = cx.table(&document.root, "resilience") {
        apply("resilience", table, &mut common, cx);
    }
    let common_is_right = cx.errors.len() == mistakes;
    for (name, table) in document.provider_tables() {
        let mut resilience = common.clone();
        let path = format!("providers.{name}.resilience");
        match table.get("resilience") {
            None => {}
            // A pause that does not fit to one that is wrong itself is no mistake of its own.
            Some(Value::Object(table)) if common_is_right => {
                apply(&path, table, &mut resilience, cx);
            }
            Some(Value::Object(table)) => drop(cx.section_at(&path, SETTINGS, table)),
            Some(_) => {
                let message = format!("must be a table; begin it with [{path}]");
                cx.mistake(path, message);
            }
        }
        if let Some(own) = providers.iter_mut().find(|own| own.provider.id().as_str() == name) {
            own.resilience = resilience;
        }
    }
}

fn apply(
    path: &str,
    table: &Map<String, Value>,
    resilience: &mut Resilience,
    cx: &mut Reading<'_>,
) {
    let Some(settings) = cx.section_at(path, SETTINGS, table) else {
        return;
    };
    fill(&settings, resilience);
    let pauses = [
        ("breaker_pause", resilience.breaker.pause),
        ("breaker_account_pause", resilience.breaker.account_pause),
        ("breaker_longest_pause", resilience.breaker.longest_pause),
    ];
    for pair in pauses.windows(2) {
        let [(shorter, least), (longer, pause)] = [pair[0], pair[1]];
        if pause >= least {
            continue;
        }
        // At the key that was written here; the other one may be a default.
        if table.contains_key(longer) {
            let message = format!("must be at least {shorter}, which is {}", duration_text(least));
            cx.mistake(format!("{path}.{longer}"), message);
        } else {
            let message = format!(
                "must be at most {longer}, which is {}; set that too",
                duration_text(pause)
            );
            cx.mistake(format!("{path}.{shorter}"), message);
        }
    }
}

fn fill(settings: &Settings, resilience: &mut Resilience) {
    let (budget, breaker) = (&mut resilience.retry_budget, &mut resilience.breaker);
    // Each number is within its setting's range, which its field holds.
    let set = |key, field: &mut u32| {
        if let Some(Ok(number)) = settings.integer(key).map(TryInto::try_into) {
            *field = number;
        }
    };
    set("retries", &mut resilience.retries);
    set("retry_budget_percent", &mut budget.percent);
    set("retry_budget_per_second", &mut budget.per_second);
    set("breaker_failures", &mut breaker.failures);
    set("breaker_success_percent", &mut breaker.success_percent);
    set("breaker_min_calls", &mut breaker.min_calls);
    let set = |key, field: &mut Duration| {
        if let Some(time) = settings.duration(key) {
            *field = time;
        }
    };
    set("retry_pause", &mut resilience.retry_pause);
    set("breaker_window", &mut breaker.window);
    set("breaker_pause", &mut breaker.pause);
    set("breaker_account_pause", &mut breaker.account_pause);
    set("breaker_longest_pause", &mut breaker.longest_pause);
    if let Some(limits) = settings.limits("requests") {
        resilience.requests = Some(limits.to_vec());
    }
    if let Some(Ok(bound)) = settings.integer("concurrency").map(TryInto::try_into) {
        resilience.concurrency = Some(bound);
    }
}

/// The keys whose values are not the defaults, with those values as a file has them.
pub(super) fn changed(resilience: &Resilience) -> Vec<(&'static str, Value)> {
    let pairs = values(resilience).into_iter().zip(values(&Resilience::default()));
    pairs.filter(|(own, default)| own != default).map(|(own, _)| own).collect()
}

fn values(resilience: &Resilience) -> [(&'static str, Value); 13] {
    let Resilience {
        retries,
        retry_pause,
        retry_budget: budget,
        breaker,
        requests,
        concurrency,
        ..
    } = resilience;
    let requests = requests.as_ref().map(|all| all.iter().map(limit_text).collect::<Vec<_>>());
    [
        ("retries", json!(retries)),
        ("retry_pause", json!(duration_text(*retry_pause))),
        ("retry_budget_percent", json!(budget.percent)),
        ("retry_budget_per_second", json!(budget.per_second)),
        ("breaker_failures", json!(breaker.failures)),
        ("breaker_success_percent", json!(breaker.success_percent)),
        ("breaker_min_calls", json!(breaker.min_calls)),
        ("breaker_window", json!(duration_text(breaker.window))),
        ("breaker_pause", json!(duration_text(breaker.pause))),
        ("breaker_account_pause", json!(duration_text(breaker.account_pause))),
        ("breaker_longest_pause", json!(duration_text(breaker.longest_pause))),
        ("requests", json!(requests)),
        ("concurrency", json!(concurrency)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{self, example, fields, reading};

    #[test]
    fn every_field_has_a_key() {
        let names =
            fields(&format!("{:#?}", Resilience::default())).into_iter().map(|(name, _)| name);
        assert!(names.eq(SETTINGS.iter().map(|setting| setting.name)));
        let told = values(&Resilience::default()).map(|(name, _)| name);
        assert!(told.into_iter().eq(SETTINGS.iter().map(|setting| setting.name)));
    }

    #[test]
    fn every_key_reaches_its_field() {
        let default = Resilience::default();
        for setting in SETTINGS {
            let table = example(setting.name, &setting.kind);
            let (settings, mistakes) = reading(|cx| cx.section_at("resilience", SETTINGS, &table));
            assert!(mistakes.is_empty(), "{mistakes:?}");
            let mut resilience = default.clone();
            fill(&settings.unwrap(), &mut resilience);
            let (one, other) = (format!("{resilience:#?}"), format!("{default:#?}"));
            assert_eq!(testing::changed(&one, &other), [setting.name]);
            let told: Vec<_> = changed(&resilience).into_iter().map(|(name, _)| name).collect();
            assert_eq!(told, [setting.name]);
        }
    }
}
