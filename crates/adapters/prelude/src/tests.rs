//! Any bytes with any status: no panic, and no approval except the documented one. Settings that cannot
//! work are refused.

use otpmux_core::settings::VendorSettings;
use otpmux_core::{Certainty, ErrorKind, ProviderId};
use otpmux_http::{Answer, ReceiptMode};
use otpmux_testkit::answers::{self, any_status, receipt};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Prelude, PreludeBuilder, read, receipts};
use otpmux_core::VendorReference;

/// The public key of the files in `wire/`.
const KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArwHHwII6GUF2W6K8lqOiBC8BVISMPlBlXC23Jbkmpjx1AWldZY5fwuuOQwlBGGKsywdZ2lxcj9Oo7WiX6gh5j+zoHONwg/l68KCHt6X+GyEQL5cmPWdSk3XwCMrn/dQl/gHJSdncyBMOrFjCSSPG1HQ/2Zt37YrSYagQR/8kNxJaR0Hs3FOoMDepYfcLN3sbkxh4kbji+Jsvs8aXOnSWhKg/fCLuM3xS5LIc06wlXCp0q0TK/jpU7W0McbDZ7M5bF9lOUQEwqyxqo24JMCoDFC2sZQpSeimJa+LyQubVZLeo0vuXJNDp2akKw3pvMsyZvGZCSLXCEr72m8FcTbCb+QIDAQAB";

fn id() -> ProviderId {
    ProviderId::new("p").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer::new(id(), status, None, body)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "success|failure|retry|blocked|shadow_blocked|challenged|expired_or_not_found|suspicious|message|silent|verify\\.attempt|verify\\.delivery_status|delivered|\\PC{0,9}";
    let names = "id|id|status|status|method|reason|request_id|code|message|type|payload|metadata|correlation_id|delivery_status|verification_id|[a-z]{1,3}";
    answers::any_json(names, words)
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let state = prop::sample::select(vec!["success", "Success", "failure", "approved", ""]);
    let state = prop_oneof![4 => state.prop_map(Value::from), 1 => any_json()];
    let id = prop::sample::select(vec![json!("id"), json!("other"), json!(null), json!(7)]);
    (state, id).prop_map(|(state, id)| json!({"status": state, "id": id}))
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
        let ours = VendorReference::new("id");
        if read::verdict(&answer, Some(&ours)).is_ok_and(|verdict| verdict.is_approved()) {
            prop_assert!(matches!(status, 200 | 201));
            prop_assert_eq!(&json["status"], "success");
            prop_assert!(json["id"].as_str().is_none_or(|id| id == "id"), "{json}");
        }
        match read::sent(&answer) {
            Ok(sent) => {
                prop_assert!(matches!(status, 200 | 201) && sent.reference.is_some());
                prop_assert_ne!(&json["status"], "blocked");
            }
            Err(error) => {
                prop_assert_ne!(error.certainty(), Certainty::NotSent);
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
        if read::reported(&answer).is_ok() {
            prop_assert!(matches!(status, 200 | 201));
        }
    }

    #[test]
    fn no_receipt_panics(body in any_body(), query in "[a-z=&%0-9]{0,20}") {
        let keys = with_receipts().webhook_keys().unwrap();
        let url = format!("https://a.example/v1/receipts/p?{query}");
        for signature in ["", "rsassa-pss-sha256=", "rsassa-pss-sha256=AAAA", "x"] {
            let headers = [("x-webhook-signature", signature.as_bytes())];
            let request = receipt(&url, &headers, &body);
            let error = receipts::read(&id(), keys.as_ref(), &request).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        }
        let url = format!("https://a.example/v1/receipts/p?token={}", "a".repeat(39));
        let _ = receipts::read(&id(), None, &receipt(&url, &[], &body));
    }
}

fn with_receipts() -> PreludeBuilder {
    let mut settings = Prelude::builder("key");
    settings.receipts.receipts = ReceiptMode::Signed;
    settings.receipts.receipt_secret = Some(KEY.into());
    settings
}

#[test]
fn signed_webhooks_need_a_public_key() {
    assert!(with_receipts().describe().unwrap().receipts.is_some());
    let mut settings = with_receipts();
    settings.receipts.receipt_secret = Some("no key".into());
    assert_eq!(settings.describe().unwrap_err().path(), "receipt_secret");
    settings.receipts.receipt_secret = None;
    assert_eq!(settings.describe().unwrap_err().path(), "receipt_secret");
    settings.receipts.receipts = ReceiptMode::SecretInUrl;
    assert!(settings.describe().unwrap().receipts.is_some());
    assert_eq!(PreludeBuilder::default().describe().unwrap_err().path(), "api_key");
}

#[test]
fn only_codes_of_otpmux_are_reported() {
    assert!(!Prelude::builder("key").describe().unwrap().report);
    assert!(Prelude::builder("key").code("otpmux").describe().unwrap().report);
}
