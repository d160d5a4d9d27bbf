//! `[policy]`

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::settings::{Setting, Settings, duration_text, parse_duration};
use otpmux_core::{Channel, Code, NumberKind};
use otpmux_engine::{Policy, PolicyError, ResendBy};
use serde_json::{Map, Value};

use super::countries::{country, default_country};
use super::reading::Reading;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::integer(
        "code_length",
        Code::MIN_LENGTH as i64..=Code::MAX_LENGTH as i64,
        "Digits of a code. Default 6; fewer need allow_short_codes.",
    ),
    Setting::flag(
        "allow_short_codes",
        "Allow codes of four and five digits, which can be guessed. Default false.",
    ),
    Setting::duration(
        "ttl",
        Policy::MIN_TTL..=Policy::MAX_TTL,
        "How long a code is good for, from the first send on. Default 5m.",
    ),
    Setting::texts(
        "ttls",
        "The same by channel, such as { email = \"10m\" }; from 30s to 10m. Default none.",
    ),
    Setting::count(
        "max_guesses",
        Policy::MAX_GUESSES,
        "Wrong codes before a verification is locked. Default 5.",
    ),
    Setting::count(
        "max_duplicates",
        Policy::MAX_DUPLICATES,
        "Messages that may go out beyond the one needed, when it is unknown whether that one did. \
         Default 1.",
    ),
    Setting::duration(
        "deadline",
        Policy::DEADLINE,
        "How long a whole send may take, over all providers. Default 20s.",
    ),
    Setting::duration(
        "hedge_after",
        Policy::HEDGE_AFTER,
        "When a provider has not answered for so long, the next one is asked beside it, with the \
         same code; it counts as a duplicate. Default never.",
    ),
    Setting::duration(
        "resend_delay",
        Policy::RESEND_DELAY,
        "How long a user must wait before the first resend; the wait doubles with each. Default \
         30s.",
    ),
    Setting::duration(
        "resend_delay_max",
        Policy::RESEND_DELAY,
        "What that wait grows to. Default 10m.",
    ),
    Setting::count(
        "max_resends",
        Policy::MAX_RESENDS,
        "MaxResends of one verification. Default 4.",
    ),
    Setting::choice(
        "resend_by",
        &["same", "next", "next_channel"],
        "By whom a message is sent again: the provider that has sent it, the next one, or one of \
         the next channel. Default next.",
    ),
    Setting::list(
        "channels",
        "The order in which resend_by = \"next_channel\" goes through channels. Default sms, \
         whatsapp, voice.",
    ),
    Setting::list_or(
        "countries",
        "any",
        "The countries whose numbers get messages, as ISO 3166-1 codes such as IN (GB+ is GB with \
         all that share its calling code), or \"any\": every one that a route takes, which invites \
         fraud. Default any; the gateway wants it said.",
    ),
    Setting::text(
        "default_country",
        "The country, such as IN, in whose national form numbers may be given over HTTP and to the \
         command. Default none: numbers need their calling code.",
    ),
    Setting::list(
        "refuse_numbers",
        "The kinds of numbers that get no messages: ordinary, voip, toll_free, premium, \
         shared_cost, personal, pager, uan, voicemail, world (of no country), unassigned. Default \
         premium, shared_cost, personal, pager, uan, voicemail, toll_free, world.",
    ),
    Setting::list(
        "allow_prefixes",
        "Beginnings of numbers, such as +4490, that get messages whatever their kind and country. \
         Default none.",
    ),
];

/// `None` if it has mistakes.
pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<Policy> {
    if !root.contains_key("policy") {
        return Some(Policy::default());
    }
    let mistakes = cx.errors.len();
    let table = cx.table(root, "policy")?;
    let settings = cx.right_of("policy", SETTINGS, table);
    let policy = fill(&settings, cx);
    if policy.code_length < 6 && !policy.allow_short_codes {
        cx.mistake("policy.code_length", PolicyError::CodeLength.to_string());
    }
    if policy.resend_delay_max < policy.resend_delay {
        let delay = duration_text(policy.resend_delay);
        let message = format!("must be at least resend_delay, which is {delay}");
        cx.mistake("policy.resend_delay_max", message);
    }
    (cx.errors.len() == mistakes).then_some(policy)
}

fn fill(settings: &Settings, cx: &mut Reading<'_>) -> Policy {
    let mut policy = Policy::default();
    // Each number is within its setting's range, which its field holds.
    let set = |key, field: &mut u32| {
        if let Some(Ok(number)) = settings.integer(key).map(TryInto::try_into) {
            *field = number;
        }
    };
    set("max_guesses", &mut policy.max_guesses);
    set("max_duplicates", &mut policy.max_duplicates);
    set("max_resends", &mut policy.max_resends);
    if let Some(Ok(length)) = settings.integer("code_length").map(TryInto::try_into) {
        policy.code_length = length;
    }
    if let Some(flag) = settings.flag("allow_short_codes") {
        policy.allow_short_codes = flag;
    }
    let set = |key, field: &mut Duration| {
        if let Some(time) = settings.duration(key) {
            *field = time;
        }
    };
    set("ttl", &mut policy.ttl);
    policy.ttls = ttls(settings, cx);
    set("deadline", &mut policy.deadline);
    set("resend_delay", &mut policy.resend_delay);
    set("resend_delay_max", &mut policy.resend_delay_max);
    policy.hedge_after = settings.duration("hedge_after");
    match settings.text("resend_by") {
        Some("same") => policy.resend_by = ResendBy::Same,
        Some("next_channel") => policy.resend_by = ResendBy::NextChannel,
        _ => {}
    }
    let channel = |text: &str| text.parse::<Channel>().map_err(|error| error.to_string());
    if let Some(channels) = list(settings, "channels", cx, channel) {
        policy.channels = channels;
    }
    policy.countries = list(settings, "countries", cx, country);
    if let Some(text) = settings.text("default_country") {
        match default_country(text) {
            Ok(country) => policy.default_country = Some(country),
            Err(message) => cx.mistake("policy.default_country", message),
        }
    }
    let kind = |text: &str| text.parse::<NumberKind>().map_err(|error| error.to_string());
    if let Some(kinds) = list(settings, "refuse_numbers", cx, kind) {
        policy.refuse_numbers = kinds;
    }
    if let Some(prefixes) = list(settings, "allow_prefixes", cx, prefix) {
        policy.allow_prefixes = prefixes;
    }
    policy
}

/// A beginning of numbers, or what is wrong with it.
fn prefix(text: &str) -> Result<String, String> {
    let mut policy = Policy::default();
    policy.allow_prefixes = vec![text.to_owned()];
    policy.check().map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn ttls(settings: &Settings, cx: &mut Reading<'_>) -> BTreeMap<Channel, Duration> {
    let range = Policy::MIN_TTL..=Policy::MAX_TTL;
    let mut ttls = BTreeMap::new();
    for (channel, text) in settings.texts("ttls").into_iter().flatten() {
        let path = format!("policy.ttls.{channel}");
        match (channel.parse::<Channel>(), parse_duration(text)) {
            (Ok(channel), Some(ttl)) if range.contains(&ttl) => {
                ttls.insert(channel, ttl);
            }
            (Ok(_), _) => cx.mistake(path, "must be a time from 30s to 10m, such as \"10m\""),
            (Err(error), _) => cx.mistake(path, error.to_string()),
        }
    }
    ttls
}

/// The texts of a list, each understood by `parse`.
fn list<T>(
    settings: &Settings,
    key: &str,
    cx: &mut Reading<'_>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    let mut values = Vec::new();
    for (at, text) in settings.list(key)?.iter().enumerate() {
        match parse(text) {
            Ok(value) => values.push(value),
            Err(message) => cx.mistake(format!("policy.{key}[{at}]"), message),
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::{changed, example, fields, reading};

    /// A section of its own, whose keys are those of its fields.
    const LIMITS: &str = "limits_";

    #[test]
    fn every_field_has_a_key() {
        let names = fields(&format!("{:#?}", Policy::default())).into_iter().map(|(name, _)| name);
        let names = names.filter(|name| !name.starts_with(LIMITS));
        assert!(names.eq(SETTINGS.iter().map(|setting| setting.name)));
    }

    #[test]
    fn every_key_reaches_its_field() {
        let default = Policy::default();
        for setting in SETTINGS {
            let table = example(setting.name, &setting.kind);
            let (policy, mistakes) = reading(|cx| {
                let settings = cx.section_at("policy", SETTINGS, &table).unwrap();
                fill(&settings, cx)
            });
            assert!(mistakes.is_empty(), "{mistakes:?}");
            let (one, other) = (format!("{policy:#?}"), format!("{default:#?}"));
            assert_eq!(changed(&one, &other), [setting.name]);
        }
    }

    #[test]
    fn every_word_for_a_resend_is_known() {
        let words = SETTINGS.iter().find_map(|setting| match &setting.kind {
            otpmux_core::settings::SettingKind::Choice(words) => Some(*words),
            _ => None,
        });
        let read = |word: &&str| {
            let section = serde_json::json!({ "policy": { "resend_by": word } });
            let (policy, _) = reading(|cx| read(section.as_object().unwrap(), cx));
            policy.unwrap().resend_by
        };
        let read: Vec<_> = words.unwrap().iter().map(read).collect();
        assert_eq!(read, [ResendBy::Same, ResendBy::Next, ResendBy::NextChannel]);
    }
}
