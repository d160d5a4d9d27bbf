use std::time::Duration;

use otpmux_core::settings::parses;
use otpmux_core::{Purpose, RateLimit, Secret};
use otpmux_engine::NewDelivery;

use super::kinds::{CheckForm, HookKind};
use crate::config::doors::check_path;

otpmux_core::settings! {
    /// A hook as a file has it.
    #[derive(Clone, Debug)]
    pub(crate) struct HookSettings {
        /// The name, for the path, for limits and for logs. Deliveries and their limits belong to
        /// this name as they belong to the name of an API key.
        pub name: Option<String> = None, text().required().check(check_name), example "supabase";
        /// The software that calls: it decides where the values of a request are, how a request is
        /// checked, and the form of answers. `hook` is any other software.
        pub kind: Option<HookKind> = None, choice(HookKind::WORDS).required(),
            example "supabase_sms";
        /// The path at the gateway. Absent: `/hooks/NAME`. A reload does not change it.
        pub path: Option<String> = None, text().check(check_path), example "/supabase/sms";
        /// The purpose of the deliveries. Absent: the default purpose.
        pub purpose: Option<Purpose> = None, text().check(parses::<Purpose>), example "login";
        /// The secret that the caller presents, or that it signs with.
        pub secret: Option<Secret> = None, secret().required(), example "env:HOOK_SECRET";
        /// A secret that is accepted as well, until the caller has the new one. Absent: none.
        pub old_secret: Option<Secret> = None, secret(), example "env:OLD_HOOK_SECRET";
        /// How a request proves that it comes from the caller: the secret as a `bearer` token, as
        /// the password of `basic`, or as it is in a `header`; a signature of the body in
        /// hexadecimal digits (`hmac_hex`), with its time (`t_v1` hexadecimal, `t_v2` base64), or by
        /// `standard_webhooks`. Absent: the kind's way; the kind `hook` needs the key.
        pub check: Option<CheckForm> = None, choice(CheckForm::WORDS), example "header";
        /// The header of the secret or the signature. Absent: the kind's.
        pub header: Option<String> = None, text().check(check_header), example "x-api-key";
        /// The user. Required with `check = "basic"`.
        pub user: Option<String> = None, text().check(check_user), example "otpmux";
        /// The requests that the hook may make of each process.
        pub requests: Vec<RateLimit> = vec![RateLimit::new(100, Duration::from_secs(1))],
            limits(1..=1_000_000, Duration::from_secs(1)..=Duration::from_hours(24), 4),
            example ["50/1s"];
        /// How long a request may take. A delivery that takes longer is answered as accepted and
        /// goes on. Shorter than the patience of the caller: 5s at Supabase and ZITADEL.
        pub deadline: Duration = Duration::from_secs(4),
            duration(Duration::from_millis(100)..=Duration::from_secs(60)), example "10s";
        /// How long the codes of the caller are valid: for the text, and for repeats, which send
        /// nothing during this time. A signed time may be at most half of it, and five minutes, away
        /// from now.
        pub ttl: Duration = Duration::from_mins(10),
            duration(NewDelivery::MIN_TTL..=NewDelivery::MAX_TTL), example "5m";
        /// Whether the text of the caller is sent as it is, instead of the configured one.
        pub free_text: bool = false, flag(), example true;
        /// The number of digits of the code in a text, where a request holds only a text. Absent:
        /// the one number of 4 to 10 digits in the text.
        pub code_length: Option<u8> = None, integer(4..=10), example 6;
        /// Whether numbers are in international form also without `+`. If not, such a number is a
        /// national one of `default_country`. Absent: the kind's rule.
        pub numbers_without_plus: Option<bool> = None, flag(), example true;
        /// Where the recipient is, as a JSON pointer (RFC 6901). Absent: the kind's place.
        pub recipient: Option<String> = None, text().check(check_pointer), example "/phone";
        /// Where the code is, as a JSON pointer. Absent: the kind's place.
        pub code: Option<String> = None, text().check(check_pointer), example "/otp";
        /// Where the finished text is, as a JSON pointer. Absent: the kind's place.
        pub text: Option<String> = None, text().check(check_pointer), example "/message";
        /// Where the language is, such as `pt-BR`, as a JSON pointer. Absent: the kind's place.
        pub locale: Option<String> = None, text().check(check_pointer), example "/language";
        /// Where the IP address of the end user is, as a JSON pointer. Absent: the kind's place.
        pub ip: Option<String> = None, text().check(check_pointer), example "/client/ip";
        /// Where the channel is, as a JSON pointer: `sms`, `voice`, `whatsapp` or `email`. Other
        /// words have no effect. Absent: the kind's place.
        pub channel: Option<String> = None, text().check(check_pointer), example "/delivery";
        /// Where the name of the request is, as a JSON pointer; the name is the same in each repeat.
        /// Absent: two requests with the same body are one.
        pub request: Option<String> = None, text().check(check_pointer), example "/request_id";
    }
}

fn check_name(text: &str) -> Result<(), String> {
    let fits = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        Ok(())
    } else {
        Err("must be 1 to 64 small letters, digits, `_` and `-`".to_owned())
    }
}

fn check_header(text: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if text.bytes().all(fits) {
        Ok(())
    } else {
        Err("must be the name of a header: letters, digits, `-` and `_`".to_owned())
    }
}

fn check_user(text: &str) -> Result<(), String> {
    if text.contains(':') {
        return Err("must not hold a colon, which ends the user in the header".to_owned());
    }
    Ok(())
}

fn check_pointer(text: &str) -> Result<(), String> {
    let escapes_fit = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escapes_fit {
        Ok(())
    } else {
        Err("must be a JSON pointer such as /user/phone (`~1` is a slash in a name, `~0` a tilde)"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::{Section as _, SettingsReader};
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn every_key_has_a_valid_example() {
        let reader = SettingsReader::new(&|text| Ok(Secret::new(text)));
        for key in HookSettings::keys() {
            let mut table: Map<String, Value> = HookSettings::keys()
                .filter(|key| key.required)
                .map(|key| (key.name.to_owned(), key.example.unwrap()()))
                .collect();
            table.insert(key.name.to_owned(), key.example.unwrap()());
            reader.read("h", HookSettings::KEYS, &table).unwrap();
        }
    }

    #[test]
    fn texts_of_keys() {
        for bad in ["", "Name", "a b", "ü", &"x".repeat(65)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        for bad in ["to", "", "/a~", "/a~2"] {
            assert!(check_pointer(bad).is_err(), "{bad}");
        }
        assert!(check_pointer("/a~1b/~0/0").is_ok() && check_name("a-b_1").is_ok());
        assert!(check_header("x y").is_err() && check_user("a:b").is_err());
    }
}
