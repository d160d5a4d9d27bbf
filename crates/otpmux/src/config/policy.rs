//! `[policy]`

use std::time::Duration;

use otpmux_core::settings::{Setting, Settings};
use otpmux_engine::{Policy, PolicyError};
use serde_json::{Map, Value};

use super::reading::Reading;

const SECOND: Duration = Duration::from_secs(1);

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::integer(
        "code_length",
        4..=10,
        "Digits of a code. Default 6; fewer need allow_short_codes.",
    ),
    Setting::flag(
        "allow_short_codes",
        "Allow codes of four and five digits, which can be guessed. Default false.",
    ),
    Setting::duration(
        "lifetime",
        Policy::MIN_LIFETIME..=Policy::MAX_LIFETIME,
        "How long a code is good for, from the first send on. Default 5m.",
    ),
    Setting::integer("attempts", 1..=10, "Wrong codes before a verification is locked. Default 5."),
    Setting::integer(
        "duplicates",
        0..=3,
        "Messages that may go out beyond the one needed, when it is unknown whether that one did. \
         Default 1.",
    ),
    Setting::duration(
        "deadline",
        SECOND..=Duration::from_mins(2),
        "How long a whole send may take, over all providers. Default 20s.",
    ),
    Setting::duration(
        "resend_delay",
        Duration::ZERO..=Policy::MAX_LIFETIME,
        "How long a user must wait before a resend. Default 30s.",
    ),
    Setting::integer("resends", 0..=10, "Resends of one verification. Default 4."),
];

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Policy {
    let table = cx.table(root, "policy");
    let settings = table.and_then(|table| cx.settings("policy", &[SETTINGS], table));
    let Some(settings) = settings else {
        return Policy::default();
    };
    let policy = fill(&settings);
    if policy.code_length < 6 && !policy.allow_short_codes {
        cx.mistake("policy.code_length", PolicyError::CodeLength.to_string());
    }
    policy
}

fn fill(settings: &Settings) -> Policy {
    let mut policy = Policy::default();
    // Each number is within its setting's range, which its field holds.
    let set = |key, field: &mut u32| {
        if let Some(Ok(number)) = settings.integer(key).map(TryInto::try_into) {
            *field = number;
        }
    };
    set("attempts", &mut policy.attempts);
    set("duplicates", &mut policy.duplicates);
    set("resends", &mut policy.resends);
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
    set("lifetime", &mut policy.lifetime);
    set("deadline", &mut policy.deadline);
    set("resend_delay", &mut policy.resend_delay);
    policy
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::{SettingKind, SettingsReader};
    use serde_json::json;

    use super::*;

    /// The names of the fields, which `Debug` shows.
    fn fields() -> Vec<String> {
        let shown = format!("{:#?}", Policy::default());
        let field = |line: &str| Some(line.trim().split_once(':')?.0.to_owned());
        shown.lines().filter_map(field).collect()
    }

    #[test]
    fn every_field_has_a_key() {
        let keys: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(fields(), keys);
    }

    #[test]
    fn every_key_reaches_its_field() {
        for setting in SETTINGS {
            // A value that is within the range and not the default.
            let value = match &setting.kind {
                SettingKind::Flag => json!(true),
                SettingKind::Integer(range) => json!(range.end()),
                SettingKind::Duration(range) => json!(format!("{}ms", range.end().as_millis())),
                other => panic!("{other:?} has no value here"),
            };
            let table = json!({ setting.name: value });
            let reader = SettingsReader::new(&|_| Err(String::new()));
            let table = table.as_object().unwrap();
            let settings = reader.read("policy", &[SETTINGS], table).unwrap();
            let (changed, default) = (fill(&settings), Policy::default());
            let line = |policy: &Policy| {
                let shown = format!("{policy:#?}");
                let wanted = format!("{}: ", setting.name);
                shown.lines().find(|line| line.trim().starts_with(&wanted)).map(str::to_owned)
            };
            assert_ne!(line(&changed), line(&default), "{}", setting.name);
        }
    }
}
