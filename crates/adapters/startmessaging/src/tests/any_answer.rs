//! Any bytes with any status: no panic, and no approval except the documented one.

use otpmux_core::Certainty;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{A, B, C, raw_answer};
use crate::{Mode, read};

/// JSON of any shape, made mostly of the vendor's own names and words.
fn any_json() -> impl Strategy<Value = Value> {
    let words = "success|verified|queued|OTP expired|Duplicate idempotency key|Invalid OTP|10\\.50\
        |INSUFFICIENT_BALANCE|VALIDATION_ERROR|Cannot POST /otp/verify|2026-01-22T12:10:00Z|\\PC{0,9}";
    let leaf = prop_oneof![
        2 => Just(Value::Bool(true)),
        1 => Just(Value::Bool(false)),
        1 => Just(Value::Null),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        3 => words.prop_map(Value::from),
    ];
    let name = "success|data|data|verified|verified|error|code|message|requestId|otpRequestId\
        |messageId|status|statusCode|attemptsLeft|balance|currency|expiresAt|deliveredAt|[a-z]{1,3}";
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::hash_map(name, inner, 0..7)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let flag = || prop::sample::select(vec![json!(true), json!(false), json!(null), json!("true")]);
    let verified = prop_oneof![3 => Just(json!(true)), 1 => flag(), 1 => any_json()];
    let error = prop_oneof![3 => Just(json!(null)), 1 => any_json()];
    let id = prop::sample::select(vec![json!("id"), json!("other"), json!(null)]);
    let place = 0..6;
    (flag(), error, verified, id, place).prop_map(|(success, error, verified, id, place)| {
        let data = json!({"verified": verified, "otpRequestId": id});
        match place {
            0 => json!({"success": success, "verified": verified}),
            1 => json!({"success": success, "data": [data]}),
            _ => json!({"success": success, "error": error, "data": data}),
        }
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let data = any_json().prop_map(|data| json!({"success": true, "data": data}));
    let json = prop_oneof![1 => any_json(), 1 => data, 3 => near_approval()];
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        6 => json.prop_map(|json| json.to_string().into_bytes()),
    ]
}

fn any_status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => 200u16..=202,
        2 => prop::sample::select(vec![400u16, 401, 402, 404, 409, 410, 422, 429, 500, 503]),
        1 => 100u16..1000,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_answer_panics_and_none_but_the_documented_one_approves(
        status in any_status(),
        body in any_body(),
    ) {
        let answer = raw_answer(status, body.clone());
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        if read::verdict(&answer, "id").is_ok_and(|verdict| verdict.is_approved()) {
            prop_assert!(matches!(status, 200 | 201));
            prop_assert_eq!(json.pointer("/data/verified"), Some(&Value::Bool(true)));
            prop_assert!(json["data"].is_object());
            prop_assert!(json["error"].is_null());
            let id = &json["data"]["otpRequestId"];
            prop_assert!(id.as_str().is_none_or(|id| matches!(id, "id" | "")));
            prop_assert!(json["success"].is_null() || json["success"] == true);
        }
        for mode in [Mode::Transport, A, B, C] {
            match read::sent(&answer, mode) {
                Ok(sent) if mode == A => {
                    prop_assert!(matches!(status, 200 | 201) && sent.reference.is_some());
                }
                Ok(_) => prop_assert!(matches!(status, 200 | 201 | 409) && json.is_object()),
                Err(error) => prop_assert_ne!(error.certainty(), Certainty::NotSent),
            }
        }
        for error in [
            read::resent(&answer, B).err(),
            read::status(&answer).err(),
            read::balance(&answer).err(),
        ]
        .into_iter()
        .flatten()
        {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
