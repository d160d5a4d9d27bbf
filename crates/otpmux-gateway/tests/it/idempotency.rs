//! `Idempotency-Key` on both writes.

use std::time::Duration;

use otpmux_emulator::{Fault, FaultKind, Vendor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PHONE, Running, count, emulator, environment, start, toml};

async fn named(gateway: &Running, path: &str, key: &str, body: &Value) -> Answer {
    let request = gateway.request(Method::POST, path).header("idempotency-key", key);
    Answer::of(request.json(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_send_one_message_and_get_one_answer_or_are_told_to_wait() {
    let emulator = emulator().await;
    let gateway = std::sync::Arc::new(start(&toml(&emulator, ""), environment()).await.unwrap());
    let body = json!({ "to": PHONE });
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (gateway, body) = (std::sync::Arc::clone(&gateway), body.clone());
            tokio::spawn(async move { named(&gateway, "/v1/verifications", "k", &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for one in all {
        let answer = one.await.unwrap();
        match answer.status {
            201 => answers.push(answer.body),
            _ => drop(answer.problem(409, "conflict")),
        }
    }
    answers.push(named(&gateway, "/v1/verifications", "k", &body).await.expect(201));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(count(&emulator), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let path = "/v1/verifications";
    named(&gateway, path, "k", &json!({ "to": PHONE })).await.expect(201);
    for other in [
        json!({ "to": "+919876543211" }),
        json!({ "to": PHONE, "purpose": "login" }),
        json!({ "to": PHONE, "metadata": { "a": "b" } }),
        json!({ "to": PHONE, "escalate": false }),
    ] {
        named(&gateway, path, "k", &other).await.problem(422, "key_reused");
    }
    // The device is not part of the request's content.
    let elsewhere = json!({ "to": PHONE, "client": { "ip": "203.0.113.8" } });
    named(&gateway, path, "k", &elsewhere).await.expect(201);
    let long = "x".repeat(256);
    for unfit in ["", "a b", "ключ", long.as_str()] {
        named(&gateway, path, unfit, &json!({ "to": PHONE })).await.problem(400, "invalid_request");
    }
    assert_eq!(count(&emulator), 1);
}

#[tokio::test]
async fn a_caller_that_hung_up_asks_again_and_gets_the_answer_of_the_send_that_went_on() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    emulator.set_fault(
        Vendor::EasyOtp,
        Fault::new(FaultKind::Latency(Duration::from_millis(300))).times(1),
    );
    let path = "/v1/verifications";
    let request = gateway.request(Method::POST, path).header("idempotency-key", "k");
    let impatient = request.json(&json!({ "to": PHONE })).timeout(Duration::from_millis(100));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    let in_flight = named(&gateway, path, "k", &json!({ "to": PHONE })).await;
    assert!(in_flight.problem(409, "conflict")["retry_after"].is_u64());
    let answer = loop {
        let answer = named(&gateway, path, "k", &json!({ "to": PHONE })).await;
        if answer.status != 409 {
            break answer.expect(201);
        }
    };
    assert_eq!((answer["confirmed"].as_bool(), count(&emulator)), (Some(true), 1));
}

#[tokio::test]
async fn a_named_resend_goes_out_once() {
    let emulator = emulator().await;
    let policy = "[policy]\nresend_delay = \"0s\"\n[limits]\nrecipient = []\n";
    let gateway = start(&toml(&emulator, policy), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let path = format!("/v1/verifications/{}/resend", sent["id"].as_str().unwrap());
    let first = named(&gateway, &path, "r", &json!({})).await.expect(200);
    let second = named(&gateway, &path, "r", &json!({})).await.expect(200);
    assert_eq!(first, second);
    assert_eq!(count(&emulator), 2);
    named(&gateway, &path, "r", &json!({ "channel": "sms" })).await.problem(422, "key_reused");
    named(&gateway, &path, "s", &json!({})).await.expect(200);
    assert_eq!(count(&emulator), 3);
}
