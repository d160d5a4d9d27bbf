//! Compares an answer with a file: literally, but for what differs from run to run.

use otpmux_golden::Response;
use serde_json::Value;

use crate::stage::Answer;

/// Ids and times. Their values differ from run to run; their JSON type and form do not.
const VOLATILE: [&str; 27] = [
    "request_id",
    "verification_id",
    "requestId",
    "otpRequestId",
    "messageId",
    "id",
    "userId",
    "timestamp",
    "expires_at",
    "expiresAt",
    "created_at",
    "createdAt",
    "updatedAt",
    "deliveredAt",
    "submittedAt",
    "reviewedAt",
    "reset_at",
    "channelId",
    "sid",
    "attempt_sid",
    "date_created",
    "date_updated",
    "time",
    "url",
    "instance",
    "pinId",
    "externalMessageId",
];

pub(crate) fn differences(expected: &Response, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if answer.status != expected.status {
        found.push(format!("status {} instead of {}", answer.status, expected.status));
    }
    for (name, value) in &expected.headers {
        let given = answer.headers.get(name).map(|value| value.to_str().unwrap());
        if given != Some(value) {
            found.push(format!("header {name} is {given:?} instead of {value:?}"));
        }
    }
    match &expected.body {
        Value::String(text) => {
            if answer.body != *text {
                found.push(format!("body {:?} instead of {text:?}", answer.body));
            }
        }
        Value::Null => {
            if !answer.body.is_empty() {
                found.push(format!("body {:?} instead of none", answer.body));
            }
        }
        json => match serde_json::from_str::<Value>(&answer.body) {
            Ok(body) => compare("", json, &body, &mut found),
            Err(error) => found.push(format!("body {:?} is not JSON: {error}", answer.body)),
        },
    }
    found
}

fn compare(at: &str, expected: &Value, given: &Value, found: &mut Vec<String>) {
    match (expected, given) {
        (Value::Object(expected), Value::Object(given)) => {
            for (key, value) in expected {
                let at = format!("{at}/{key}");
                match given.get(key) {
                    None => found.push(format!("{at} is missing")),
                    Some(other) if VOLATILE.contains(&key.as_str()) => {
                        if form(value) != form(other) {
                            found.push(format!("{at} is {other} where the file has {value}"));
                        }
                    }
                    Some(other) => compare(&at, value, other, found),
                }
            }
            for key in given.keys().filter(|key| !expected.contains_key(*key)) {
                found.push(format!("{at}/{key} is not in the file"));
            }
        }
        (Value::Array(expected), Value::Array(given)) => {
            if expected.len() != given.len() {
                found.push(format!("{at} has {} entries, not {}", given.len(), expected.len()));
            }
            for (n, (expected, given)) in expected.iter().zip(given).enumerate() {
                compare(&format!("{at}/{n}"), expected, given, found);
            }
        }
        _ if expected == given => {}
        _ => found.push(format!("{at} is {given} instead of {expected}")),
    }
}

/// The form of a volatile value.
fn form(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return match value {
            Value::Null => "null".to_owned(),
            other => format!("not a string: {other}"),
        };
    };
    // Some files write what kind of id would stand there instead of an id.
    if text.starts_with("uuid-") || uuid::Uuid::try_parse(text).is_ok() {
        return "a UUID".to_owned();
    }
    for prefix in ["req_", "otp_"] {
        if text.starts_with(prefix) {
            return format!("{prefix} and an id");
        }
    }
    let digits_as_zero = |c: char| if c.is_ascii_digit() { '0' } else { c };
    let part = |part: &str| {
        // 24 hexadecimal digits, as MSG91's ids are.
        if part.len() == 24 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return "24 hexadecimal digits".to_owned();
        }
        // Two letters and 32 hexadecimal digits, as Twilio's ids are.
        let is_id = part.len() == 34 && part[2..].bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { part[..2].to_owned() } else { part.chars().map(digits_as_zero).collect() }
    };
    text.split('/').map(part).collect::<Vec<String>>().join("/")
}
