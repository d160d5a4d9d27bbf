//! Any bytes with any status: no panic, and no approval except the documented one. Settings that cannot
//! work are refused.

use otpmux_core::settings::VendorSettings;
use otpmux_core::{Certainty, ErrorKind, ProviderId};
use otpmux_http::{Answer, ReceiptMode};
use otpmux_testkit::answers::{self, any_status, receipt};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Msg91, Msg91Builder, read, receipts};

fn id() -> ProviderId {
    ProviderId::new("p").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer::new(id(), status, None, body)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "success|error|OTP verified success|Mobile no\\. already verified|OTP not match|OTP expired|IPBlocked|418|\\PC{0,9}";
    let names = "type|type|msg_type|status|message|message|msg|errors|request_id|apiError|code|requestId|report|data|date|[a-z]{1,3}";
    answers::any_json(names, words)
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["success", "SUCCESS", "error", ""]);
    let text =
        "OTP verified success|otp_verified_success\\.|OTP verified|already_verified|\\PC{0,9}";
    let text = prop_oneof![3 => text.prop_map(Value::from), 1 => any_json()];
    (kind, text).prop_map(|(kind, text)| json!({"type": kind, "message": text}))
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    answers::any_body(any_json(), near_approval())
}

#[test]
fn an_approval_that_another_field_contradicts_is_none() {
    let verified = "OTP verified success";
    for body in [
        json!({"type": "success", "message": verified, "msg": ["Mobile no. already verified"]}),
        json!({"type": "success", "message": verified, "errors": "OTP not match"}),
        json!({"type": "success", "message": [verified, "Mobile no. already verified"]}),
        json!({"type": "success", "status": "fail", "message": verified}),
    ] {
        let answer = answer(200, body.to_string().as_bytes());
        let error = read::verdict(&answer).unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Protocol, Certainty::Unknown));
    }
    let same =
        json!({"type": "success", "msg_type": "success", "message": verified, "msg": verified});
    let verdict = read::verdict(&answer(200, same.to_string().as_bytes())).unwrap();
    assert!(verdict.is_approved());
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
            let read = ["type", "msg_type", "status", "message", "msg", "errors"];
            let said = read.map(|name| json[name].to_string()).concat();
            let said = said.to_lowercase().replace('_', " ");
            prop_assert!(said.contains("otp verified success") && said.contains("\"success\""));
            prop_assert!(!said.contains("already verified"), "{said}");
        }
        let sends = [read::sent(&answer), read::resent(&answer, None)];
        for sent in sends {
            match sent {
                Ok(_) => {
                    prop_assert!((200..300).contains(&status) && json.is_object());
                    prop_assert!(json.to_string().to_lowercase().contains("success"));
                }
                Err(error) => {
                    prop_assert_ne!(error.certainty(), Certainty::NotSent);
                    prop_assert!(!error.to_string().contains('\n'));
                }
            }
        }
    }

    #[test]
    fn no_receipt_panics(body in any_body(), query in "[a-z=&%0-9]{0,20}") {
        let secrets = with_receipts().receipt_secrets().unwrap().unwrap();
        let forged = format!("https://a.example/v1/receipts/p?{query}");
        let error = receipts::read(&id(), &secrets, &receipt(&forged, &[], &body)).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let url = "https://a.example/v1/receipts/p?secret=a-secret-of-a-webhook";
        let _ = receipts::read(&id(), &secrets, &receipt(url, &[], &body));
        let form = url::form_urlencoded::byte_serialize(&body).collect::<String>();
        let _ = receipts::read(&id(), &secrets, &receipt(url, &[], format!("data={form}").as_bytes()));
    }
}

fn with_receipts() -> Msg91Builder {
    let mut settings = Msg91::builder("key");
    settings.receipts.receipts = ReceiptMode::SecretInUrl;
    settings.receipts.receipt_secret = Some("a-secret-of-a-webhook".into());
    settings
}

#[test]
fn a_call_that_the_vendor_lacks_is_refused() {
    let mut settings = with_receipts();
    assert!(settings.describe().unwrap().receipts.is_some());
    settings.receipts.receipts = ReceiptMode::Signed;
    assert_eq!(settings.describe().unwrap_err().path(), "receipts");
    assert_eq!(Msg91Builder::default().describe().unwrap_err().path(), "auth_key");
    // Without a template of the account, each message must name one.
    assert!(Msg91::builder("key").build("p").is_ok());
}
