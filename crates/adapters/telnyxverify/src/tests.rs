//! Any bytes with any status: no panic, and no approval except the documented one. Settings that cannot
//! work are refused.

use otpmux_core::settings::VendorSettings;
use otpmux_core::{Certainty, ErrorKind, ProviderId};
use otpmux_http::{Answer, ReceiptMode};
use otpmux_testkit::answers::{self, any_status, receipt};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{TelnyxVerify, TelnyxVerifyBuilder, read, receipts};

/// The public key of the files in `wire/`.
const KEY: &str = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

fn id() -> ProviderId {
    ProviderId::new("p").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer::new(id(), status, None, body)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "accepted|rejected|pending|expired|delivered|10015|/phone_number|2026-01-22T12:10:00Z|\\PC{0,9}";
    let names = "data|data|response_code|id|status|errors|code|title|source|pointer|payload|delivery_status|balance|currency|[a-z]{1,3}";
    answers::any_json(names, words)
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let state = prop::sample::select(vec!["accepted", "Accepted", "rejected", "verified", ""]);
    let state = prop_oneof![4 => state.prop_map(Value::from), 1 => any_json()];
    (state, 0..4).prop_map(|(state, place)| match place {
        0 => json!({"response_code": state}),
        1 => json!({"data": [{"response_code": state}]}),
        _ => json!({"data": {"response_code": state}}),
    })
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
            prop_assert!((200..300).contains(&status));
            prop_assert_eq!(json.pointer("/data/response_code"), Some(&json!("accepted")));
        }
        match read::sent(&answer) {
            Ok(sent) => prop_assert!((200..300).contains(&status) && sent.reference.is_some()),
            Err(error) => {
                prop_assert_ne!(error.certainty(), Certainty::NotSent);
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
        let _ = (read::status(&answer), read::balance(&answer), read::reported(&answer));
    }

    #[test]
    fn no_receipt_panics(body in any_body(), query in "[a-z=&%0-9]{0,20}") {
        let proof = with_receipts().proof().unwrap().unwrap();
        let url = format!("https://a.example/v1/receipts/p?{query}");
        for signature in ["", "AAAA", "x"] {
            let headers = [
                ("telnyx-signature-ed25519", signature.as_bytes()),
                ("telnyx-timestamp", &b"0"[..]),
            ];
            let error = receipts::read(&id(), &proof, &receipt(&url, &headers, &body)).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        }
        let mut settings = with_receipts();
        settings.receipts.receipts = ReceiptMode::SecretInUrl;
        let proof = settings.proof().unwrap().unwrap();
        let secret: String = KEY.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let url = format!("https://a.example/v1/receipts/p?secret={secret}");
        let _ = receipts::read(&id(), &proof, &receipt(&url, &[], &body));
    }
}

fn with_receipts() -> TelnyxVerifyBuilder {
    let mut settings = TelnyxVerify::builder("key", "profile");
    settings.receipts.receipts = ReceiptMode::Signed;
    settings.receipts.receipt_secret = Some(KEY.into());
    settings
}

#[test]
fn signed_webhooks_need_the_public_key_and_sends_a_profile() {
    assert!(with_receipts().describe().unwrap().receipts.is_some());
    let mut settings = with_receipts();
    settings.receipts.receipt_secret = Some("no key".into());
    assert_eq!(settings.describe().unwrap_err().path(), "receipt_secret");
    settings.verify_profile_id = None;
    assert_eq!(settings.describe().unwrap_err().path(), "verify_profile_id");
}

#[test]
fn only_codes_of_otpmux_are_reported() {
    assert!(TelnyxVerify::builder("key", "profile").describe().unwrap().report);
    assert!(!TelnyxVerify::builder("key", "profile").code("vendor").describe().unwrap().report);
}
