//! Infobip's 2FA: the limits of an application, and what status 200 may mean.

use otpmux_emulator::{MessageFilter, Vendor};
use serde_json::{Value, json};

use crate::inbox::Inbox;
use crate::support::{Answer, Rig, config};

const V: Vendor = Vendor::Infobip2fa;
const TO: &str = "41793026727";

fn body(rig: &Rig) -> Value {
    let application = rig.emulator.infobip2fa().application_id;
    json!({ "applicationId": application, "messageId": "9C815F8AF3328", "to": TO })
}

async fn send(rig: &Rig) -> Answer {
    rig.post(V, "/2fa/2/pin?ncNeeded=false", body(rig)).await
}

async fn open(rig: &Rig) -> String {
    let answer = send(rig).await;
    assert_eq!((answer.status, answer.json()["smsStatus"].as_str()), (200, Some("MESSAGE_SENT")));
    answer.json()["pinId"].as_str().unwrap().to_owned()
}

async fn verify(rig: &Rig, id: &str, code: &str) -> Answer {
    rig.post(V, &format!("/2fa/2/pin/{id}/verify"), json!({ "pin": code })).await
}

#[tokio::test]
async fn a_number_gets_three_messages_a_day() {
    let rig = Rig::start(config()).await;
    let id = open(&rig).await;
    let resend = format!("/2fa/2/pin/{id}/resend");
    let first = rig.emulator.last_code(TO).unwrap();
    assert_eq!(rig.post(V, &resend, json!({})).await.json()["pinId"], *id);
    assert_eq!(rig.emulator.last_code(TO).unwrap(), first, "a resend has the same code");
    open(&rig).await;
    assert_eq!(send(&rig).await.status, 429);
    assert_eq!(rig.post(V, &resend, json!({})).await.status, 429);
    rig.advance(24 * 3600);
    open(&rig).await;
}

#[tokio::test]
async fn a_code_can_be_tried_once_in_three_seconds_and_ten_times_in_all() {
    let rig = Rig::start(config()).await;
    let id = open(&rig).await;
    for left in (0..10).rev() {
        let answer = verify(&rig, &id, "0").await.json();
        let got = (&answer["pinError"], &answer["attemptsRemaining"]);
        assert_eq!(got, (&json!("WRONG_PIN"), &json!(left)));
        assert_eq!(verify(&rig, &id, "0").await.status, 429, "too fast");
        rig.advance(3);
    }
    let code = rig.emulator.last_code(TO).unwrap();
    let answer = verify(&rig, &id, &code).await.json();
    assert_eq!(
        (&answer["verified"], answer["pinError"].as_str()),
        (&json!(false), Some("NO_MORE_PIN_ATTEMPTS"))
    );
}

#[tokio::test]
async fn a_right_code_is_right_again_unless_the_application_forbids_it() {
    let rig = Rig::start(config()).await;
    let id = open(&rig).await;
    let code = rig.emulator.last_code(TO).unwrap();
    for _ in 0..2 {
        assert_eq!(verify(&rig, &id, &code).await.json()["verified"], true);
        rig.advance(3);
    }
    rig.emulator.update_infobip2fa(|account| account.allow_multiple_pin_verifications = false);
    assert_eq!(verify(&rig, &id, &code).await.json()["verified"], false);
    rig.advance(15 * 60);
    assert_eq!(verify(&rig, &id, &code).await.json()["pinError"], "TTL_EXPIRED");
    assert_eq!(verify(&rig, "unknown", &code).await.status, 404);
}

#[tokio::test]
async fn status_200_does_not_mean_that_a_message_goes_out() {
    let rig = Rig::start(config()).await;
    rig.emulator.update_infobip2fa(|account| account.unreachable.push(TO.to_owned()));
    let looked_up = rig.post(V, "/2fa/2/pin", body(&rig)).await;
    assert_eq!(looked_up.status, 200);
    assert_eq!(looked_up.json()["ncStatus"], "NC_DESTINATION_NOT_REACHABLE");
    assert_eq!(looked_up.json()["smsStatus"], "MESSAGE_NOT_SENT");
    assert_eq!(send(&rig).await.json()["smsStatus"], "MESSAGE_SENT");
    rig.emulator.update_infobip2fa(|account| account.balance = "0".to_owned());
    assert_eq!(send(&rig).await.json()["smsStatus"], "MESSAGE_NOT_SENT");
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
}

#[tokio::test]
async fn tracked_messages_are_reported_in_batches() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    let url = inbox.url();
    rig.emulator.update_infobip2fa(|account| account.status_url = Some(url));
    let mut tracked = body(&rig);
    tracked["trackDelivery"] = json!(true);
    let answer = rig.post(V, "/2fa/2/pin?ncNeeded=false", tracked).await.json();
    send(&rig).await;
    rig.advance(5);
    rig.emulator.receipts_settled().await;
    let received = inbox.received();
    assert_eq!(received.len(), 1, "the other message is not tracked");
    let batch: Value = serde_json::from_str(&received[0].body).unwrap();
    assert_eq!(batch["results"][0]["messageId"], answer["externalMessageId"]);
    assert_eq!(batch["results"][0]["status"]["groupName"], "DELIVERED");
}
