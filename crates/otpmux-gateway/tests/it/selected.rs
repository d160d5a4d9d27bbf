//! Verifying by recipient and purpose, and by the caller's own id.

use otpmux_testkit::RedisServer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{
    Answer, PHONE, Running, code_of, count, emulator, environment, start, toml, wrong,
};

const PATH: &str = "/v1/verifications/verify";

async fn verify(gateway: &Running, body: &Value) -> Value {
    gateway.post(PATH, body).await.expect(200)
}

async fn guesses_left(gateway: &Running, sent: &Value) -> Value {
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    gateway.get(&path).await.expect(200)["guesses_left"].clone()
}

#[tokio::test]
async fn a_recipient_and_purpose_select_the_verification() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let none = verify(&gateway, &json!({ "to": PHONE, "code": "123456" })).await;
    assert_eq!(none, json!({ "verdict": "not_found" }));
    let new = json!({ "to": PHONE, "purpose": "login" });
    let sent = gateway.post("/v1/verifications", &new).await.expect(201);
    let code = code_of(&emulator, PHONE);
    let by = |code: &str| json!({ "to": PHONE, "purpose": "login", "code": code });
    let first = verify(&gateway, &by(&wrong(&code))).await;
    assert_eq!(first, json!({ "verdict": "wrong_code", "guesses_left": 4 }));
    assert_eq!(guesses_left(&gateway, &sent).await, 4);
    for other in [
        json!({ "to": PHONE, "code": code }),
        json!({ "to": PHONE, "purpose": "payout", "code": code }),
        json!({ "to": "+919876543211", "purpose": "login", "code": code }),
    ] {
        assert_eq!(verify(&gateway, &other).await, none);
    }
    assert_eq!(guesses_left(&gateway, &sent).await, 4, "nothing is counted");
    // As it is typed, with its country.
    let typed = json!({
        "to": "098765 43210", "country": "IN", "purpose": "login", "code": code,
        "client": { "ip": "203.0.113.7" },
    });
    assert_eq!(verify(&gateway, &typed).await, json!({ "verdict": "approved" }));
    assert_eq!(verify(&gateway, &by(&code)).await, json!({ "verdict": "already_used" }));
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "already_used" }));
}

#[tokio::test]
async fn an_external_id_selects_the_verification_that_was_sent_with_it() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let new = json!({ "to": PHONE, "purpose": "login", "external_id": "order-4711" });
    gateway.post("/v1/verifications", &new).await.expect(201);
    let code = code_of(&emulator, PHONE);
    let again = gateway.post("/v1/verifications", &new).await.problem(409, "conflict");
    assert_eq!((&again["certainty"], &again["blame"]), (&json!("not_sent"), &json!("caller")));
    assert!(!again.to_string().contains("order-4711"), "{again}");
    assert_eq!(count(&emulator), 1);
    let other = json!({ "external_id": "order-4712", "purpose": "login", "code": code });
    assert_eq!(verify(&gateway, &other).await, json!({ "verdict": "not_found" }));
    let by = json!({ "external_id": "order-4711", "purpose": "login", "code": code });
    assert_eq!(verify(&gateway, &by).await, json!({ "verdict": "approved" }));
}

#[tokio::test]
async fn every_mistake_is_reported_with_its_field() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for (body, fields) in [
        (json!({}), vec!["to", "code"]),
        (json!({ "code": "123456" }), vec!["to"]),
        (json!({ "to": "12", "code": "123456" }), vec!["to"]),
        (json!({ "external_id": "two words", "code": "123456" }), vec!["external_id"]),
        (json!({ "external_id": 7, "code": "123456" }), vec!["external_id"]),
        (json!({ "external_id": "x", "to": PHONE, "code": "123456" }), vec!["external_id"]),
        (json!({ "external_id": "x", "country": "IN", "code": "1" }), vec!["external_id", "to"]),
        (json!({ "to": PHONE, "purpose": "Log In", "code": "123456" }), vec!["purpose"]),
        (json!({ "to": PHONE, "country": "XX", "code": "123456" }), vec!["country"]),
        (json!({ "to": PHONE, "id": "x", "code": "123456" }), vec![""]),
    ] {
        let problem = gateway.post(PATH, &body).await.problem(400, "invalid_request");
        let errors = problem["errors"].as_array().unwrap();
        let found: Vec<_> = errors.iter().map(|it| it["field"].as_str().unwrap()).collect();
        assert!(
            fields.iter().all(|field| field.is_empty() || found.contains(field)),
            "{body}: {problem}"
        );
        assert!(!problem.to_string().contains(PHONE), "{problem}");
    }
    for typed in ["12ab56", "1"] {
        let problem = gateway.post(PATH, &json!({ "to": PHONE, "code": typed })).await;
        problem.problem(422, "not_a_code");
    }
    Answer::of(gateway.request(Method::GET, PATH)).await.problem(405, "method_not_allowed");
    let long = json!({ "to": PHONE, "external_id": "x".repeat(129) });
    gateway.post("/v1/verifications", &long).await.problem(400, "invalid_request");
    assert_eq!(count(&emulator), 0);
}

#[tokio::test]
async fn a_key_without_the_purpose_finds_nothing() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n\
        [[server.api_keys]]\nname = \"shop\"\nkey = \"env:SHOP_KEY\"\npurposes = [\"payout\"]\n";
    let environment = environment().with("SHOP_KEY", "the-key-of-the-shop-application");
    let gateway = start(&toml(&emulator, keys), environment).await.unwrap();
    let new = json!({ "to": PHONE, "purpose": "login", "external_id": "order-1" });
    let sent = gateway.post("/v1/verifications", &new).await.expect(201);
    let code = code_of(&emulator, PHONE);
    for body in [
        json!({ "to": PHONE, "purpose": "login", "code": code }),
        json!({ "external_id": "order-1", "purpose": "login", "code": code }),
    ] {
        let request = gateway.http.post(format!("{}{PATH}", gateway.url)).json(&body);
        let answer = Answer::of(request.bearer_auth("the-key-of-the-shop-application")).await;
        assert_eq!(answer.expect(200), json!({ "verdict": "not_found" }));
    }
    assert_eq!(guesses_left(&gateway, &sent).await, 5);
    let body = json!({ "to": PHONE, "purpose": "login", "code": code });
    Answer::of(gateway.http.post(format!("{}{PATH}", gateway.url)).json(&body))
        .await
        .problem(401, "unauthenticated");
    assert_eq!(verify(&gateway, &body).await, json!({ "verdict": "approved" }));
}

/// The answer to the first one is lost; meanwhile the user has asked for another code.
#[tokio::test]
async fn a_repeat_at_another_gateway_gets_the_same_verdict() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let one = start(&text, environment()).await.unwrap();
    let two = start(&text, environment()).await.unwrap();
    one.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let guess = async |gateway: &Running, code: &str| {
        let body = json!({ "to": PHONE, "code": code });
        let request = gateway.request(Method::POST, PATH).json(&body);
        Answer::of(request.header("idempotency-key", "guess-1")).await
    };
    assert_eq!(guess(&one, &code).await.expect(200), json!({ "verdict": "approved" }));
    let newer = two.send(PHONE).await;
    for gateway in [&one, &two] {
        assert_eq!(guess(gateway, &code).await.expect(200), json!({ "verdict": "approved" }));
    }
    guess(&two, &wrong(&code)).await.problem(422, "key_reused");
    assert_eq!(guesses_left(&one, &newer).await, 5);
}
