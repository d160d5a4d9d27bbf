//! Documents of the gateway about itself.

use std::collections::BTreeSet;

use otpmux::admin::{Choice, SkipReason};
use otpmux::provider::Incompatibility;
use otpmux_gateway::{Gateway, Options};
use serde_json::Value;

use crate::world::{emulator, environment, read, start, toml};

#[tokio::test]
async fn the_document_is_that_of_the_code_and_whole() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let document = gateway.get("/openapi.json").await.expect(200);
    assert_eq!(document, otpmux_gateway::openapi());
    assert_eq!(document["openapi"], "3.1.0");
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let expected = [
        "/docs",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/problems/{type}",
        "/readyz",
        "/v1/admin/endpoints/{name}/pause",
        "/v1/admin/endpoints/{name}/resume",
        "/v1/admin/events",
        "/v1/admin/events/trigger/{type}",
        "/v1/admin/events/{id}/retry",
        "/v1/admin/providers",
        "/v1/admin/reload",
        "/v1/capabilities",
        "/v1/deliveries",
        "/v1/deliveries/{id}",
        "/v1/deliveries/{id}/outcome",
        "/v1/deliveries/{id}/resend",
        "/v1/receipts/{provider}",
        "/v1/verifications",
        "/v1/verifications/verify",
        "/v1/verifications/{id}",
        "/v1/verifications/{id}/resend",
        "/v1/verifications/{id}/verify",
    ];
    assert_eq!(paths, expected.map(ToOwned::to_owned).into());
    references(&document, &document);
}

/// Values that programs compare with are in the document as they are answered.
#[test]
fn the_documents_reasons_are_the_engines() {
    let document = otpmux_gateway::openapi();
    let words = |name: &str| -> BTreeSet<String> {
        let words = document["components"]["schemas"][name]["enum"].as_array().expect(name);
        words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
    };
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let send_attempts = [
        Choice::Preferred,
        Choice::Drawn,
        Choice::Failover,
        Choice::Hedge,
        Choice::Resend,
        Choice::Escalation,
        Choice::LastResort,
    ];
    assert_eq!(words("AttemptReason"), set(&send_attempts.map(Choice::as_str)));
    let lacks = [
        Incompatibility::Channel,
        Incompatibility::Recipient,
        Incompatibility::OtpmuxCode,
        Incompatibility::VendorCode,
        Incompatibility::CodeLength,
        Incompatibility::LettersInCode,
        Incompatibility::Ttl,
    ];
    let others =
        [SkipReason::CircuitOpen(std::time::UNIX_EPOCH), SkipReason::Limit, SkipReason::OtherCode];
    let skips = lacks.map(SkipReason::Unable).into_iter().chain(others);
    let skips: BTreeSet<_> = skips.map(|reason| reason.as_str().to_owned()).collect();
    assert_eq!(words("SkipReason"), skips);
}

/// Every reference points to something.
fn references(document: &Value, part: &Value) {
    match part {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get("$ref") {
                assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to}");
            }
            fields.values().for_each(|part| references(document, part));
        }
        Value::Array(parts) => parts.iter().for_each(|part| references(document, part)),
        _ => {}
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_may_not_be_framed() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let page = gateway.get("/docs").await;
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let Value::String(html) = page.expect(200) else { panic!("a page") };
    assert!(html.starts_with("<!doctype html>") && !html.contains("<script"));
    // The address alone leads there.
    let page = gateway.http.get(&gateway.url).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.url().path()), (200, "/docs"));
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let problem = gateway.get("/nothing/here").await.problem(404, "not_found");
    let address = problem["type"].as_str().unwrap();
    let path = &address[address.find("/problems/").unwrap()..];
    let answer = gateway.http.get(format!("{}{path}", gateway.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = answer.text().await.unwrap();
    assert!(page.contains("<title>not_found</title>") && page.contains("<h3>What to do</h3>"));
    gateway.get("/problems/no_such_type").await.problem(404, "not_found");
}

#[tokio::test]
async fn alive_and_ready_need_no_key() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for path in ["/healthz", "/readyz"] {
        let answer = gateway.http.get(format!("{}{path}", gateway.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "ok");
    }
    // This one was started without a recorder.
    gateway.get("/metrics").await.problem(404, "not_found");
}

#[tokio::test]
async fn metrics_can_have_a_listener_of_their_own() {
    let emulator = emulator().await;
    let server = "[server]\nmetrics_listen = \"127.0.0.1:0\"\n[[server.api_keys]]\nname = \"web\"\nkey = \
                  \"env:WEB_KEY\"\n";
    let environment = environment();
    let config = read(&toml(&emulator, server), &environment).unwrap();
    let mut options = Options::default();
    options.listen = Some("127.0.0.1:0".parse().unwrap());
    options.environment = environment;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    options.metrics = Some(recorder.handle());
    let gateway = Gateway::bind(&config, options).await.unwrap();
    let (public, own) = (gateway.local_addr(), gateway.metrics_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(gateway.run_until(async {
        let _ = stopped.await;
    }));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |address, path: &str| {
        http.get(format!("http://{address}{path}")).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(own, "/metrics").await, 200);
    assert_eq!(status(public, "/metrics").await, 404);
    // Nothing else is there.
    for path in ["/docs", "/openapi.json", "/v1/capabilities", "/readyz"] {
        assert_eq!(status(own, path).await, 404, "{path}");
    }
    assert_eq!(status(public, "/readyz").await, 200);
    drop(stop);
    serving.await.unwrap();
    assert!(http.get(format!("http://{own}/metrics")).send().await.is_err());
}
