//! The admin API.

use otpmux_emulator::vendors::easyotp::EasyOtpAccount;
use otpmux_emulator::{MessageFilter, Vendor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Rig, config};

const TO: &str = "+1234567890";

async fn get(rig: &Rig, path: &str) -> Value {
    let answer = rig.admin(Method::GET, path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn messages_are_listed_filtered_and_deleted() {
    let rig = Rig::start(config()).await;
    rig.easyotp_open(TO, "0001").await;
    rig.easyotp_open("+1234567891", "0002").await;
    let body = json!({ "phoneNumber": "+919876543210", "variables": { "otp": "0003" } });
    rig.post(Vendor::StartMessaging, "/otp/send", body).await;
    let codes = async |path: &str| {
        let list = get(&rig, path).await;
        let codes = list.as_array().unwrap().iter().map(|message| message["code"].clone());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes("/messages").await, ["0001", "0002", "0003"]);
    assert_eq!(codes("/messages?vendor=startmessaging").await, ["0003"]);
    assert_eq!(codes("/messages?to=%2B1234567891").await, ["0002"]);
    assert_eq!(codes("/messages?to=+1234567891&vendor=easyotp").await, ["0002"]);
    assert_eq!(
        codes("/messages?to=%2B1234567891&vendor=startmessaging").await,
        Vec::<Value>::new()
    );
    let first = get(&rig, "/messages").await[0].clone();
    assert_eq!(
        first,
        json!({
            "vendor": "easyotp",
            "channel": "sms",
            "to": TO,
            "text": "Your verification code is: 0001",
            "code": "0001",
            "at": "2026-02-15T10:30:00.000Z",
        })
    );
    assert_eq!(rig.admin(Method::DELETE, "/messages", Value::Null).await.status, 204);
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared() {
    let rig = Rig::start(config()).await;
    let fault = json!({ "kind": "status", "status": 503, "count": 2, "endpoint": "/send" });
    let put = rig.admin(Method::PUT, "/faults/easyotp", fault.clone()).await;
    assert_eq!((put.status, put.json()), (200, fault));
    let body = json!({ "channel": "sms", "recipient": TO });
    assert_eq!(rig.post(Vendor::EasyOtp, "/send", body.clone()).await.status, 503);
    assert_eq!(get(&rig, "/faults").await["easyotp"]["count"], 1);
    let cleared = rig.admin(Method::DELETE, "/faults/easyotp", Value::Null).await;
    assert_eq!(cleared.status, 204);
    assert_eq!(get(&rig, "/faults").await, json!({}));
    assert_eq!(rig.post(Vendor::EasyOtp, "/send", body).await.status, 200);
}

#[tokio::test]
async fn the_clock_moves() {
    let rig = Rig::start(config()).await;
    let id = rig.easyotp_open(TO, "1234").await;
    let moved = rig.admin(Method::POST, "/clock", json!({ "advance_seconds": 301 })).await;
    assert_eq!(moved.json(), json!({ "now": "2026-02-15T10:35:01.000Z" }));
    assert_eq!(get(&rig, "/clock").await, moved.json());
    assert_eq!(rig.easyotp_verify(&id, "1234").await.json()["message"], "Code expired");
}

#[tokio::test]
async fn accounts_are_changed_field_by_field() {
    let rig = Rig::start(config()).await;
    let put = rig.admin(Method::PUT, "/accounts/easyotp", json!({ "credits": 0 })).await;
    assert_eq!((put.status, &put.json()["credits"]), (200, &json!(0)));
    assert_eq!(put.json()["api_key"], rig.emulator.easyotp().api_key);
    let body = json!({ "channel": "sms", "recipient": TO });
    assert_eq!(rig.post(Vendor::EasyOtp, "/send", body).await.status, 402);
    let change = json!({ "dialect": "tutorial", "onboarding": "kyc_approval" });
    rig.admin(Method::PUT, "/accounts/startmessaging", change).await;
    let body = json!({ "phoneNumber": "+919876543210" });
    let refused = rig.post(Vendor::StartMessaging, "/otp/send", body.clone()).await;
    assert_eq!((refused.status, &refused.json()["message"]), (403, &json!("KYC approval pending")));
    let change = json!({ "onboarding": null });
    rig.admin(Method::PUT, "/accounts/startmessaging", change).await;
    assert_eq!(rig.post(Vendor::StartMessaging, "/otp/send", body).await.status, 200);
    rig.admin(Method::PUT, "/accounts/airtexts", json!({ "verify_shape": "message_only" })).await;
    assert_eq!(get(&rig, "/accounts/airtexts").await["verify_shape"], "message_only");
}

#[tokio::test]
async fn requests_are_counted_per_vendor() {
    let rig = Rig::start(config()).await;
    rig.easyotp_open(TO, "1234").await;
    rig.get(Vendor::AirTexts, "/otp/list?appid=secret").await;
    let seen = get(&rig, "/requests?vendor=airtexts").await;
    assert_eq!(
        seen,
        json!({ "count": 1, "requests": [{
            "vendor": "airtexts",
            "method": "GET",
            "path": "/otp/list",
            "at": "2026-02-15T10:30:00.000Z",
        }]})
    );
    assert_eq!(get(&rig, "/requests").await["count"], 2);
    rig.admin(Method::DELETE, "/requests", Value::Null).await;
    assert_eq!(get(&rig, "/requests").await, json!({ "count": 0, "requests": [] }));
}

#[tokio::test]
async fn mistakes_are_reported() {
    let rig = Rig::start(config()).await;
    let hang = json!({ "kind": "hang" });
    for (method, path, body, status, word) in [
        (Method::PUT, "/faults/easyopt", hang.clone(), 404, "startmessaging"),
        (Method::PUT, "/faults/easyotp", json!({ "kind": "explode" }), 400, "reset_after_read"),
        (Method::PUT, "/faults/easyotp", json!({ "kind": "hang", "cuont": 1 }), 400, "cuont"),
        (Method::PUT, "/faults/easyotp", Value::Null, 400, "EOF"),
        (Method::POST, "/faults/easyotp", hang, 405, "PUT, DELETE /_emulator/faults/{vendor}"),
        (Method::PUT, "/accounts/easyotp", json!({ "credit": 1 }), 400, "credits"),
        (Method::PUT, "/accounts/easyotp", json!({ "credits": -1 }), 400, "invalid value"),
        (Method::PUT, "/accounts/startmessaging", json!({ "dialect": "x" }), 400, "february"),
        (Method::PUT, "/accounts/nobody", json!({}), 404, "startmessaging"),
        (Method::POST, "/clock", json!({ "advance": 1 }), 400, "advance_seconds"),
        (Method::POST, "/clock", json!({ "advance_seconds": u64::MAX }), 400, "100 years"),
        (Method::GET, "/messages?vendor=nobody", Value::Null, 400, "easyotp"),
        (Method::GET, "/messages?recipient=x", Value::Null, 400, "`vendor` or `to`"),
        (Method::GET, "/nothing", Value::Null, 404, "GET / for the page"),
        (Method::PUT, "/accounts/easyotp", json!({ "api_key": "x".repeat(70_000) }), 413, "64 KiB"),
    ] {
        let answer = rig.admin(method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(word), "{path}: {error}");
    }
    assert_eq!(rig.emulator.easyotp(), EasyOtpAccount::default());
    assert_eq!(rig.emulator.request_count(Vendor::EasyOtp), 0);
}
