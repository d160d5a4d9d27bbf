//! Escalation: what a gateway sends by itself, and what a caller sees of it.

use std::sync::Arc;
use std::time::Duration;

use otpmux_emulator::{Emulator, MessageFilter, Vendor};
use otpmux_testkit::ManualClock;
use serde_json::{Value, json};

use crate::world::{PHONE, code_of, emulator, environment, start, start_by, toml};

const ROUTE: &str = "[[routes]]\nproviders = [\"first\", \"second\"]\nescalate = [{ after = \"30s\", \
                     by = \"next\" }]\n";

/// The messages by a vendor, once there are some.
async fn arrived(emulator: &Emulator, vendor: Vendor) -> Vec<String> {
    let filter = MessageFilter::default().vendor(vendor);
    // Before looking: a message that comes later wakes it.
    let mut arrivals = emulator.arrivals();
    loop {
        let messages = emulator.messages(&filter);
        if !messages.is_empty() {
            return messages.into_iter().map(|message| message.code).collect();
        }
        arrivals.next().await;
    }
}

#[tokio::test]
async fn the_gateway_sends_the_same_code_again_by_the_next_vendor() {
    let emulator = emulator().await;
    let clock = Arc::new(ManualClock::default());
    let gateway = start_by(&toml(&emulator, ROUTE), environment(), &clock).await;
    let sent = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await.expect(201);
    assert_eq!(sent["next_step_at"], "2026-01-01T00:00:30Z");
    let code = code_of(&emulator, PHONE);
    clock.advance(Duration::from_secs(30));
    assert_eq!(arrived(&emulator, Vendor::StartMessaging).await, [code]);
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    let shown = gateway.get(&path).await.expect(200);
    assert_eq!(shown["next_step_at"], Value::Null);
    assert_eq!(shown["send_attempts"][1]["reason"], "escalation");
}

#[tokio::test]
async fn a_request_may_switch_it_off() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ROUTE), environment()).await.unwrap();
    let gateway = &gateway;
    let send = async |body: Value| gateway.post("/v1/verifications", &body).await;
    let sent = send(json!({ "to": PHONE })).await.expect(201);
    assert!(sent["next_step_at"].is_string());
    let sent = send(json!({ "to": PHONE, "escalate": false })).await.expect(201);
    assert_eq!(sent["next_step_at"], Value::Null);
    let problem =
        send(json!({ "to": PHONE, "escalate": "no" })).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["field"], "escalate");
}
