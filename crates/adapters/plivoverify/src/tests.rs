//! Any bytes with any status: no panic, and no approval except the documented one. Settings that cannot
//! work are refused.

use otpmux_core::settings::VendorSettings;
use otpmux_core::{Certainty, ErrorKind, ProviderId};
use otpmux_http::{Answer, ReceiptMode};
use otpmux_testkit::answers::{self, any_status, receipt};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{PlivoVerify, PlivoVerifyBuilder, read, receipts};

fn id() -> ProviderId {
    ProviderId::new("p").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer::new(id(), status, None, body)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "session validated successfully\\.|Session initiated|incorrect otp|expired|already verified|delivered|failed|in-progress|\\PC{0,9}";
    let names = "message|message|error|api_id|session_uuid|status|attempt_details|[a-z]{1,3}";
    answers::any_json(names, words)
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let text = "session validated successfully\\.?|Session Validated Successfully|session validated|\\PC{0,9}";
    let text = prop_oneof![4 => text.prop_map(Value::from), 1 => any_json()];
    (text, any_json()).prop_map(|(text, error)| json!({"message": text, "error": error}))
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    answers::any_body(any_json(), near_approval())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_answer_panics_and_none_but_the_documented_one_approves(
        status in any_status(),
        body in any_body(),
    ) {
        let answer = answer(status, &body);
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        if read::verdict(&answer).is_ok_and(|verdict| verdict.is_approved()) {
            prop_assert!((200..=202).contains(&status));
            let text = json["message"].as_str().unwrap_or_default().trim().to_lowercase();
            prop_assert_eq!(text.trim_end_matches('.'), "session validated successfully");
        }
        match read::sent(&answer) {
            Ok(sent) => prop_assert!((200..=202).contains(&status) && sent.reference.is_some()),
            Err(error) => {
                prop_assert_ne!(error.certainty(), Certainty::NotSent);
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
        let _ = (read::status(&answer), read::reported(&answer));
    }

    #[test]
    fn no_receipt_panics(body in any_body(), query in "[a-z=&%0-9]{0,20}") {
        let url = format!("https://a.example/v1/receipts/p?{query}");
        let error = receipts::read(&id(), &receipt(&url, &[], &body)).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let url = format!("https://a.example/v1/receipts/p?token={}", "a".repeat(39));
        let _ = receipts::read(&id(), &receipt(&url, &[], &body));
    }
}

#[test]
fn the_id_of_the_account_is_a_part_of_each_path() {
    let account = "MAXXXXXXXXXXXXXXXXXX";
    assert!(PlivoVerify::builder(account, "token").describe().is_ok());
    for bad in ["", "MA", "MAXXXXXXXXXXXXXXXXX/", "MAXXXXXXXXXXXXXXXXXXX"] {
        let error = PlivoVerify::builder(bad, "token").describe().unwrap_err();
        assert_eq!(error.path(), "auth_id", "{bad}");
    }
    let mut settings: PlivoVerifyBuilder = PlivoVerify::builder(account, "token");
    settings.receipts.receipts = ReceiptMode::SecretInUrl;
    assert!(settings.describe().unwrap().receipts.is_some());
    settings.receipts.receipts = ReceiptMode::Signed;
    assert_eq!(settings.describe().unwrap_err().path(), "receipts");
}

#[test]
fn only_codes_of_otpmux_are_reported() {
    let account = || PlivoVerify::builder("MAXXXXXXXXXXXXXXXXXX", "token");
    assert!(!account().describe().unwrap().report);
    assert!(account().code("otpmux").describe().unwrap().report);
}
