//! Whose address a send is counted for.

use otpmux_emulator::Emulator;
use otpmux_testkit::LogCapture;
use reqwest::Method;
use reqwest::header::HeaderValue;
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
    let limits = "[limits]\nip = [\"1/1h\"]\n";
    let server = "[server]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n[[server.api_keys]]\nname \
                  = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let text = toml(&emulator, &format!("{server}{limits}"));
    let gateway = start(&text, environment()).await.unwrap();
    assert_eq!(send(&gateway, "203.0.113.1", None).await, 201);
    assert_eq!(send(&gateway, "203.0.113.1", None).await, 429);
    // The far end is the user's own invention; what a trusted hop adds is not.
    assert_eq!(send(&gateway, "198.51.100.1, 203.0.113.1, 10.2.3.4", None).await, 429);
    assert_eq!(send(&gateway, "203.0.113.1, 203.0.113.2", None).await, 201);
    // The application's own word goes first.
    assert_eq!(send(&gateway, "203.0.113.1", Some("203.0.113.3")).await, 201);
    // A request of a proxy's own.
    assert_eq!(send(&gateway, "10.0.0.1", None).await, 201);
    assert_eq!(send(&gateway, "10.0.0.1", None).await, 429);

    let open = start(&toml(&emulator, limits), environment()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(send(&open, "203.0.113.1", None).await, 201, "no proxy is trusted");
    }
}

/// Addresses as proxies really send them: an address with its port, brackets, quotes.
#[tokio::test]
async fn an_address_with_a_port_is_the_address() {
    let emulator = emulator().await;
    let gateway = start(&behind_a_proxy(&emulator), environment()).await.unwrap();
    for (first, second) in [
        ("203.0.113.1:4711", "203.0.113.1:4712"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("\"[2001:db8:1::1]\"", "[2001:db8:1::1]:443"),
    ] {
        assert_eq!(send(&gateway, first, None).await, 201, "{first}");
        assert_eq!(send(&gateway, second, None).await, 429, "{second}");
    }
}

/// The near end is a trusted proxy's word. Where it cannot be read, the limit of clients still
/// holds: such requests are the proxy's own. The log says so, once, and repeats nothing.
#[tokio::test]
async fn a_near_end_that_cannot_be_read_switches_no_limit_off() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let emulator = emulator().await;
    let gateway = start(&behind_a_proxy(&emulator), environment()).await.unwrap();
    assert_eq!(send(&gateway, "203.0.113.1, unknown", None).await, 201);
    for garbage in ["203.0.113.2,", "203.0.113.3, ", "203.0.113.4, 300.0.0.1", "203.0.113.5 6", ""]
    {
        assert_eq!(send(&gateway, garbage, None).await, 429, "{garbage}");
    }
    let bytes = HeaderValue::from_bytes(b"203.0.113.6, \xff").unwrap();
    let request = gateway.request(Method::POST, "/v1/verifications");
    let request = request.header("x-forwarded-for", bytes).json(&json!({ "to": number() }));
    Answer::of(request).await.problem(429, "rate_limited");
    let text = logs.text();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("X-Forwarded-For")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(!warnings[0].contains("203.0.113"), "{warnings:?}");
}

fn behind_a_proxy(emulator: &Emulator) -> String {
    let server = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[[server.api_keys]]\nname = \"web\"\n\
                  key = \"env:WEB_KEY\"\n";
    toml(emulator, &format!("{server}[limits]\nip = [\"1/1h\"]\n"))
}
