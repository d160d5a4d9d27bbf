//! `[limits]`

use otpmux_core::RateLimit;
use otpmux_core::settings::{Setting, Settings};
use otpmux_engine::{MessageLimits, Policy, Resilience};
use serde_json::{Map, Value};

use super::reading::Reading;

pub(crate) const SETTINGS: &[Setting] = &[
    setting(
        "recipient",
        "Messages to one recipient, however it is spelt. Default [\"2/1m\", \"15/1h\", \"50/1d\"].",
    ),
    setting(
        "ip",
        "Messages asked for from one address, where it is told. Default [\"20/1m\", \"200/1h\"].",
    ),
    setting("purpose", "Messages for one purpose. Default []."),
    setting(
        "number_range",
        "Messages to numbers that differ in their last four digits only. Default [\"50/10m\"].",
    ),
    setting(
        "domain",
        "Messages to addresses of one mail domain, its subdomains included; leave room for the \
         largest host of your users. Default [].",
    ),
    setting("global", "All messages. Default []."),
    setting(
        "guesses",
        "Codes that may be tried for one recipient from one client address (without one: from all \
         unknown ones together), over all its verifications, until one is right. Default \
         [\"10/1h\", \"30/1d\"].",
    ),
    setting(
        "guesses_total",
        "Codes that may be tried for one recipient from all addresses together. Default \
         [\"30/1h\", \"100/1d\"].",
    ),
];

const fn setting(name: &'static str, doc: &'static str) -> Setting {
    let most = Resilience::REQUEST_LIMITS;
    Setting::limits(name, Policy::LIMIT_COUNT, Policy::LIMIT_PER, most, doc)
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> MessageLimits {
    let settings = cx.section(root, "limits", SETTINGS);
    settings.map(|settings| fill(&settings)).unwrap_or_default()
}

fn fill(settings: &Settings) -> MessageLimits {
    let mut limits = MessageLimits::default();
    let set = |key, field: &mut Vec<RateLimit>| {
        if let Some(limits) = settings.limits(key) {
            *field = limits.to_vec();
        }
    };
    set("recipient", &mut limits.recipient);
    set("ip", &mut limits.ip);
    set("purpose", &mut limits.purpose);
    set("number_range", &mut limits.number_range);
    set("domain", &mut limits.domain);
    set("global", &mut limits.global);
    set("guesses", &mut limits.guesses);
    set("guesses_total", &mut limits.guesses_total);
    limits
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::limit_text;
    use serde_json::json;

    use super::*;
    use crate::config::testing::{changed, example, fields, reading};

    fn read_of(table: Map<String, Value>) -> MessageLimits {
        let root = Map::from_iter([("limits".to_owned(), table.into())]);
        let (limits, mistakes) = reading(|cx| read(&root, cx));
        assert!(mistakes.is_empty(), "{mistakes:?}");
        limits
    }

    #[test]
    fn every_field_has_a_key_and_every_key_reaches_its_field() {
        let default = format!("{:#?}", MessageLimits::default());
        let names: Vec<_> = fields(&default).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, SETTINGS.iter().map(|setting| setting.name).collect::<Vec<_>>());
        for setting in SETTINGS {
            let limits = read_of(example(setting.name, &setting.kind));
            assert_eq!(changed(&format!("{limits:#?}"), &default), [setting.name]);
        }
    }

    #[test]
    fn an_empty_list_switches_a_limit_off() {
        for setting in SETTINGS {
            let limits = read_of(Map::from_iter([(setting.name.to_owned(), json!([]))]));
            let shown = format!("{limits:#?}");
            let field = fields(&shown).into_iter().find(|(name, _)| name == setting.name);
            assert_eq!(field.unwrap().1, "[],");
        }
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let default = MessageLimits::default();
        let lists = [
            &default.recipient,
            &default.ip,
            &default.purpose,
            &default.number_range,
            &default.domain,
            &default.global,
            &default.guesses,
            &default.guesses_total,
        ];
        for (setting, limits) in SETTINGS.iter().zip(lists) {
            let texts: Vec<_> = limits.iter().map(limit_text).collect();
            assert!(setting.doc.ends_with(&format!("Default {texts:?}.")), "{}", setting.name);
        }
    }
}
