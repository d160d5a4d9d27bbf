//! What no client of a door sends.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, KEY, PHONE, count, emulator, environment, start, toml};

/// Every door, with one of its calls and the content type of that.
const DOORS: [(&str, &str); 2] = [
    (
        "/twilio/v2/Services/VA00000000000000000000000000000000/Verifications",
        "application/x-www-form-urlencoded",
    ),
    ("/vonage/v2/verify", "application/json"),
];

#[tokio::test]
async fn each_door_refuses_it_in_its_own_form() {
    let emulator = emulator().await;
    let text = toml(&emulator, "[doors.twilio]\n[doors.vonage]\n");
    let gateway = start(&text, environment()).await.unwrap();
    for (path, kind) in DOORS {
        let own =
            if kind.ends_with("json") { "application/problem+json" } else { "application/json" };
        let url = format!("{}{path}", gateway.url);
        let request = |method: Method, kind: &'static str, body: Vec<u8>| {
            let request = gateway.http.request(method, &url).header("content-type", kind);
            request.basic_auth("AC1", Some(KEY)).body(body)
        };
        let good = match kind {
            "application/json" => {
                let step = json!({ "channel": "sms", "to": "919876543210" });
                json!({ "brand": "Acme", "workflow": [step] }).to_string()
            }
            _ => "To=%2B919876543210&Channel=sms".to_owned(),
        };
        let invalid = if kind.ends_with("json") { 422 } else { 400 };
        for (why, request, status) in [
            (
                "no key",
                gateway.http.post(&url).header("content-type", kind).body(good.clone()),
                401,
            ),
            (
                "wrong key",
                gateway.http.post(&url).basic_auth("AC1", Some("not a key of the gateway")),
                401,
            ),
            ("other type", request(Method::POST, "text/plain", good.clone().into()), 415),
            ("ten megabytes", request(Method::POST, kind, vec![b'a'; 10 << 20]), 413),
            ("no method", request(Method::PUT, kind, good.clone().into()), 405),
            ("not UTF-8", request(Method::POST, kind, b"To=%FF%FE&Channel=sms".to_vec()), invalid),
            ("deep", request(Method::POST, kind, vec![b'['; 10_000]), invalid),
            ("nothing", request(Method::POST, kind, Vec::new()), invalid),
        ] {
            let sent = request.timeout(Duration::from_secs(20)).send().await;
            // A body that is not read may end in a broken connection.
            let Ok(answer) = sent else {
                assert_eq!(status, 413, "{why}");
                continue;
            };
            assert_eq!(answer.status().as_u16(), status, "{path}: {why}");
            assert_eq!(answer.headers()["content-type"], own, "{path}: {why}");
        }
        let nothing = gateway.http.get(format!("{url}/x/y/z")).basic_auth("AC1", Some(KEY));
        let nothing = Answer::of(nothing).await;
        assert_eq!((nothing.status, nothing.header("content-type")), (404, own));
        let text = nothing.body.to_string();
        assert!(!text.contains(PHONE), "{text}");
    }
    assert_eq!(count(&emulator), 0);
}
