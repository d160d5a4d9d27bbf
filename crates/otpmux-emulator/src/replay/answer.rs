//! A golden answer with the ids, recipient and time of this request instead of the file's.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use otpmux_golden::Response;
use serde_json::Value;

use crate::clock::{millis, seconds};
use crate::exchange::Reply;
use crate::ids;

/// The TTL of a code in seconds, if the file does not say it.
pub(super) const TTL: u64 = 300;

/// Returns the answer with texts of the file replaced: whole texts, and ids within longer ones.
pub(super) fn fill(
    response: &Response,
    replace: &BTreeMap<String, String>,
    ttl: Option<u64>,
    now: Timestamp,
) -> Reply {
    let mut body = response.body.clone();
    let shift = shift(&body, ttl, now);
    each_text(&mut body, &mut |text| {
        if let Some(other) = replace.get(text.as_str()) {
            other.clone_into(text);
            return;
        }
        if let Some(moved) = moved(text, shift) {
            *text = moved;
            return;
        }
        for (old, new) in replace.iter().filter(|(old, _)| old.len() >= 8) {
            if text.contains(old.as_str()) {
                *text = text.replace(old.as_str(), new);
            }
        }
    });
    let bytes = match body {
        Value::Null => Bytes::new(),
        Value::String(text) => Bytes::from(text),
        json => Bytes::from(json.to_string()),
    };
    let headers = response.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    Reply { status: response.status, headers: headers.collect(), body: bytes }
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

/// Returns the shift of the answer's times, so that it was given now.
fn shift(body: &Value, ttl: Option<u64>, now: Timestamp) -> SignedDuration {
    let mut times = Vec::new();
    note_times("", body, &mut times);
    let ttl = SignedDuration::from_secs(i64::try_from(ttl.unwrap_or(TTL)).unwrap_or(0));
    let earliest = times.iter().min_by_key(|(_, at)| *at);
    match earliest {
        None => SignedDuration::ZERO,
        // Only an expiry: the answer was given before it.
        Some((true, at)) => now.duration_since(*at) + ttl,
        Some((false, at)) => now.duration_since(*at),
    }
}

/// Collects every time, and whether it is an expiry.
fn note_times(name: &str, value: &Value, times: &mut Vec<(bool, Timestamp)>) {
    match value {
        Value::String(text) => {
            if let Some(at) = time(text) {
                times.push((name.to_ascii_lowercase().contains("expir"), at));
            }
        }
        Value::Array(values) => values.iter().for_each(|value| note_times(name, value, times)),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| note_times(name, value, times));
        }
        _ => {}
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let is_full = text.len() >= 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    is_full.then(|| text.parse().ok())?
}

/// Returns the shifted time in the same form.
fn moved(text: &str, by: SignedDuration) -> Option<String> {
    let at = time(text)?.checked_add(by).ok()?;
    Some(if text.contains('.') { millis(at) } else { seconds(at) })
}

/// Returns another id of the same form: digits for digits, letters for letters.
pub(super) fn fresh(id: &str) -> String {
    // Some files contain a placeholder that names the kind of id.
    if ids::is_uuid(id) || id.starts_with("uuid-") {
        return ids::uuid();
    }
    // The beginning often names the kind of id.
    let fixed = id.rfind(['_', '-']).map_or(2.min(id.len() / 2), |end| end + 1);
    let is_hex = id.bytes().skip(fixed).all(|byte| byte.is_ascii_hexdigit());
    let mut random = ids::random_bytes().into_iter().cycle();
    let mut spent = 0;
    let other = |c: char| {
        spent += 1;
        if spent > 32 {
            random = ids::random_bytes().into_iter().cycle();
            spent = 1;
        }
        let byte = random.next().unwrap_or_default();
        match c {
            '0'..='9' => char::from(b'0' + byte % 10),
            'a'..='z' => char::from(b'a' + byte % if is_hex { 6 } else { 26 }),
            'A'..='Z' => char::from(b'A' + byte % if is_hex { 6 } else { 26 }),
            other => other,
        }
    };
    let (kept, rest) = id.split_at_checked(fixed).unwrap_or(("", id));
    kept.chars().chain(rest.chars().map(other)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fresh_id_has_the_form_of_the_old_one() {
        let uuid = fresh("11f951d5-32d1-4b49-bdda-7da248e2615c");
        assert!(ids::is_uuid(&uuid) && uuid != "11f951d5-32d1-4b49-bdda-7da248e2615c");
        for id in ["otp_67890abcdef12345", "VE0123456789abcdef0123456789abcdef", "8800112233"] {
            let new = fresh(id);
            assert_ne!(new, id);
            let form = |text: &str| -> String {
                text.chars()
                    .map(|c| {
                        if c.is_ascii_digit() {
                            '0'
                        } else if c.is_ascii_lowercase() {
                            'a'
                        } else {
                            c
                        }
                    })
                    .collect()
            };
            assert_eq!(form(&new), form(id));
            assert_eq!(new[..2], id[..2]);
        }
    }

    #[test]
    fn times_move_together() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let response = |body: Value| -> Response {
            let response = json!({ "status": 200, "headers": {}, "body": body });
            serde_json::from_value(response).unwrap()
        };
        let filled = |body, ttl| -> Value {
            let reply = fill(&response(body), &BTreeMap::new(), ttl, now);
            serde_json::from_slice(&reply.body).unwrap()
        };
        let body = json!({ "expires_at": "2024-01-01T12:05:00.000Z" });
        assert_eq!(filled(body.clone(), None)["expires_at"], "2030-01-01T00:05:00.000Z");
        assert_eq!(filled(body, Some(60))["expires_at"], "2030-01-01T00:01:00.000Z");
        let body = json!({ "at": "2024-01-01T12:00:00Z", "expiresAt": "2024-01-01T12:10:00Z" });
        let moved = json!({ "at": "2030-01-01T00:00:00Z", "expiresAt": "2030-01-01T00:10:00Z" });
        assert_eq!(filled(body, None), moved);
    }
}
