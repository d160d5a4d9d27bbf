//! AirTexts beyond the golden files: credentials, aliases, limits, and each form of answer.

use crate::support::{Answer, Rig, config};
use otpmux_emulator::vendors::airtexts::{
    AirTextsAccount, ErrorShape, ExpiryField, SendShape, VerifyShape, WrongCode,
};
use otpmux_emulator::{MessageFilter, Vendor};
use serde_json::{Value, json};

const TO: &str = "+5511999888777";
const VENDOR: Vendor = Vendor::AirTexts;

async fn with(change: impl FnOnce(&mut AirTextsAccount)) -> Rig {
    Rig::start(config().with_airtexts(change)).await
}

async fn post(rig: &Rig, path: &str, mut body: Value) -> Answer {
    body["appid"] = json!(rig.emulator.airtexts().appid);
    rig.post(VENDOR, path, body).await
}

async fn open(rig: &Rig) -> String {
    let answer = post(rig, "/otp/send", json!({ "recipient": TO })).await;
    answer.json()["verification_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_of_three_credentials_is_enough_and_a_wrong_one_never() {
    let rig = with(|_| {}).await;
    let account = rig.emulator.airtexts();
    let url = format!("{}/otp/list?appid={}", rig.emulator.base_url(VENDOR), account.appid);
    let get = || rig.client.get(&url);
    let (key, secret) = (&account.api_key, &account.api_secret);
    for (request, status) in [
        (get(), 401),
        (get().header("x-api-key", key).header("x-api-secret", secret), 200),
        (get().header("x-api-key", key), 401),
        (get().header("x-api-key", secret).header("x-api-secret", key), 401),
        (get().basic_auth(&account.username, Some(&account.password)), 200),
        (get().basic_auth(&account.username, Some("wrong")), 401),
        (get().bearer_auth(&account.bearer), 200),
        (get().bearer_auth("wrong"), 401),
        (get().header("x-api-key", "wrong").bearer_auth(&account.bearer), 401),
    ] {
        let request = request.build().unwrap();
        let described = format!("{:?}", request.headers());
        let answer = rig.client.execute(request).await.unwrap();
        assert_eq!(answer.status(), status, "{described}");
    }
}

#[tokio::test]
async fn documented_aliases_are_taken() {
    let rig = with(|_| {}).await;
    for name in ["recipient", "phone", "to"] {
        let body = json!({ name: TO, "sender": "Acme", "otp_length": 8 });
        let sent = post(&rig, "/otp/send", body).await.json();
        let code = rig.emulator.last_code(TO).unwrap();
        assert_eq!(code.len(), 8);
        let body = json!({ "code": code, "verification_id": sent["verification_id"], name: TO });
        assert_eq!(post(&rig, "/otp/verify", body).await.json()["verified"], true);
    }
    let texts = rig.emulator.messages(&MessageFilter::default());
    assert!(texts.iter().all(|message| message.text.starts_with("Acme: ")));
}

#[tokio::test]
async fn requests_that_do_not_fit_are_refused() {
    let rig = with(|_| {}).await;
    for (body, code) in [
        (json!({ "recipient": "+5511999888777,+5511999888778" }), "INVALID_RECIPIENT"),
        (json!({ "recipient": "5511999888777" }), "INVALID_RECIPIENT"),
        (json!({ "recipient": TO, "channel": "voice" }), "INVALID_CHANNEL"),
        (json!({ "recipient": TO, "otp_length": 9 }), "INVALID_OTP_LENGTH"),
        (json!({ "recipient": TO, "templateId": "123" }), "INVALID_TEMPLATE"),
    ] {
        let answer = post(&rig, "/otp/send", body).await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(code)));
    }
    assert_eq!(rig.post(VENDOR, "/otp/send", json!({ "recipient": TO })).await.status, 400);
    assert_eq!(rig.get(VENDOR, "/otp/send").await.status, 405);
    assert_eq!(rig.get(VENDOR, "/otp/other").await.status, 404);
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
}

#[tokio::test]
async fn a_code_is_bound_to_its_recipient_when_one_is_named() {
    let rig = with(|_| {}).await;
    let id = open(&rig).await;
    let code = rig.emulator.last_code(TO).unwrap();
    let body = json!({ "otp_code": code, "verification_id": id, "recipient": "+5511999888778" });
    assert_eq!(post(&rig, "/otp/verify", body).await.status, 404);
    let body = json!({ "otp_code": code, "recipient": TO });
    assert_eq!(post(&rig, "/otp/verify", body).await.json()["verification_id"], id);
}

#[tokio::test]
async fn attempts_run_out_until_the_code_expires() {
    let rig = with(|account| account.fixed_code = Some("0042".to_owned())).await;
    let id = open(&rig).await;
    let verify = |code: &'static str| {
        post(&rig, "/otp/verify", json!({ "otp_code": code, "verification_id": id }))
    };
    for left in [2, 1, 0] {
        assert_eq!(verify("0000").await.json()["attempts_remaining"], left);
    }
    rig.advance(100);
    let exhausted = verify("0042").await;
    assert_eq!((exhausted.status, &exhausted.json()["retry_after"]), (429, &json!(200)));
    rig.advance(200);
    assert_eq!(verify("0042").await.status, 410);
}

#[tokio::test]
async fn a_resend_renews_the_code_under_the_same_or_a_new_id() {
    for new_id in [false, true] {
        let rig = with(|account| account.resend_gives_new_id = new_id).await;
        let id = open(&rig).await;
        rig.advance(299);
        let resent = post(&rig, "/otp/resend", json!({ "verification_id": id })).await.json();
        assert_eq!(resent["verification_id"] != id.as_str(), new_id);
        rig.advance(299);
        let code = rig.emulator.last_code(TO).unwrap();
        let body = json!({ "otp_code": code, "verification_id": resent["verification_id"] });
        assert_eq!(post(&rig, "/otp/verify", body).await.json()["verified"], true);
        assert_eq!(rig.emulator.messages(&MessageFilter::default()).len(), 2);
    }
}

#[tokio::test]
async fn every_form_of_an_accepted_send() {
    for (shape, pointer) in [
        (SendShape::Flat, "/verification_id"),
        (SendShape::Nested, "/data/verification_id"),
        (SendShape::ResultCamelCase, "/result/verificationId"),
        (SendShape::BareId, "/id"),
    ] {
        let rig = with(|account| {
            account.send_shape = shape;
            account.send_status = 202;
            account.expiry_field = ExpiryField::Absent;
            account.reveal_code = true;
        })
        .await;
        let answer = post(&rig, "/otp/send", json!({ "recipient": TO })).await;
        assert_eq!(answer.status, 202);
        assert!(answer.json().pointer(pointer).unwrap().as_str().unwrap().starts_with("otp_"));
        assert!(!answer.text.contains("expires"));
        assert!(answer.text.contains(&rig.emulator.last_code(TO).unwrap()));
    }
}

#[tokio::test]
async fn every_form_of_a_right_and_of_a_wrong_code() {
    for (shape, expected) in [
        (VerifyShape::Nested, json!({ "pointer": "/data/verified", "value": true })),
        (VerifyShape::Valid, json!({ "pointer": "/valid", "value": true })),
        (VerifyShape::StatusWord, json!({ "pointer": "/status", "value": "approved" })),
        (VerifyShape::MessageOnly, json!({ "pointer": "/verified", "value": null })),
    ] {
        let rig = with(|account| account.verify_shape = shape).await;
        let id = open(&rig).await;
        let code = rig.emulator.last_code(TO).unwrap();
        let answer = post(&rig, "/otp/verify", json!({ "otp_code": code, "verification_id": id }));
        let answer = answer.await.json();
        let found = answer.pointer(expected["pointer"].as_str().unwrap());
        assert_eq!(found.unwrap_or(&Value::Null), &expected["value"], "{shape:?}");
    }
    for (wrong_code, error_shape, status, text) in [
        (WrongCode::Status422, ErrorShape::Object, 422, "/error/message"),
        (WrongCode::Status400, ErrorShape::Text, 400, "/error"),
        (WrongCode::Status400, ErrorShape::TopLevel, 400, "/message"),
        (WrongCode::Status200, ErrorShape::Object, 200, "/message"),
    ] {
        let rig = with(|account| {
            (account.wrong_code, account.error_shape) = (wrong_code, error_shape);
            account.fixed_code = Some("1111".to_owned());
        })
        .await;
        let id = open(&rig).await;
        let body = json!({ "otp_code": "0000", "verification_id": id });
        let answer = post(&rig, "/otp/verify", body).await;
        assert_eq!((answer.status, &answer.json()["verified"]), (status, &json!(false)));
        assert_eq!(answer.json().pointer(text), Some(&json!("Invalid OTP code")));
    }
}

#[tokio::test]
async fn the_hourly_limit_ends_when_it_says() {
    let rig = with(|account| account.sends_per_hour = 1).await;
    open(&rig).await;
    rig.advance(3000);
    let refused = post(&rig, "/otp/send", json!({ "recipient": TO })).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("600")));
    rig.advance(600);
    open(&rig).await;
}
