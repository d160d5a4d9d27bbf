//! API keys, and what they allow.

use otpmux::config::ApiKeySecret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{
    Answer, KEY, PHONE, Running, code_of, count, emulator, environment, number, start, toml,
};

const SHOP: &str = "the-key-of-the-shop-0123";
const BANK: &str = "the-key-of-the-bank-0123";
const OLD: &str = "the-old-key-of-the-shop-01";

async fn as_key(gateway: &Running, key: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = gateway.http.request(method, format!("{}{path}", gateway.url));
    Answer::of(request.bearer_auth(key).json(body)).await
}

fn three_keys() -> String {
    format!(
        "[[server.api_keys]]\nname = \"shop\"\nkey = \"env:SHOP\"\nold_key = \"env:OLD\"\npurposes = \
         [\"login\", \"signup\"]\n[[server.api_keys]]\nname = \"bank\"\nkey = \"env:BANK\"\npurposes \
         = [\"payout\"]\nrequests = [\"5/1h\"]\n[[server.api_keys]]\nname = \"web\"\nkey_sha256 = \
         \"{}\"\n",
        sha256(KEY)
    )
}

fn sha256(key: &str) -> String {
    let ApiKeySecret::Sha256(hash) = ApiKeySecret::of_key(key) else { panic!("a hash") };
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

async fn with_three_keys(emulator: &otpmux_emulator::Emulator) -> Running {
    let environment = environment().with("SHOP", SHOP).with("OLD", OLD).with("BANK", BANK);
    start(&toml(emulator, &three_keys()), environment).await.unwrap()
}

#[tokio::test]
async fn a_key_that_was_pasted_with_an_end_of_a_line_can_be_presented() {
    let emulator = emulator().await;
    for written in [format!("{KEY} "), format!("{KEY}\r\n"), format!("\u{feff}{KEY}")] {
        let gateway = start(&toml(&emulator, ""), environment().with("WEB_KEY", &written)).await;
        let gateway = gateway.unwrap();
        let answer = as_key(&gateway, KEY, Method::GET, "/v1/capabilities", &Value::Null).await;
        assert_eq!(answer.status, 200, "{written:?}");
    }
    for written in [format!("\"{KEY}\""), format!("{KEY}\u{a0}"), format!("{KEY}\u{e9}")] {
        let refused = start(&toml(&emulator, ""), environment().with("WEB_KEY", &written)).await;
        let error = refused.err().expect("no client could present it").to_string();
        assert!(error.contains("server.api_keys[0].key") && !error.contains(KEY), "{error}");
    }
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_done() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let url = format!("{}/v1/verifications", gateway.url);
    let body = json!({ "to": PHONE });
    let wrong = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {KEY}")),
        Some(format!("Bearer {KEY}x")),
        Some(format!("Bearer {}", &KEY[1..])),
        Some(format!("Bearer {}", sha256(KEY))),
        Some(format!("Bearer{KEY}")),
        Some(KEY.to_owned()),
    ];
    for value in wrong {
        let mut request = gateway.http.post(&url).json(&body);
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answer.problem(401, "unauthenticated");
    }
    // A stranger does not learn whether the body would do.
    Answer::of(gateway.http.post(&url).body("x")).await.problem(401, "unauthenticated");
    let any_case = gateway.http.post(&url).header("authorization", format!("bearer  {KEY} "));
    Answer::of(any_case.json(&body)).await.expect(201);
    assert_eq!(count(&emulator), 1);
    // Invisible characters that a paste leaves around a key are no part of it.
    let pasted = format!("Bearer \u{feff}{KEY}\u{a0}\u{200b}");
    let pasted = gateway.http.post(&url).header("authorization", pasted.as_bytes());
    Answer::of(pasted.json(&body)).await.expect(201);
    assert_eq!(count(&emulator), 2);
}

#[tokio::test]
async fn the_old_key_is_taken_until_it_is_removed() {
    let emulator = emulator().await;
    let gateway = with_three_keys(&emulator).await;
    for key in [SHOP, OLD] {
        let body = json!({ "to": number(), "purpose": "login" });
        let path = "/v1/verifications";
        as_key(&gateway, key, Method::POST, path, &body).await.expect(201);
    }
    let without = three_keys().replace("old_key = \"env:OLD\"\n", "");
    *gateway.file.lock().unwrap() = toml(&emulator, &without);
    gateway.reloader.reload().await.unwrap();
    let path = "/v1/capabilities";
    as_key(&gateway, SHOP, Method::GET, path, &json!(null)).await.expect(200);
    as_key(&gateway, OLD, Method::GET, path, &json!(null)).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn to_a_key_of_other_purposes_a_verification_does_not_exist() {
    let emulator = emulator().await;
    let gateway = with_three_keys(&emulator).await;
    let post = Method::POST;
    let body = json!({ "to": PHONE, "purpose": "login" });
    let sent = as_key(&gateway, SHOP, post.clone(), "/v1/verifications", &body).await.expect(201);
    let forbidden = as_key(&gateway, BANK, post.clone(), "/v1/verifications", &body).await;
    forbidden.problem(403, "forbidden");
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    let code = json!({ "code": code_of(&emulator, PHONE) });
    let verify = format!("{path}/verify");
    let foreign = as_key(&gateway, BANK, post.clone(), &verify, &code).await.expect(200);
    assert_eq!(foreign, json!({ "verdict": "not_found" }));
    as_key(&gateway, BANK, Method::GET, &path, &json!(null)).await.problem(404, "not_found");
    as_key(&gateway, BANK, Method::DELETE, &path, &json!(null)).await.problem(404, "not_found");
    let own = as_key(&gateway, SHOP, post.clone(), &verify, &code).await.expect(200);
    assert_eq!(own, json!({ "verdict": "approved" }));
    assert_eq!(count(&emulator), 1);
    // A key without purposes is for all of them.
    let whole = as_key(&gateway, KEY, Method::GET, &path, &json!(null)).await.expect(200);
    assert_eq!(whole["status"], "approved");
}

#[tokio::test]
async fn each_key_has_its_own_limit_of_requests_and_a_reload_does_not_refill_it() {
    let emulator = emulator().await;
    let gateway = with_three_keys(&emulator).await;
    let path = "/v1/capabilities";
    for _ in 0..5 {
        as_key(&gateway, BANK, Method::GET, path, &json!(null)).await.expect(200);
    }
    for _ in 0..2 {
        let problem = as_key(&gateway, BANK, Method::GET, path, &json!(null)).await;
        let problem = problem.problem(429, "too_many_requests");
        assert!((1..=720).contains(&problem["retry_after"].as_u64().unwrap()));
        gateway.reloader.reload().await.unwrap();
    }
    as_key(&gateway, SHOP, Method::GET, path, &json!(null)).await.expect(200);
}

#[tokio::test]
async fn one_callers_idempotency_keys_are_not_anothers() {
    let emulator = emulator().await;
    let gateway = with_three_keys(&emulator).await;
    let send = async |key: &str| {
        let request = gateway.http.post(format!("{}/v1/verifications", gateway.url));
        let request = request.bearer_auth(key).header("idempotency-key", "order-7");
        Answer::of(request.json(&json!({ "to": PHONE, "purpose": "login" }))).await.expect(201)
    };
    let (shop, again, other) = (send(SHOP).await, send(OLD).await, send(KEY).await);
    assert_eq!(shop["id"], again["id"]);
    assert_ne!(shop["id"], other["id"]);
}

#[tokio::test]
async fn a_gateway_without_api_keys_does_not_start() {
    let emulator = emulator().await;
    let keyless = toml(&emulator, "")
        .replace("[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"", "");
    let error = start(&keyless, environment()).await.err().unwrap().to_string();
    assert!(error.contains("server.api_keys: without a key no application may call"), "{error}");
    let unset = three_keys();
    let error = start(&toml(&emulator, &unset), environment()).await.err().unwrap().to_string();
    for expected in [
        "server.api_keys[0].key: the environment variable `SHOP` is not set",
        "server.api_keys[0].old_key: the environment variable `OLD` is not set",
        "server.api_keys[1].key: the environment variable `BANK` is not set",
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let same = environment().with("SHOP", SHOP).with("OLD", BANK).with("BANK", BANK);
    let error = start(&toml(&emulator, &unset), same).await.err().unwrap().to_string();
    assert!(error.contains("server.api_keys[1]: another name has the same key"), "{error}");
}
