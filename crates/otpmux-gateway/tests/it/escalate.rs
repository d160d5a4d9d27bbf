//! Escalation: what a gateway sends by itself, and what a caller sees of it.

use std::sync::Arc;
use std::time::Duration;

use otpmux::config::ClientConfig as _;
use otpmux_emulator::{Emulator, MessageFilter, Vendor};
use otpmux_gateway::{Gateway, Options};
use otpmux_testkit::ManualClock;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::world::{KEY, PHONE, code_of, emulator, environment, read, start, toml};

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
    let config = read(&toml(&emulator, ROUTE), &environment()).unwrap();
    let clock = Arc::new(ManualClock::default());
    let client = config.client_builder().unwrap().clock(Arc::<ManualClock>::clone(&clock));
    let mut options = Options::default();
    options.listen = Some("127.0.0.1:0".parse().unwrap());
    options.environment = environment();
    let gateway = Gateway::bind_with(&config, client.build().unwrap(), options).await.unwrap();
    let url = gateway.url();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(gateway.run_until(async move { drop(stopped.await) }));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let of = |request: reqwest::RequestBuilder| async {
        request.bearer_auth(KEY).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let body = json!({ "to": PHONE });
    let sent = of(http.post(format!("{url}/v1/verifications")).json(&body)).await;
    assert_eq!(sent["next_step_at"], "2026-01-01T00:00:30Z");
    let code = code_of(&emulator, PHONE);
    clock.advance(Duration::from_secs(30));
    assert_eq!(arrived(&emulator, Vendor::StartMessaging).await, [code]);
    let path = format!("{url}/v1/verifications/{}", sent["id"].as_str().unwrap());
    let shown = of(http.get(path)).await;
    assert_eq!(shown["next_step_at"], Value::Null);
    assert_eq!(shown["send_attempts"][1]["reason"], "escalation");
    stop.send(()).unwrap();
    ended.await.unwrap();
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
