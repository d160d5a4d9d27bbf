//! Any bytes with any status: no panic, and no approval except the documented one. Settings that cannot
//! work are refused.

use otpmux_core::settings::VendorSettings;
use otpmux_core::{Certainty, ErrorKind, ProviderId};
use otpmux_http::{Answer, ReceiptMode};
use otpmux_testkit::answers::{self, any_status, receipt};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::error::Endpoint;
use crate::{Infobip2fa, Infobip2faBuilder, read, receipts};

fn id() -> ProviderId {
    ProviderId::new("p").unwrap()
}

fn answer(status: u16, body: &[u8]) -> Answer {
    Answer::new(id(), status, None, body)
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = "MESSAGE_SENT|MESSAGE_NOT_SENT|NC_DESTINATION_REACHABLE|NC_DESTINATION_NOT_REACHABLE|WRONG_PIN|NO_ERROR|TTL_EXPIRED|PENDING_ACCEPTED|DELIVERED|\\PC{0,9}";
    let names = "pinId|verified|verified|attemptsRemaining|pinError|ncStatus|smsStatus|callStatus|emailStatus|requestError|serviceException|messageId|text|results|status|groupName|error|[a-z]{1,3}";
    answers::any_json(names, words)
}

/// Answers that are almost an approval.
fn near_approval() -> impl Strategy<Value = Value> {
    let verified = prop_oneof![
        4 => Just(json!(true)),
        2 => prop::sample::select(vec![json!(false), json!(null), json!("true"), json!(1)]),
        1 => any_json(),
    ];
    let cause = prop::sample::select(vec![
        json!(null),
        json!("NO_ERROR"),
        json!("WRONG_PIN"),
        json!("TTL_EXPIRED"),
        json!(7),
    ]);
    (verified, cause, any_json()).prop_map(|(verified, cause, left)| {
        json!({"pinId": "id", "verified": verified, "pinError": cause, "attemptsRemaining": left})
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
            prop_assert_eq!(&json["verified"], &Value::Bool(true));
            prop_assert!(matches!(json["pinError"].as_str(), None | Some("" | "NO_ERROR")), "{json}");
        }
        for endpoint in [Endpoint::Send, Endpoint::Resend] {
            match read::sent(&answer, endpoint) {
                Ok(sent) => {
                    prop_assert!((200..300).contains(&status) && sent.reference.is_some());
                    prop_assert_ne!(&json["smsStatus"], "MESSAGE_NOT_SENT");
                }
                Err(error) => {
                    prop_assert_ne!(error.certainty(), Certainty::NotSent);
                    prop_assert!(!error.to_string().contains('\n'));
                }
            }
        }
        let _ = read::balance(&answer);
    }

    #[test]
    fn no_receipt_panics(body in any_body(), query in "[a-z=&%0-9]{0,20}") {
        let secrets = with_receipts().receipt_secrets().unwrap().unwrap();
        let forged = format!("https://a.example/v1/receipts/p?{query}");
        let error = receipts::read(&id(), &secrets, &receipt(&forged, &[], &body)).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let url = "https://a.example/v1/receipts/p?secret=a-secret-of-a-webhook";
        let _ = receipts::read(&id(), &secrets, &receipt(url, &[], &body));
    }
}

fn with_receipts() -> Infobip2faBuilder {
    let mut settings = Infobip2fa::builder("https://x.api.infobip.com", "key", "app");
    settings.receipts.receipts = ReceiptMode::SecretInUrl;
    settings.receipts.receipt_secret = Some("a-secret-of-a-webhook".into());
    settings
}

#[test]
fn the_host_of_the_account_and_the_application_are_needed() {
    let mut settings = with_receipts();
    assert!(settings.describe().unwrap().receipts.is_some());
    settings.receipts.receipts = ReceiptMode::Signed;
    assert_eq!(settings.describe().unwrap_err().path(), "receipts");
    settings.receipts.receipts = ReceiptMode::Off;
    settings.http.base_url = None;
    let error = settings.describe().unwrap_err();
    assert_eq!(error.path(), "base_url");
    assert!(error.to_string().contains("https://xxxxx.api.infobip.com"), "{error}");
    settings.application_id = None;
    assert_eq!(settings.describe().unwrap_err().path(), "application_id");
}

#[test]
fn emails_need_a_template_of_their_own() {
    let settings = Infobip2fa::builder("https://x.api.infobip.com", "key", "app");
    let email = |settings: &Infobip2faBuilder| {
        settings.describe().unwrap().channels.contains(&otpmux_core::Channel::Email)
    };
    assert!(!email(&settings));
    assert!(email(&settings.email_message_id("template")));
}
