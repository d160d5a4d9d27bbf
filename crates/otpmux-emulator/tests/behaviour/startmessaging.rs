//! StartMessaging beyond the golden files: what repeats do, billing, delivery, credentials.

use crate::support::{Rig, config};
use otpmux_emulator::vendors::startmessaging::{Delivery, Dialect, Idempotency};
use otpmux_emulator::{MessageFilter, Vendor};
use serde_json::{Value, json};

const TO: &str = "+919876543210";
const VENDOR: Vendor = Vendor::StartMessaging;

async fn in_dialect(dialect: Dialect) -> Rig {
    Rig::start(config().with_startmessaging(|account| account.dialect = dialect)).await
}

fn live_body() -> Value {
    json!({ "phoneNumber": TO, "variables": { "otp": "0042", "appName": "Acme" } })
}

fn sent(rig: &Rig) -> usize {
    rig.emulator.messages(&MessageFilter::default().vendor(VENDOR)).len()
}

#[tokio::test]
async fn the_callers_code_is_put_into_the_template() {
    let rig = in_dialect(Dialect::Live).await;
    assert_eq!(rig.post(VENDOR, "/otp/send", live_body()).await.status, 201);
    let mut body = live_body();
    body["templateId"] = json!(rig.emulator.startmessaging().templates[0].id);
    body["variables"]["expiry"] = json!(7);
    assert_eq!(rig.post(VENDOR, "/otp/send", body).await.status, 201);
    let texts: Vec<_> =
        rig.emulator.messages(&MessageFilter::default()).into_iter().map(|m| m.text).collect();
    assert_eq!(
        texts,
        [
            "Your verification code is 0042. Valid for 5 minutes.",
            "Your Acme code is 0042. Valid for 7 minutes.",
        ]
    );
    assert_eq!(rig.emulator.last_code(TO).as_deref(), Some("0042"));
}

#[tokio::test]
async fn the_live_deployment_bills_a_repeat_again() {
    let rig = in_dialect(Dialect::Live).await;
    let mut body = live_body();
    body["idempotencyKey"] = json!("the same");
    let first = rig.post(VENDOR, "/otp/send", body.clone()).await.json();
    let second = rig.post(VENDOR, "/otp/send", body).await.json();
    assert_ne!(first["data"]["messageId"], second["data"]["messageId"]);
    assert_eq!(sent(&rig), 2);
    let before = rig.emulator.startmessaging().balance_paise;
    rig.advance(5);
    rig.get(VENDOR, "/wallet").await;
    assert_eq!(rig.emulator.startmessaging().balance_paise, before - 50);
}

#[tokio::test]
async fn a_replay_gives_the_stored_answer_and_sends_nothing() {
    for dialect in [Dialect::Tutorial, Dialect::February, Dialect::Docs] {
        let rig = in_dialect(dialect).await;
        rig.emulator.update_startmessaging(|account| account.idempotency = Idempotency::Replay);
        let mut body = live_body();
        body["otp"] = json!("0042");
        body["idempotencyKey"] = json!("k1");
        let first = rig.post(VENDOR, "/otp/send", body.clone()).await;
        rig.advance(60);
        let second = rig.post(VENDOR, "/otp/send", body.clone()).await;
        assert_eq!((first.status, &first.text), (second.status, &second.text));
        assert_eq!(sent(&rig), 1, "{dialect:?}");
        let mut other = body.clone();
        other["phoneNumber"] = json!("+919876543211");
        let conflict = rig.post(VENDOR, "/otp/send", other).await;
        assert_eq!(conflict.status, 409);
        assert_eq!(conflict.json()["error"]["code"], "IDEMPOTENCY_CONFLICT");
        // The key is remembered for a day.
        rig.advance(24 * 3600);
        assert_ne!(rig.post(VENDOR, "/otp/send", body).await.text, first.text);
        assert_eq!(sent(&rig), 2);
    }
}

#[tokio::test]
async fn the_tutorial_makes_and_verifies_the_code() {
    let rig = in_dialect(Dialect::Tutorial).await;
    let answer = rig.post(VENDOR, "/otp/send", json!({ "phoneNumber": TO })).await.json();
    let id = answer["data"]["requestId"].as_str().unwrap().to_owned();
    let code = rig.emulator.last_code(TO).unwrap();
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let verify = |code: &str| {
        let body = json!({ "requestId": id, "otpCode": code });
        rig.post(VENDOR, "/otp/verify", body)
    };
    assert_eq!(verify(wrong).await.status, 400);
    assert_eq!(verify(&code).await.json()["data"]["verified"], true);
    assert_eq!(verify(&code).await.status, 409);
}

#[tokio::test]
async fn three_wrong_codes_use_up_the_tutorials_attempts() {
    let rig = in_dialect(Dialect::Tutorial).await;
    let answer = rig.post(VENDOR, "/otp/send", json!({ "phoneNumber": TO })).await.json();
    let code = rig.emulator.last_code(TO).unwrap();
    for attempt in ["x", "x", "x", &code] {
        let body = json!({ "requestId": answer["data"]["requestId"], "otpCode": attempt });
        let answer = rig.post(VENDOR, "/otp/verify", body).await;
        assert_eq!(answer.status, 400);
        let exhausted = answer.json()["message"] == "Maximum verification attempts exceeded";
        assert_eq!(exhausted, attempt == code);
    }
}

#[tokio::test]
async fn a_resent_code_replaces_the_callers() {
    let rig = in_dialect(Dialect::February).await;
    let body = json!({ "phoneNumber": TO, "otp": "0042", "idempotencyKey": "k" });
    let id = rig.post(VENDOR, "/otp/send", body).await.json()["data"]["otpRequestId"].clone();
    let resent = rig.post(VENDOR, "/otp/resend", json!({ "otpRequestId": id })).await.json();
    assert_eq!(resent["data"]["otpRequestId"], id);
    let code = rig.emulator.last_code(TO).unwrap();
    let body = json!({ "otpRequestId": id, "otp": code });
    assert_eq!(rig.post(VENDOR, "/otp/verify", body).await.json()["data"]["verified"], true);
}

#[tokio::test]
async fn the_fourth_send_to_a_number_waits_five_minutes() {
    for (dialect, status, wait) in [(Dialect::Live, 400, None), (Dialect::Docs, 429, Some("300"))] {
        let rig = in_dialect(dialect).await;
        for _ in 0..3 {
            assert_eq!(rig.post(VENDOR, "/otp/send", live_body()).await.status, 201);
        }
        let refused = rig.post(VENDOR, "/otp/send", live_body()).await;
        assert_eq!((refused.status, refused.header("retry-after")), (status, wait));
        assert_eq!(refused.json()["error"]["code"], "RATE_LIMIT_EXCEEDED");
        rig.advance(300);
        assert_eq!(rig.post(VENDOR, "/otp/send", live_body()).await.status, 201);
    }
}

#[tokio::test]
async fn a_refusing_operator_gives_the_place_back_and_an_empty_wallet_does_not() {
    let rig = in_dialect(Dialect::Live).await;
    rig.emulator.update_startmessaging(|account| account.upstream_refuses = true);
    for _ in 0..5 {
        let code = rig.post(VENDOR, "/otp/send", live_body()).await.json()["error"]["code"].clone();
        assert_eq!(code, "OTP_SEND_FAILED");
    }
    rig.emulator.update_startmessaging(|account| account.balance_paise = 0);
    for expected in [&["INSUFFICIENT_BALANCE"; 3][..], &["RATE_LIMIT_EXCEEDED"]].concat() {
        let code = rig.post(VENDOR, "/otp/send", live_body()).await.json()["error"]["code"].clone();
        assert_eq!(code, expected);
    }
}

#[tokio::test]
async fn delivery_takes_its_time_and_may_expire() {
    let rig = in_dialect(Dialect::Docs).await;
    rig.emulator.update_startmessaging(|account| account.delivery = Delivery::Expired);
    let id = rig.post(VENDOR, "/otp/send", live_body()).await.json()["data"]["messageId"].clone();
    let (path, check) = (
        format!("/messages/{}", id.as_str().unwrap()),
        format!("/messages/{}/check-status", id.as_str().unwrap()),
    );
    assert_eq!(rig.get(VENDOR, &path).await.json()["data"]["status"], "queued");
    assert_eq!(rig.post(VENDOR, &check, json!({})).await.json()["data"]["status"], "sent");
    rig.advance(5);
    assert_eq!(rig.get(VENDOR, &path).await.json()["data"]["status"], "expired");
    let checked = rig.post(VENDOR, &check, json!({})).await;
    assert_eq!((checked.status, &checked.json()["data"]["status"]), (201, &json!("failed")));
}

#[tokio::test]
async fn the_list_has_pages() {
    let rig = in_dialect(Dialect::Live).await;
    for n in 0..3 {
        let mut body = live_body();
        body["phoneNumber"] = json!(format!("+91987654321{n}"));
        rig.post(VENDOR, "/otp/send", body).await;
    }
    let list = rig.get(VENDOR, "/messages?page=2&limit=2").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["phoneNumber"], "+919876543210");
    assert_eq!(list["pagination"]["totalPages"], 2);
    assert_eq!(list["pagination"]["hasPreviousPage"], true);
    let none = rig.get(VENDOR, "/messages?status=failed").await.json();
    assert_eq!(none["pagination"]["totalItems"], 0);
}

#[tokio::test]
async fn answers_tell_what_the_throttler_leaves() {
    let rig = in_dialect(Dialect::Live).await;
    let answer = rig.post(VENDOR, "/otp/send", live_body()).await;
    assert_eq!(answer.header("x-ratelimit-limit"), Some("200"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("199"));
    assert!(answer.header("x-ratelimit-reset").is_some());
}

#[tokio::test]
async fn a_bearer_token_is_no_key_here() {
    let rig = in_dialect(Dialect::Live).await;
    let url = format!("{}/wallet", rig.emulator.base_url(VENDOR));
    let key = rig.emulator.startmessaging().api_key;
    let answer = rig.client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    rig.emulator.update_startmessaging(|account| account.address_refused = true);
    let refused = rig.get(VENDOR, "/wallet").await;
    assert_eq!(refused.json()["error"]["message"], "Authentication required");
}
