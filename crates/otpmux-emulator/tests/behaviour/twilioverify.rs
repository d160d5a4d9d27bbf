//! Twilio Verify: limits, the end of a verification, and custom codes.

use otpmux_emulator::Vendor;
use serde_json::Value;

use crate::support::{Answer, Rig, config};

const V: Vendor = Vendor::TwilioVerify;
const TO: &str = "+15017122661";
const SERVICE: &str = "/v2/Services/VA0123456789abcdef0123456789abcdef";

async fn start(rig: &Rig, fields: &[(&str, &str)]) -> Answer {
    let fields = [&[("To", TO), ("Channel", "sms")], fields].concat();
    rig.form(V, &format!("{SERVICE}/Verifications"), &fields).await
}

async fn check(rig: &Rig, sid: &Value, code: &str) -> Answer {
    let fields = [("VerificationSid", sid.as_str().unwrap()), ("Code", code)];
    rig.form(V, &format!("{SERVICE}/VerificationCheck"), &fields).await
}

#[tokio::test]
async fn a_second_start_repeats_the_code_until_the_verification_ends() {
    let rig = Rig::start(config()).await;
    let first = start(&rig, &[]).await.json();
    let code = rig.emulator.last_code(TO).unwrap();
    let second = start(&rig, &[("Channel", "call")]).await.json();
    assert_eq!(second["sid"], first["sid"]);
    assert_eq!(second["send_code_attempts"].as_array().unwrap().len(), 2);
    assert_eq!(rig.emulator.last_code(TO).unwrap(), code);
    rig.advance(600);
    let third = start(&rig, &[]).await.json();
    assert_ne!(third["sid"], first["sid"]);
    assert_eq!(check(&rig, &first["sid"], &code).await.status, 404);
}

#[tokio::test]
async fn five_sends_in_the_life_of_a_verification() {
    let rig = Rig::start(config()).await;
    for _ in 0..5 {
        assert_eq!(start(&rig, &[]).await.status, 201);
    }
    let refused = start(&rig, &[]).await;
    assert_eq!((refused.status, refused.json()["code"].as_u64()), (429, Some(60203)));
    rig.advance(599);
    assert_eq!(start(&rig, &[]).await.status, 429);
    rig.advance(1);
    assert_eq!(start(&rig, &[]).await.status, 201);
}

#[tokio::test]
async fn five_checks_and_then_not_even_the_right_code() {
    let rig = Rig::start(config()).await;
    let sid = start(&rig, &[("CustomCode", "123456")]).await.json()["sid"].clone();
    for _ in 0..5 {
        let wrong = check(&rig, &sid, "654321").await;
        assert_eq!((wrong.status, wrong.json()["status"].as_str()), (200, Some("pending")));
    }
    let refused = check(&rig, &sid, "123456").await;
    assert_eq!((refused.status, refused.json()["code"].as_u64()), (429, Some(60202)));
}

#[tokio::test]
async fn an_approved_reported_or_cancelled_verification_is_gone() {
    let rig = Rig::start(config()).await;
    for end in ["check", "approved", "canceled"] {
        let sid = start(&rig, &[("CustomCode", "123456")]).await.json()["sid"].clone();
        let path = format!("{SERVICE}/Verifications/{}", sid.as_str().unwrap());
        let ended = match end {
            "check" => check(&rig, &sid, "123456").await,
            status => rig.form(V, &path, &[("Status", status)]).await,
        };
        let status = if end == "check" { "approved" } else { end };
        assert_eq!((ended.status, ended.json()["status"].as_str()), (200, Some(status)));
        let gone = check(&rig, &sid, "123456").await;
        assert_eq!((gone.status, gone.json()["code"].as_u64()), (404, Some(20404)));
        assert_eq!(rig.get(V, &path).await.status, 404);
    }
}

#[tokio::test]
async fn an_api_key_authenticates_too_and_nothing_else() {
    let rig = Rig::start(config()).await;
    let account = rig.emulator.twilioverify();
    let url = format!("{}{SERVICE}/Verifications", rig.emulator.base_url(V));
    for (user, password, status) in [
        (&account.api_key_sid, &account.api_key_secret, 201),
        (&account.account_sid, &account.api_key_secret, 401),
        (&account.api_key_sid, &account.auth_token, 401),
    ] {
        let request = rig.client.post(&url).basic_auth(user, Some(password));
        let fields = [("To", TO), ("Channel", "sms")];
        assert_eq!(request.form(&fields).send().await.unwrap().status(), status);
    }
}
