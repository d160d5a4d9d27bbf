//! MSG91: codes by number, in every form of request.

use otpmux_emulator::{MessageFilter, Vendor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::inbox::Inbox;
use crate::support::{Answer, Rig, config};

const V: Vendor = Vendor::Msg91;
const TO: &str = "919999999999";
const TEMPLATE: &str = "60a1b2c3d4e5f6a7b8c9d0e1";

async fn send(rig: &Rig, more: Value) -> Answer {
    let mut body = json!({ "template_id": TEMPLATE, "mobile": TO });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    rig.post(V, "/otp", body).await
}

/// The answers have one status: their type and text are what differs.
fn said(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_default().to_owned();
    (text("type"), text("message"))
}

async fn verify(rig: &Rig, code: &str) -> (String, String) {
    said(&rig.post(V, "/otp/verify", json!({ "mobile": TO, "otp": code })).await)
}

fn pair(kind: &str, text: &str) -> (String, String) {
    (kind.to_owned(), text.to_owned())
}

#[tokio::test]
async fn parameters_are_taken_from_the_query_a_form_and_json() {
    let rig = Rig::start(config()).await;
    let path = format!("/otp?template_id={TEMPLATE}&mobile={TO}&otp=004217");
    let url = format!("{}{path}&authkey=msg91_emulator_auth_key", rig.emulator.base_url(V));
    let in_query = rig.client.request(Method::POST, url).send().await.unwrap();
    assert_eq!(said(&Answer::read(in_query).await).0, "success");
    assert_eq!(rig.emulator.last_code(TO).unwrap(), "004217");
    let fields = [("mobile", TO), ("otp", "004217")];
    assert_eq!(
        said(&rig.form(V, "/otp/verify", &fields).await),
        pair("success", "OTP verified success")
    );
    let url = format!("{}/otp/retry", rig.emulator.base_url(V));
    let keyless = rig.client.request(Method::GET, url).send().await.unwrap();
    assert_eq!(said(&Answer::read(keyless).await), pair("error", "Auth Key missing"));
}

#[tokio::test]
async fn a_new_code_replaces_that_of_the_number() {
    let rig = Rig::start(config()).await;
    send(&rig, json!({ "otp": "111111" })).await;
    send(&rig, json!({ "otp": "222222" })).await;
    assert_eq!(verify(&rig, "111111").await, pair("error", "OTP not match"));
    assert_eq!(verify(&rig, "222222").await, pair("success", "OTP verified success"));
    assert_eq!(verify(&rig, "222222").await, pair("error", "Mobile no. already verified"));
}

#[tokio::test]
async fn codes_have_the_length_and_the_life_that_the_send_gives_them() {
    let rig = Rig::start(config()).await;
    rig.emulator.update_msg91(|account| account.text = "##otp## for ##service##".to_owned());
    send(&rig, json!({ "otp_length": 6, "otp_expiry": 5, "service": "Acme" })).await;
    let message = rig.emulator.messages(&MessageFilter::default()).pop().unwrap();
    assert_eq!((message.code.len(), message.channel.as_str()), (6, "sms"));
    assert_eq!(message.text, format!("{} for Acme", message.code));
    rig.advance(299);
    assert_eq!(verify(&rig, "0").await, pair("error", "OTP not match"));
    rig.advance(1);
    assert_eq!(verify(&rig, &message.code).await, pair("error", "OTP expired"));
}

#[tokio::test]
async fn wrong_codes_and_resends_have_limits_that_load_tests_lift() {
    let rig = Rig::start(config()).await;
    send(&rig, json!({ "otp": "123456" })).await;
    let retry = async || {
        said(&rig.post(V, "/otp/retry", json!({ "mobile": TO, "retrytype": "voice" })).await)
    };
    for _ in 0..2 {
        assert_eq!(retry().await, pair("success", "retry send successfully"));
    }
    assert_eq!(retry().await, pair("error", "OTP retry count maxed out"));
    let calls = rig.emulator.messages(&MessageFilter::default());
    assert_eq!(calls.iter().filter(|message| message.channel == "voice").count(), 2);
    for _ in 0..5 {
        assert_eq!(verify(&rig, "0").await, pair("error", "OTP not match"));
    }
    let locked = pair("error", "Max limit reached for this otp verification");
    assert_eq!(verify(&rig, "123456").await, locked);
    rig.emulator.update_msg91(|account| account.enforce_limits = false);
    assert_eq!(verify(&rig, "123456").await, pair("success", "OTP verified success"));
}

#[tokio::test]
async fn a_message_is_reported_to_the_webhook_in_its_version() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    let url = inbox.url();
    rig.emulator.update_msg91(|account| account.status_url = Some(url));
    let id = send(&rig, json!({})).await.json()["request_id"].as_str().unwrap().to_owned();
    rig.emulator.update_msg91(|account| {
        account.webhook_version = 3;
        account.unreachable.push(TO.to_owned());
    });
    send(&rig, json!({})).await;
    rig.advance(5);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    let form =
        url::form_urlencoded::parse(received[0].body.as_bytes()).into_owned().next().unwrap();
    let batch: Value = serde_json::from_str(&form.1).unwrap();
    assert_eq!((form.0.as_str(), batch[0]["requestId"].as_str()), ("data", Some(id.as_str())));
    assert_eq!(batch[0]["report"][0]["status"], "1");
    let one: Value = serde_json::from_str(&received[1].body).unwrap();
    assert_eq!((one["status"].as_str(), one["number"].as_str()), (Some("2"), Some(TO)));
    assert_eq!(rig.emulator.messages(&MessageFilter::default()).len(), 1);
}
