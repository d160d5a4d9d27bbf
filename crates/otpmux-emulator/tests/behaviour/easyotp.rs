//! EasyOTP beyond the golden files: limits, the lock, test recipients, what a send does.

use crate::support::{Answer, Rig, config};
use otpmux_emulator::{MessageFilter, Vendor};
use serde_json::{Value, json};

const TO: &str = "+1234567890";

async fn send(rig: &Rig, body: Value) -> Answer {
    rig.post(Vendor::EasyOtp, "/send", body).await
}

#[tokio::test]
async fn a_made_code_arrives_and_verifies_once() {
    let rig = Rig::start(config()).await;
    let body = json!({ "channel": "sms", "recipient": TO, "message": "{code} - Acme: {code}" });
    let id = send(&rig, body).await.json()["verification_id"].as_str().unwrap().to_owned();
    let message = rig.emulator.messages(&MessageFilter::default()).remove(0);
    assert_eq!((message.vendor, message.channel.as_str()), (Vendor::EasyOtp, "sms"));
    assert_eq!((message.to.as_str(), message.code.len()), (TO, 6));
    assert_eq!(message.text, format!("{0} - Acme: {0}", message.code));
    assert_eq!(message.at, "2026-02-15T10:30:00.000Z");
    let answer = rig.easyotp_verify(&id, &message.code).await.json();
    assert_eq!(answer["verified"], true);
    let again = rig.easyotp_verify(&id, &message.code).await.json();
    assert_eq!(
        (&again["verified"], &again["message"]),
        (&json!(false), &json!("Code already used"))
    );
}

#[tokio::test]
async fn leading_zeros_are_part_of_a_code() {
    let rig = Rig::start(config()).await;
    let id = rig.easyotp_open(TO, "0042").await;
    assert_eq!(rig.emulator.last_code(TO).as_deref(), Some("0042"));
    assert_eq!(rig.easyotp_verify(&id, "00042").await.json()["message"], "Invalid code");
    // A number has lost them; the vendor takes strings only.
    let body = json!({ "verification_id": id, "code": 42 });
    assert_eq!(rig.post(Vendor::EasyOtp, "/verify", body).await.status, 400);
    assert_eq!(rig.easyotp_verify(&id, "0042").await.json()["verified"], true);
}

#[tokio::test]
async fn the_limit_of_a_recipient_ends_when_it_says() {
    let rig = Rig::start(config()).await;
    rig.easyotp_open(TO, "1111").await;
    rig.advance(20);
    rig.easyotp_open(TO, "1111").await;
    let body = json!({ "channel": "sms", "recipient": TO });
    let refused = send(&rig, body.clone()).await;
    assert_eq!((refused.status, &refused.json()["retry_after"]), (429, &json!(40)));
    rig.easyotp_open("+1234567891", "1111").await;
    rig.advance(39);
    assert_eq!(send(&rig, body.clone()).await.json()["retry_after"], 1);
    rig.advance(1);
    assert_eq!(send(&rig, body).await.status, 200);
    assert_eq!(rig.emulator.messages(&MessageFilter::default().to(TO)).len(), 3);
}

#[tokio::test]
async fn the_limit_of_the_key_counts_both_endpoints_and_says_no_time() {
    let rig = Rig::start(config()).await;
    let id = rig.easyotp_open("+15555550101", "1111").await;
    for _ in 0..119 {
        assert_eq!(rig.easyotp_verify(&id, "0000").await.status, 200);
    }
    let refused = rig.easyotp_verify(&id, "0000").await;
    assert_eq!(refused.status, 429);
    assert!(refused.json().get("retry_after").is_none());
    rig.advance(60);
    assert_eq!(rig.easyotp_verify(&id, "0000").await.status, 200);
}

#[tokio::test]
async fn five_wrong_codes_lock_one_verification_for_fifteen_minutes() {
    let rig = Rig::start(config()).await;
    let body = json!({ "channel": "sms", "recipient": TO, "code": "1111", "expires_in": 3600 });
    let id = send(&rig, body).await.json()["verification_id"].as_str().unwrap().to_owned();
    for _ in 0..5 {
        assert_eq!(rig.easyotp_verify(&id, "0000").await.json()["message"], "Invalid code");
    }
    rig.advance(60);
    let locked = rig.easyotp_verify(&id, "1111").await;
    assert_eq!((locked.status, &locked.json()["retry_after"]), (429, &json!(840)));
    let text = locked.json()["error"].as_str().unwrap().to_owned();
    assert!(text.contains("in 14 minutes or request a new code"), "{text}");
    let other = rig.easyotp_open(TO, "2222").await;
    assert_eq!(rig.easyotp_verify(&other, "2222").await.json()["verified"], true);
    rig.advance(840);
    assert_eq!(rig.easyotp_verify(&id, "1111").await.json()["verified"], true);
}

#[tokio::test]
async fn an_older_verification_stays_valid_after_a_newer_one() {
    let rig = Rig::start(config()).await;
    let older = rig.easyotp_open(TO, "1111").await;
    let newer = rig.easyotp_open(TO, "2222").await;
    assert_eq!(rig.easyotp_verify(&newer, "1111").await.json()["verified"], false);
    assert_eq!(rig.easyotp_verify(&newer, "2222").await.json()["verified"], true);
    assert_eq!(rig.easyotp_verify(&older, "1111").await.json()["verified"], true);
}

#[tokio::test]
async fn test_recipients_get_nothing_cost_nothing_and_have_no_limit() {
    let rig = Rig::start(config().with_easyotp(|account| account.credits = 0)).await;
    for _ in 0..3 {
        rig.easyotp_open("+15555550100", "9999").await;
    }
    let emails = rig.emulator.easyotp();
    for (to, code, verified) in [
        (&emails.test_email_always_ok, "123456", true),
        (&emails.test_email_always_ok, "654321", false),
        (&emails.test_email_always_invalid, "123456", false),
    ] {
        let body = json!({ "channel": "email", "recipient": to });
        let id = send(&rig, body).await.json()["verification_id"].as_str().unwrap().to_owned();
        assert_eq!(rig.easyotp_verify(&id, code).await.json()["verified"], verified, "{to}");
    }
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
    let refused = send(&rig, json!({ "channel": "sms", "recipient": TO })).await;
    assert_eq!(refused.status, 402);
}

#[tokio::test]
async fn a_send_takes_a_credit_and_a_refused_one_does_not() {
    let rig = Rig::start(config().with_easyotp(|account| account.credits = 2)).await;
    assert_eq!(send(&rig, json!({ "channel": "fax", "recipient": TO })).await.status, 400);
    rig.easyotp_open(TO, "1111").await;
    assert_eq!(rig.emulator.easyotp().credits, 1);
}

#[tokio::test]
async fn requests_that_do_not_fit_are_refused() {
    let rig = Rig::start(config()).await;
    for body in [
        json!({ "channel": "email", "recipient": TO }),
        json!({ "channel": "sms", "recipient": "user@example.com" }),
        json!({ "channel": "sms" }),
        json!({ "channel": "sms", "recipient": TO, "code": "123" }),
        json!({ "channel": "sms", "recipient": TO, "code": 123_456 }),
        json!({ "channel": "sms", "recipient": TO, "expires_in": 3601 }),
        json!({ "channel": "sms", "recipient": TO, "expires_in": "300" }),
        json!(["channel"]),
    ] {
        let answer = send(&rig, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(uuid::Uuid::try_parse(answer.json()["request_id"].as_str().unwrap()).is_ok());
    }
    let form = rig.request(reqwest::Method::POST, Vendor::EasyOtp, "/send");
    let form = form.header("content-type", "text/plain").body(r#"{"channel":"sms"}"#);
    assert_eq!(form.send().await.unwrap().status(), 400);
    assert_eq!(rig.get(Vendor::EasyOtp, "/send").await.status, 405);
    assert_eq!(rig.post(Vendor::EasyOtp, "/resend", json!({})).await.status, 404);
    let large = json!({ "channel": "sms", "recipient": TO, "message": "x".repeat(70_000) });
    assert_eq!(send(&rig, large).await.status, 413);
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
}

#[tokio::test]
async fn wrong_keys_are_refused() {
    let rig = Rig::start(config()).await;
    let url = format!("{}/send", rig.emulator.base_url(Vendor::EasyOtp));
    let key = rig.emulator.easyotp().api_key;
    for (name, value) in [
        ("authorization", "Bearer wrong".to_owned()),
        ("authorization", key.clone()),
        ("authorization", format!("Basic {key}")),
        ("x-api-key", key),
    ] {
        let body = json!({ "channel": "sms", "recipient": TO });
        let request = rig.client.post(&url).header(name, value).json(&body);
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
}
