//! How a gateway stops.

use std::time::Duration;

use otpmux_emulator::{Fault, FaultKind, Vendor};
use serde_json::json;

use crate::world::{PHONE, count, emulator, environment, start, toml};

#[tokio::test]
async fn readiness_goes_first_and_a_send_under_way_ends() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let text = toml(&emulator, keys)
        .replace("[[server.api_keys]]", "[server]\ndrain_delay = \"1s\"\n[[server.api_keys]]");
    let mut gateway = start(&text, environment()).await.unwrap();
    gateway.get("/readyz").await.expect(200);
    emulator
        .set_fault(Vendor::EasyOtp, Fault::new(FaultKind::Latency(Duration::from_millis(1_500))));
    let (http, url) = (gateway.http.clone(), gateway.url.clone());
    let sending = tokio::spawn(async move {
        let request = http.post(format!("{url}/v1/verifications"));
        let request = request.bearer_auth(crate::world::KEY).json(&json!({ "to": PHONE }));
        request.send().await.unwrap().status().as_u16()
    });
    // Once the vendor has its request, the send is under way.
    while emulator.request_count(Vendor::EasyOtp) == 0 {
        tokio::task::yield_now().await;
    }
    gateway.tell_to_stop();
    loop {
        // It still answers, and says that it will not for long.
        let answer = gateway.get("/readyz").await;
        if answer.status == 503 {
            assert_eq!(answer.header("connection"), "close");
            assert_eq!(answer.body["status"], "draining");
            break;
        }
    }
    gateway.get("/healthz").await.expect(200);
    assert_eq!(sending.await.unwrap(), 201);
    gateway.ended().await;
    assert_eq!(count(&emulator), 1);
    assert!(tokio::net::TcpStream::connect(gateway.address).await.is_err());
}

#[tokio::test]
async fn a_send_whose_caller_has_gone_ends_too() {
    let emulator = emulator().await;
    let mut gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    emulator.set_fault(Vendor::EasyOtp, Fault::new(FaultKind::Latency(Duration::from_millis(300))));
    let request = gateway.request(reqwest::Method::POST, "/v1/verifications");
    let request = request.json(&json!({ "to": PHONE })).timeout(Duration::from_millis(100));
    assert!(request.send().await.unwrap_err().is_timeout());
    gateway.tell_to_stop();
    gateway.ended().await;
    assert_eq!(count(&emulator), 1);
}
