//! The vendors' reports on messages, and their faults.

use otpmux_emulator::{MessageFilter, ReceiptFault, Vendor};
use reqwest::Method;
use serde_json::json;

use crate::inbox::{Inbox, Received};
use crate::support::{Rig, config};

const TO: &str = "+15017122661";

/// Sends one message through Twilio with reports to the inbox; answers its SID.
async fn send(rig: &Rig, inbox: &Inbox) -> String {
    let account = rig.emulator.twilio().account_sid;
    let path = format!("/2010-04-01/Accounts/{account}/Messages.json");
    let fields = [
        ("To", TO),
        ("From", "+15557122661"),
        ("Body", "Your code is 004217."),
        ("StatusCallback", &inbox.url()),
    ];
    let answer = rig.form(Vendor::Twilio, &path, &fields).await;
    assert_eq!((answer.status, answer.json()["status"].as_str()), (201, Some("queued")));
    answer.json()["sid"].as_str().unwrap().to_owned()
}

fn states(received: &[Received]) -> Vec<String> {
    let state = |one: &Received| {
        let fields = url::form_urlencoded::parse(one.body.as_bytes()).into_owned();
        let mut fields = fields.filter(|(name, _)| name == "MessageStatus");
        fields.next().unwrap().1
    };
    received.iter().map(state).collect()
}

#[tokio::test]
async fn a_message_is_reported_as_its_states_come() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    let sid = send(&rig, &inbox).await;
    rig.emulator.receipts_settled().await;
    assert!(inbox.received().is_empty(), "the first state is in the answer");
    rig.advance(1);
    rig.emulator.receipts_settled().await;
    assert_eq!(states(&inbox.received()), ["sent"]);
    rig.advance(1);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    assert_eq!(states(&received), ["sent", "delivered"]);
    assert_eq!(received[1].path, "/receipts?token=abc123");
    assert_eq!(received[1].headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(received[1].headers["x-twilio-signature"].len(), 28);
    let account = rig.emulator.twilio().account_sid;
    let path = format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json");
    assert_eq!(rig.get(Vendor::Twilio, &path).await.json()["status"], "delivered");
    let sent = rig.emulator.receipts(Some(Vendor::Twilio));
    assert_eq!(sent.iter().map(|one| one.status).collect::<Vec<_>>(), [Some(204), Some(204)]);
    let messages = rig.emulator.messages(&MessageFilter::default().to(TO));
    assert_eq!((messages.len(), messages[0].code.as_str()), (1, "004217"));
}

#[tokio::test]
async fn a_message_that_does_not_arrive_is_reported_with_its_code() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    rig.emulator.update_twilio(|account| {
        account.fate = otpmux_emulator::vendors::twilio::Fate::Undelivered;
    });
    send(&rig, &inbox).await;
    rig.advance(9);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    assert_eq!(states(&received), ["sent", "undelivered"]);
    assert!(received[1].body.contains("ErrorCode=30003"));
    assert_eq!(rig.emulator.last_code(TO), None);
}

#[tokio::test]
async fn faults_of_reports_are_set_through_the_admin_api() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    let set = async |fault| {
        let answer = rig.admin(Method::PUT, "/receipts/twilio", fault).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    set(json!({"fault": "reordered"})).await;
    send(&rig, &inbox).await;
    rig.advance(9);
    rig.emulator.receipts_settled().await;
    assert_eq!(states(&inbox.received()), ["delivered", "sent"]);
    set(json!({"fault": "twice"})).await;
    send(&rig, &inbox).await;
    rig.advance(9);
    rig.emulator.receipts_settled().await;
    assert_eq!(states(&inbox.received())[2..], ["sent", "sent", "delivered", "delivered"]);
    set(json!({"fault": "late", "seconds": 3600})).await;
    send(&rig, &inbox).await;
    rig.advance(3600);
    rig.emulator.receipts_settled().await;
    assert_eq!(inbox.received().len(), 6);
    rig.advance(2);
    rig.emulator.receipts_settled().await;
    assert_eq!(states(&inbox.received())[6..], ["sent", "delivered"]);
    set(json!({"fault": "never"})).await;
    send(&rig, &inbox).await;
    rig.advance(9);
    rig.emulator.receipts_settled().await;
    assert_eq!(inbox.received().len(), 8);
    let listed = rig.admin(Method::GET, "/receipts?vendor=twilio", json!(null)).await.json();
    assert_eq!(listed["faults"], json!({"twilio": {"fault": "never"}}));
    assert_eq!(listed["receipts"].as_array().unwrap().len(), 8);
    assert_eq!(rig.admin(Method::DELETE, "/receipts/twilio", json!(null)).await.status, 204);
    assert_eq!(
        rig.admin(Method::PUT, "/receipts/twilio", json!({"fault": "odd"})).await.status,
        400
    );
}

#[tokio::test]
async fn a_forged_report_has_another_signature_and_the_same_content() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    rig.emulator.set_receipt_fault(Vendor::Twilio, ReceiptFault::Forged);
    let sid = send(&rig, &inbox).await;
    rig.advance(1);
    rig.emulator.receipts_settled().await;
    rig.emulator.set_receipt_fault(Vendor::Twilio, None);
    rig.advance(1);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    for (one, genuine) in received.iter().zip([false, true]) {
        assert!(one.body.contains(&sid));
        let signature = twilio_signature(&rig, &inbox, &one.body);
        assert_eq!(one.headers["x-twilio-signature"] == *signature, genuine);
    }
}

/// The signature that `twilio-python` 9.13.0 computes (`request_validator.py`).
fn twilio_signature(rig: &Rig, inbox: &Inbox, body: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let mut fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    fields.sort();
    let signed = fields.iter().fold(inbox.url(), |text, (name, value)| text + name + value);
    let token = rig.emulator.twilio().auth_token;
    let algorithm = aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    let key = aws_lc_rs::hmac::Key::new(algorithm, token.as_bytes());
    BASE64_STANDARD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()))
}

#[tokio::test]
async fn a_report_that_was_not_accepted_comes_again() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    rig.emulator.update_vonageverify(|account| account.status_url = Some(inbox.url()));
    inbox.answer_next(503);
    let body = json!({
        "brand": "Acme", "code": "1234", "workflow": [{"channel": "sms", "to": "15017122661"}],
    });
    let id = rig.post(Vendor::VonageVerify, "/v2/verify", body).await.json()["request_id"].clone();
    let path = format!("/v2/verify/{}", id.as_str().unwrap());
    assert_eq!(rig.post(Vendor::VonageVerify, &path, json!({"code": "1234"})).await.status, 200);
    rig.emulator.receipts_settled().await;
    assert_eq!(inbox.received().len(), 2);
    rig.advance(60);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    assert_eq!((received.len(), &received[0].body), (3, &received[2].body));
}

#[tokio::test]
async fn no_report_leaves_this_machine() {
    let rig = Rig::start(config()).await;
    rig.emulator.update_vonageverify(|account| {
        account.status_url = Some("http://vonage.example/".to_owned());
    });
    let body = json!({ "brand": "Acme", "workflow": [{"channel": "sms", "to": "15017122661"}] });
    assert_eq!(rig.post(Vendor::VonageVerify, "/v2/verify", body).await.status, 202);
    rig.advance(180);
    rig.emulator.receipts_settled().await;
    let sent = rig.emulator.receipts(None);
    assert_eq!((sent.len(), sent[0].status), (1, None));
}
