//! Vonage Verify: workflows on the emulator's clock, and their reports.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use otpmux_emulator::{MessageFilter, Vendor};
use serde_json::{Value, json};

use crate::inbox::{Inbox, Received};
use crate::support::{Answer, Rig, config};

const V: Vendor = Vendor::VonageVerify;
const TO: &str = "15017122661";

async fn start(rig: &Rig, more: Value) -> Answer {
    let mut body = json!({
        "brand": "Acme",
        "workflow": [{"channel": "sms", "to": TO}, {"channel": "voice", "to": TO}],
    });
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    rig.post(V, "/v2/verify", body).await
}

async fn check(rig: &Rig, id: &Value, code: &str) -> Answer {
    rig.post(V, &format!("/v2/verify/{}", id.as_str().unwrap()), json!({"code": code})).await
}

fn channels(rig: &Rig) -> Vec<String> {
    let messages = rig.emulator.messages(&MessageFilter::default());
    messages.into_iter().map(|message| message.channel).collect()
}

#[tokio::test]
async fn a_step_that_is_over_is_followed_by_the_next_one_by_itself() {
    let rig = Rig::start(config()).await;
    let id = start(&rig, json!({})).await.json()["request_id"].clone();
    let first = rig.emulator.last_code(TO).unwrap();
    rig.advance(179);
    assert_eq!(channels(&rig), ["sms"]);
    rig.advance(1);
    assert_eq!(channels(&rig), ["sms", "voice"]);
    let at = rig.emulator.messages(&MessageFilter::default())[1].at.clone();
    assert_eq!(at, "2026-02-15T10:33:00.000Z");
    let second = rig.emulator.last_code(TO).unwrap();
    if first != second {
        assert_eq!(check(&rig, &id, &first).await.status, 400, "only the newest code is right");
    }
    rig.advance(180);
    assert_eq!(check(&rig, &id, &second).await.status, 404);
    assert_eq!(channels(&rig).len(), 2);
}

#[tokio::test]
async fn a_leap_of_the_clock_skips_no_step() {
    let rig = Rig::start(config()).await;
    start(&rig, json!({"channel_timeout": 60})).await;
    rig.advance(3600);
    assert_eq!(channels(&rig), ["sms", "voice"]);
}

#[tokio::test]
async fn the_caller_may_move_on_and_reuse_the_code() {
    let rig = Rig::start(config()).await;
    let steps =
        json!([{"channel": "sms", "to": TO}, {"channel": "sms", "to": TO, "reuse_code": true}]);
    let id = start(&rig, json!({"workflow": steps})).await.json()["request_id"].clone();
    let code = rig.emulator.last_code(TO).unwrap();
    let next = format!("/v2/verify/{}/next_workflow", id.as_str().unwrap());
    assert_eq!(rig.post(V, &next, json!({})).await.status, 200);
    assert_eq!(rig.emulator.last_code(TO).unwrap(), code);
    let none = rig.post(V, &next, json!({})).await;
    assert_eq!(none.json()["detail"], "There are no more events left to trigger.");
    assert_eq!(check(&rig, &id, &code).await.json()["status"], "completed");
    assert_eq!(check(&rig, &id, &code).await.status, 404);
}

#[tokio::test]
async fn one_verification_at_a_time_for_each_number() {
    let rig = Rig::start(config()).await;
    let id = start(&rig, json!({})).await.json()["request_id"].clone();
    assert_eq!(start(&rig, json!({})).await.status, 409);
    let path = format!("/v2/verify/{}", id.as_str().unwrap());
    assert_eq!(rig.delete(V, &path).await.status, 204);
    assert_eq!(start(&rig, json!({})).await.status, 202);
    rig.emulator.update_vonageverify(|account| account.enforce_limits = false);
    assert_eq!(start(&rig, json!({})).await.status, 202);
}

#[tokio::test]
async fn three_wrong_codes_end_a_verification() {
    let rig = Rig::start(config()).await;
    let id = start(&rig, json!({"code": "1234"})).await.json()["request_id"].clone();
    let mut statuses = Vec::new();
    for code in ["4321", "4321", "4321", "1234"] {
        statuses.push(check(&rig, &id, code).await.status);
    }
    assert_eq!(statuses, [400, 400, 410, 404]);
}

#[tokio::test]
async fn bodies_that_do_not_fit_are_refused_by_parameter() {
    let rig = Rig::start(config()).await;
    for (more, name) in [
        (json!({"brand": "A name that is too long"}), "brand"),
        (json!({"workflow": []}), "workflow"),
        (json!({"workflow": [{"channel": "fax", "to": TO}]}), "workflow[0].channel"),
        (json!({"workflow": [{"channel": "sms", "to": "+15017122661"}]}), "workflow[0].to"),
        (json!({"workflow": [{"channel": "whatsapp", "to": TO}]}), "workflow[0].from"),
        (json!({"channel_timeout": 14}), "channel_timeout"),
        (json!({"code_length": 3}), "code_length"),
        (json!({"code": 1234}), "code"),
        (json!({"locale": "tr-tr"}), "locale"),
        (json!({"client_ref": ""}), "client_ref"),
    ] {
        let answer = start(&rig, more).await;
        assert_eq!(answer.status, 422, "{name}");
        assert_eq!(answer.json()["invalid_parameters"][0]["name"], name);
    }
    assert_eq!(channels(&rig), Vec::<String>::new());
}

fn report(received: &Received) -> Value {
    let token = received.headers["authorization"].to_str().unwrap();
    let claims = token.strip_prefix("Bearer ").unwrap().split('.').nth(1).unwrap();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, received.body.as_bytes());
    let hash: Vec<String> = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(claims["payload_hash"], hash.concat());
    serde_json::from_str(&received.body).unwrap()
}

#[tokio::test]
async fn steps_and_the_end_are_reported() {
    let (rig, inbox) = (Rig::start(config()).await, Inbox::start().await);
    rig.emulator.update_vonageverify(|account| {
        account.status_url = Some(inbox.url());
        account.unreachable.push(TO.to_owned());
    });
    start(&rig, json!({"client_ref": "r1"})).await;
    rig.advance(360);
    rig.emulator.receipts_settled().await;
    let reports: Vec<Value> = inbox.received().iter().map(report).collect();
    let brief = |one: &Value| (one["type"].clone(), one["channel"].clone(), one["status"].clone());
    let brief: Vec<_> = reports.iter().map(brief).collect();
    let failed = json!("failed");
    assert_eq!(
        brief,
        [
            (json!("event"), json!("sms"), failed.clone()),
            (json!("event"), json!("voice"), failed.clone()),
            (json!("summary"), Value::Null, failed.clone()),
        ]
    );
    assert!(reports.iter().all(|one| one["client_ref"] == "r1"));
    assert_eq!(reports[2]["workflow"][1]["status"], failed);
}
