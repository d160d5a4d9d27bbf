//! Whose address a send is counted for.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, Running, emulator, environment, number, start, toml};

async fn send(gateway: &Running, forwarded: &str, ip: Option<&str>) -> u16 {
    let mut body = json!({ "to": number() });
    if let Some(ip) = ip {
        body["client"] = json!({ "ip": ip });
    }
    let request = gateway.request(Method::POST, "/v1/verifications");
    Answer::of(request.header("x-forwarded-for", forwarded).json(&body)).await.status
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_the_user_is() {
    let emulator = emulator().await;
    let limits = "[limits]\nclient = [\"1/1h\"]\n";
    let server = "[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n[[server.api_keys]]\nname \
                  = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let text = toml(&emulator, &format!("{server}{limits}"));
    let gateway = start(&text, environment()).await.unwrap();
    assert_eq!(send(&gateway, "203.0.113.1", None).await, 201);
    assert_eq!(send(&gateway, "203.0.113.1", None).await, 429);
    // The far end is the user's own invention; what a trusted hop adds is not.
    assert_eq!(send(&gateway, "198.51.100.1, 203.0.113.1, 10.2.3.4", None).await, 429);
    assert_eq!(send(&gateway, "203.0.113.1, 203.0.113.2", None).await, 201);
    // The application's own word goes first, and what is no address says nothing.
    assert_eq!(send(&gateway, "203.0.113.1", Some("203.0.113.3")).await, 201);
    assert_eq!(send(&gateway, "203.0.113.1, unknown", None).await, 201);
    assert_eq!(send(&gateway, "10.0.0.1", None).await, 201);

    let open = start(&toml(&emulator, limits), environment()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(send(&open, "203.0.113.1", None).await, 201, "nobody is trusted");
    }
}
