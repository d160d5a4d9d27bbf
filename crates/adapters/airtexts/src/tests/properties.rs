//! Properties of every answer. The rule for approvals is written again here, from the README, and
//! shares nothing with the reader.

use otpmux_core::{Certainty, Error, VendorReference, Verdict};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{answer, now};
use crate::management::{delivery, otp_status, page, raw};
use crate::{Approval, Endpoint, read};

/// Keys that the reader knows, and some that it does not.
const KEYS: &[&str] = &[
    "verified",
    "valid",
    "status",
    "success",
    "error",
    "data",
    "result",
    "code",
    "message",
    "items",
    "verification_id",
    "verificationId",
    "id",
    "expires_at",
    "expires_in",
    "retry_after",
    "total",
    "attempts_remaining",
    "pagination",
    "approved",
    "ok",
];

const APPROVAL: &str = r#"{"success":true,"data":{"verified":true,"x":1}}"#;

fn leaf() -> impl Strategy<Value = Value> {
    let words = [
        "verified",
        "approved",
        "true",
        "error",
        "success",
        "expired",
        "INVALID_CODE",
        "MAX_ATTEMPTS",
        "RATE_LIMITED",
        "Invalid OTP code",
        "Too many attempts",
        "otp_1",
        "",
        "2025-08-20T10:05:00Z",
        "OTP verified successfully",
        "9999999999999999999999",
        "\u{0}",
    ];
    prop_oneof![
        4 => any::<bool>().prop_map(Value::Bool),
        4 => prop::sample::select(words.to_vec()).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => "\\PC{0,12}".prop_map(Value::from),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 40, 5, |inner| {
        let key = prop::sample::select(KEYS.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            8 => prop::collection::hash_map(key, inner.clone(), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => Just(200),
        2 => prop::sample::select(vec![201, 202, 204, 400, 401, 403, 404, 409, 410, 422, 429]),
        1 => 100..1000_u16,
    ]
}

/// Returns whether this answer may be approved.
fn may_be_approved(status: u16, body: &Value, operator: bool) -> bool {
    let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    let positive = ["", "/data"].iter().any(|place| {
        at(&format!("{place}/verified")) == json!(true)
            || at(&format!("{place}/valid")) == json!(true)
            || at(&format!("{place}/status")) == json!("verified")
            || at(&format!("{place}/status")) == json!("approved")
    }) || operator && at("/data/ok") == json!("verified");
    let negative = ["", "/data"].iter().any(|place| {
        at(&format!("{place}/verified")) == json!(false)
            || at(&format!("{place}/valid")) == json!(false)
            || at(&format!("{place}/success")) == json!(false)
            || at(&format!("{place}/status")) == json!("error")
    });
    let error = !matches!(at("/error"), Value::Null | Value::Bool(false));
    matches!(status, 200..=202) && body.is_object() && positive && !negative && !error
}

/// Gives an answer to every reader; returns the results of verify, without and with an operator's
/// field.
fn read_all(status: u16, body: &[u8]) -> [Result<Verdict, Error>; 2] {
    let answer = answer(status, body);
    let operator = Approval::text("data.ok", "verified");
    let old = VendorReference::new("otp_old");
    let errors = [
        read::sent(&answer, now()).err(),
        read::resent(&answer, &old, now()).err(),
        otp_status(&answer).err(),
        delivery(&answer).err(),
        page(&answer, Endpoint::List).err(),
        raw(&answer, Endpoint::Reports).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert_ne!(error.certainty(), Certainty::NotSent, "{error}");
    }
    [read::verdict(&answer, None), read::verdict(&answer, Some(&operator))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn nothing_but_an_explicit_positive_is_approved(status in status(), body in body()) {
        let text = serde_json::to_vec(&body).unwrap();
        let [plain, named] = read_all(status, &text);
        for (verdict, operator) in [(plain, false), (named, true)] {
            if verdict.is_ok_and(|verdict| verdict.is_approved()) {
                prop_assert!(may_be_approved(status, &body, operator), "{status} {body}");
            }
        }
    }

    #[test]
    fn no_bytes_are_approved_or_panic(status in any::<u16>(), body in prop::collection::vec(any::<u8>(), 0..200)) {
        for verdict in read_all(status, &body) {
            prop_assert!(!verdict.is_ok_and(|verdict| verdict.is_approved()));
        }
    }

    #[test]
    fn a_cut_approval_is_none(end in 0..APPROVAL.len()) {
        for verdict in read_all(200, &APPROVAL.as_bytes()[..end]) {
            prop_assert!(verdict.is_err());
        }
    }
}

#[test]
fn the_judge_allows_what_is_approved() {
    for (body, operator) in [(APPROVAL, false), (r#"{"data":{"ok":"verified"}}"#, true)] {
        let json: Value = serde_json::from_str(body).unwrap();
        assert!(may_be_approved(200, &json, operator));
        let [plain, named] = read_all(200, body.as_bytes());
        assert_eq!(plain.is_ok_and(|v| v.is_approved()), !operator);
        assert!(named.unwrap().is_approved());
    }
}
