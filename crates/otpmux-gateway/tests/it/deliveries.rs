//! `/v1/deliveries`: codes that the caller made and will check.

use otpmux_emulator::{Fault, MessageFilter, Vendor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PHONE, code_of, count, emulator, environment, start, toml};

const CODE: &str = "427193";

const FREE: &str = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\nfree_text = true\n";

fn id(sent: &Value) -> &str {
    sent["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_code_of_the_caller_goes_out_by_the_second_vendor_when_the_first_is_down() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let body = json!({ "to": PHONE, "code": CODE, "metadata": { "order": "7" } });
    let sent = gateway.post("/v1/deliveries", &body).await.expect(201);
    let keys: Vec<_> = sent.as_object().unwrap().keys().cloned().collect();
    let expected = ["channel", "confirmed", "expires_at", "id", "resend_after", "status", "to"];
    assert_eq!(keys, expected);
    assert_eq!((&sent["status"], &sent["confirmed"]), (&json!("pending"), &json!(true)));
    assert_eq!(code_of(&emulator, PHONE), CODE);
    let path = format!("/v1/deliveries/{}", id(&sent));
    let details = gateway.get(&path).await.expect(200);
    assert_eq!(details["metadata"], json!({ "order": "7" }));
    assert_eq!(details["send_attempts"][0]["state"], "rejected");
    assert_eq!(details["send_attempts"][1]["reason"], "failover");
    assert!(!details.to_string().contains(CODE));
    // The outcome ends it, and a repeat has the same answer.
    let outcome = format!("{path}/outcome");
    for _ in 0..2 {
        gateway.post(&outcome, &json!({ "outcome": "approved" })).await.expect(204);
    }
    assert_eq!(gateway.get(&path).await.expect(200)["status"], "ended");
    let again = gateway.post(&format!("{path}/resend"), &json!({})).await;
    again.problem(404, "not_found");
    let problem = gateway.post(&outcome, &json!({ "outcome": "used" })).await;
    let problem = problem.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["field"], "outcome");
}

/// Neither verb finds what the other one made, and nothing reveals that it exists.
#[tokio::test]
async fn ids_of_deliveries_and_verifications_never_mix() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let verification = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let body = json!({ "to": PHONE, "code": CODE });
    let delivery = gateway.post("/v1/deliveries", &body).await.expect(201);
    let path = format!("/v1/verifications/{}", id(&delivery));
    gateway.get(&path).await.problem(404, "not_found");
    gateway.post(&format!("{path}/resend"), &json!({})).await.problem(404, "not_found");
    Answer::of(gateway.request(Method::DELETE, &path)).await.problem(404, "not_found");
    assert_eq!(gateway.verify(&delivery, CODE).await["verdict"], "not_found");
    let path = format!("/v1/deliveries/{}", id(&verification));
    gateway.get(&path).await.problem(404, "not_found");
    gateway.post(&format!("{path}/resend"), &json!({})).await.problem(404, "not_found");
    let outcome = json!({ "outcome": "cancelled" });
    gateway.post(&format!("{path}/outcome"), &outcome).await.problem(404, "not_found");
    assert_eq!(gateway.verify(&verification, &code).await["verdict"], "approved");
}

#[tokio::test]
async fn a_delivery_under_an_idempotency_key_is_sent_once() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let named = |code: &str| {
        let request = gateway.request(Method::POST, "/v1/deliveries");
        let body = json!({ "to": PHONE, "code": code });
        Answer::of(request.header("idempotency-key", "hook-1").json(&body))
    };
    let first = named(CODE).await.expect(201);
    let second = named(CODE).await.expect(201);
    assert_eq!((id(&first), count(&emulator)), (id(&second), 1));
    named("427194").await.problem(422, "key_reused");
    assert_eq!(count(&emulator), 1);
}

#[tokio::test]
async fn is_sent_again_with_the_same_code() {
    let emulator = emulator().await;
    let policy = "[policy]\nresend_delay = \"0s\"\n[limits]\nrecipient = []\n";
    let gateway = start(&toml(&emulator, policy), environment()).await.unwrap();
    let body = json!({ "to": PHONE, "code": CODE });
    let sent = gateway.post("/v1/deliveries", &body).await.expect(201);
    let path = format!("/v1/deliveries/{}/resend", id(&sent));
    let again = gateway.post(&path, &json!({})).await.expect(200);
    assert_eq!((id(&again), count(&emulator)), (id(&sent), 2));
    let codes: Vec<_> = emulator.messages(&MessageFilter::default());
    assert!(codes.iter().all(|message| message.code == CODE));
}

#[tokio::test]
async fn a_finished_text_needs_a_key_that_may_give_one() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let text = json!({ "to": PHONE, "message": "427193 is your Acme code." });
    let problem = gateway.post("/v1/deliveries", &text).await.problem(400, "invalid_request");
    let mistake = &problem["errors"][0];
    assert_eq!((&mistake["field"], &mistake["code"]), (&json!("message"), &json!("not_allowed")));
    assert!(!problem.to_string().contains(CODE));
    let free = start(&toml(&emulator, FREE), environment()).await.unwrap();
    free.post("/v1/deliveries", &text).await.expect(201);
    let message = emulator.messages(&MessageFilter::default()).pop().unwrap();
    assert_eq!((message.code.as_str(), count(&emulator)), (CODE, 1));
    assert_eq!(message.text, "427193 is your Acme code.");
    for (message, says) in [
        ("Your code is secret.", "holds no code"),
        ("2026: your code is 427193.", "several numbers"),
    ] {
        let body = json!({ "to": PHONE, "message": message });
        let problem = free.post("/v1/deliveries", &body).await.problem(400, "invalid_request");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert!(!problem.to_string().contains(CODE));
    }
    assert_eq!(count(&emulator), 1);
}

#[tokio::test]
async fn what_does_not_fit_is_told_by_its_field_and_sends_nothing() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for (body, field, code) in [
        (json!({ "to": PHONE }), "code", "missing"),
        (json!({ "code": CODE }), "to", "missing"),
        (json!({ "to": PHONE, "code": 427_193 }), "code", "wrong_type"),
        (json!({ "to": PHONE, "code": "427-193" }), "code", "wrong_format"),
        (json!({ "to": PHONE, "code": "427" }), "code", "wrong_format"),
        (json!({ "to": PHONE, "code": CODE, "ttl": 86_401 }), "ttl", "out_of_range"),
        (json!({ "to": PHONE, "code": CODE, "code_length": 6 }), "", "unknown_field"),
    ] {
        let problem = gateway.post("/v1/deliveries", &body).await.problem(400, "invalid_request");
        let mistake = &problem["errors"][0];
        assert_eq!((&mistake["field"], &mistake["code"]), (&json!(field), &json!(code)), "{body}");
        assert!(!problem.to_string().contains("427-193") && !problem.to_string().contains(CODE));
    }
    // Neither vendor carries letters.
    let body = json!({ "to": PHONE, "code": "0M53RF" });
    gateway.post("/v1/deliveries", &body).await.problem(422, "unsupported");
    assert_eq!(count(&emulator), 0);
}
