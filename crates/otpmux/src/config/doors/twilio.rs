//! `[doors.twilio]`

use std::collections::BTreeMap;

use otpmux_core::Purpose;
use otpmux_core::settings::{Section as _, parses};
use serde_json::{Map, Value};

use super::check_path;
use crate::config::reading::Reading;
use crate::config::sections::Keys;

otpmux_core::settings! {
    /// A door for clients of Twilio Verify v2: the section `[doors.twilio]`.
    #[derive(Clone, Debug)]
    pub struct TwilioDoor {
        /// The path below which the door is: with `/twilio`, clients use the base URL
        /// `https://HOST/twilio`. A reload does not change it.
        pub path: String = "/twilio".to_owned(), text().check(check_path), example "/verify";
        /// The user name of clients, an account SID (`AC` and 32 hex digits) or the SID of an API
        /// key (`SK` ..). Their password is an API key of the gateway. Absent: any user name.
        pub account_sid: Option<String> = None, text().check(check_user),
            example "AC00000000000000000000000000000000";
        /// The service SIDs that clients may use, each with the purpose of its verifications. Other
        /// service SIDs do not exist. Absent: every service SID is accepted.
        pub services: BTreeMap<String, String> = BTreeMap::new(), texts(),
            example { "VA00000000000000000000000000000000": "login" };
        /// The purpose of verifications if `services` is absent. Absent: the default purpose.
        pub purpose: Option<Purpose> = None, text().check(parses::<Purpose>), example "login";
    }
}

pub(super) const KEYS: Keys = <TwilioDoor as otpmux_core::settings::Section>::KEYS;

pub(super) fn read(table: &Map<String, Value>, cx: &mut Reading<'_>) -> TwilioDoor {
    let mut door = TwilioDoor::default();
    cx.apply("doors.twilio", table, &mut door);
    for (service, purpose) in &door.services {
        let path = format!("doors.twilio.services.{service}");
        if !is_sid(service, "VA") {
            cx.mistake(&path, "the key must be a service SID: VA and 32 hex digits");
        }
        if let Err(error) = purpose.parse::<Purpose>() {
            cx.mistake(&path, error.to_string());
        }
    }
    if !door.services.is_empty() && door.purpose.is_some() {
        let message = "has no effect beside `services`, which gives each service its purpose; \
                       remove one of the two";
        cx.mistake("doors.twilio.purpose", message);
    }
    door
}

pub(super) fn table(door: &TwilioDoor) -> Map<String, Value> {
    door.changed()
}

fn check_user(text: &str) -> Result<(), String> {
    if is_sid(text, "AC") || is_sid(text, "SK") {
        Ok(())
    } else {
        Err("must be AC or SK and 32 hex digits".to_owned())
    }
}

fn is_sid(text: &str, kind: &str) -> bool {
    let digits = text.strip_prefix(kind);
    digits.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
