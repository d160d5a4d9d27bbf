//! The mistakes of the closest open gateway, each as a situation in which ours must do right.

use otpmux_emulator::{Fault, FaultKind, MessageFilter, Vendor};
use otpmux_testkit::RedisServer;
use reqwest::Method;
use serde_json::json;

use crate::world::{
    Answer, PHONE, code_of, count, emulator, environment, number, start, toml, wrong,
};

/// The code is in no answer and no error, right guess or wrong.
#[tokio::test]
async fn w01_no_answer_holds_the_code() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let mut told = vec![sent.to_string()];
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    for typed in [wrong(&code), code.clone(), code.clone()] {
        let answer = gateway.post(&format!("{path}/verify"), &json!({ "code": typed })).await;
        told.push(format!("{answer:?}"));
        told.push(format!("{:?}", gateway.get(&path).await));
    }
    assert!(!told.concat().contains(&code));
}

/// Redis holds neither the code nor the number.
#[tokio::test]
async fn w02_nothing_is_kept_in_clear() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let gateway = start(&text, environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    gateway.verify(&sent, &wrong(&code)).await;
    redis.command(&["SAVE"]);
    let dump = std::fs::read(redis.directory().join("dump.rdb")).unwrap();
    for secret in [code.as_bytes(), PHONE.as_bytes(), &PHONE.as_bytes()[1..]] {
        assert!(!dump.windows(secret.len()).any(|window| window == secret));
    }
}

/// Twelve right codes at once: one is approved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w03_a_code_is_good_once() {
    let emulator = emulator().await;
    let gateway = std::sync::Arc::new(start(&toml(&emulator, ""), environment()).await.unwrap());
    for _ in 0..30 {
        let to = number();
        let sent = gateway.send(&to).await;
        let code = code_of(&emulator, &to);
        let tries: Vec<_> = (0..12)
            .map(|_| {
                let (gateway, sent, code) = (gateway.clone(), sent.clone(), code.clone());
                tokio::spawn(async move { gateway.verify(&sent, &code).await["verdict"].clone() })
            })
            .collect();
        let mut approved = 0;
        for one in tries {
            approved += u32::from(one.await.unwrap() == "approved");
        }
        assert_eq!(approved, 1);
    }
}

/// A closed verification approves nothing.
#[tokio::test]
async fn w04_a_closed_verification_approves_nothing() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let older = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    gateway.send(PHONE).await;
    assert_ne!(gateway.verify(&older, &code).await["verdict"], "approved");
}

/// Every key of Redis has a time to live, after any number of flows.
#[tokio::test]
async fn w05_no_key_stays_for_ever() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let gateway = start(&text, environment()).await.unwrap();
    for _ in 0..20 {
        let to = number();
        let sent = gateway.send(&to).await;
        assert_eq!(gateway.verify(&sent, &code_of(&emulator, &to)).await["verdict"], "approved");
    }
    let info = format!("{:?}", redis.command(&["INFO", "keyspace"]));
    let number_after = |word: &str| -> u64 {
        let rest = info.split(word).nth(1).unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    };
    let (keys, expiring) = (number_after("keys="), number_after("expires="));
    assert!(keys > 0);
    // Except the proof that processes have the same server keys: one field for each of these.
    assert_eq!(redis.command(&["HLEN", "{otpmux}:keys"]), otpmux_testkit::RedisReply::Number(1));
    assert_eq!(keys, expiring + 1, "{info}");
}

/// A vendor's HTTP 500 is no success.
#[tokio::test]
async fn w06_a_vendors_500_is_a_failure() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n";
    let only_first = "[[routes]]\nproviders = [\"first\"]\n";
    let text = toml(&emulator, &format!("{keys}{only_first}"));
    let gateway = start(&text, environment()).await.unwrap();
    emulator.set_fault(Vendor::EasyOtp, Fault::status(500));
    let answer = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await;
    // The answer says that it failed, or that the outcome is unknown; never that it was sent.
    assert!(answer.status >= 500 || answer.body["confirmed"] == false, "{answer:?}");
}

/// Parallel sends of one name: none of them ends in an internal error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w07_parallel_sends_do_not_fail_on_each_other() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let limits = "[limits]\nrecipient = []\nnumber_range = []\n";
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n{limits}", redis.url()));
    let gateway = std::sync::Arc::new(start(&text, environment()).await.unwrap());
    let sends: Vec<_> = (0..50)
        .map(|n: u32| {
            let gateway = std::sync::Arc::clone(&gateway);
            tokio::spawn(async move {
                let request = gateway.request(Method::POST, "/v1/verifications");
                let request = request.header("idempotency-key", format!("k{}", n % 2));
                Answer::of(request.json(&json!({ "to": PHONE }))).await.status
            })
        })
        .collect();
    for send in sends {
        let status = send.await.unwrap();
        assert!([201, 409, 422].contains(&status), "{status}");
    }
}

/// A send uses up no guess; a locked verification and a limit have other statuses.
#[tokio::test]
async fn w08_sends_and_guesses_are_counted_apart() {
    let emulator = emulator().await;
    let quick = "[policy]\nresend_delay = \"0s\"\nmax_resends = 2\n[limits]\nrecipient = []\n";
    let gateway = start(&toml(&emulator, quick), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let path = format!("/v1/verifications/{}/resend", sent["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(gateway.post(&path, &json!({})).await.expect(200)["guesses_left"], 5);
    }
    gateway.post(&path, &json!({})).await.problem(429, "rate_limited");
    assert_eq!(count(&emulator), 3);
}

/// A send that failed leaves no live code and no spent counter.
#[tokio::test]
async fn w09_a_failed_send_leaves_nothing_behind() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        emulator.set_fault(vendor, Fault::status(401));
    }
    for _ in 0..2 {
        let failed = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await;
        failed.problem(503, "unauthenticated");
    }
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        emulator.clear_faults(vendor);
    }
    gateway.send(PHONE).await;
    gateway.send(PHONE).await;
}

/// Twelve verifications of one number are not twelve messages.
#[tokio::test]
async fn w10_a_number_has_a_limit_over_all_its_verifications() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for n in 0..12 {
        let body = json!({ "to": PHONE, "purpose": format!("purpose-{n}") });
        let answer = gateway.post("/v1/verifications", &body).await;
        assert_eq!(answer.status, if n < 2 { 201 } else { 429 });
    }
    assert_eq!(count(&emulator), 2);
}

/// The documents describe each call correctly: the examples of the README are answered as shown.
#[tokio::test]
async fn w11_the_documented_calls_exist() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let document = otpmux_gateway::openapi();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for method in calls.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path.replace("{id}", "0af7651916cd43dd8448eb211c80319c");
            let path = path.replace("{type}", "not_found");
            let answer = Answer::of(gateway.request(method.clone(), &path)).await;
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!detail.starts_with("no such path") || path == "/metrics", "{method} {path}");
        }
    }
}

/// Codes are spread evenly over their digits, and numbers are taken whole or not at all.
#[tokio::test]
async fn w12_codes_are_even_and_numbers_are_anchored() {
    let emulator = emulator().await;
    let limits = "[limits]\nrecipient = []\nnumber_range = []\n[resilience]\nrequests = []\n";
    let gateway = start(&toml(&emulator, limits), environment()).await.unwrap();
    for _ in 0..200 {
        gateway.send(&number()).await;
    }
    let mut digits = [0u32; 10];
    for message in emulator.messages(&MessageFilter::default()) {
        for digit in message.code.bytes() {
            digits[usize::from(digit - b'0')] += 1;
        }
    }
    // 1,200 digits, 120 of each: six standard deviations are 62.
    assert!(digits.iter().all(|seen| (58..=182).contains(seen)), "{digits:?}");
    for bad in ["x+919876543210", "+919876543210x", "+919876543210,", "+919876543210+919876543211"]
    {
        let answer = gateway.post("/v1/verifications", &json!({ "to": bad })).await;
        answer.problem(400, "invalid_request");
    }
}

/// The text of a message is text: an apostrophe stays one.
#[tokio::test]
async fn w13_a_message_is_not_html() {
    let emulator = emulator().await;
    let text = toml(&emulator, "").replace(
        "api_key = \"env:EASYOTP_KEY\"",
        "api_key = \"env:EASYOTP_KEY\"\nmessage = \"Don't share <{code}> & don't tell\"",
    );
    let gateway = start(&text, environment()).await.unwrap();
    gateway.send(PHONE).await;
    let message = emulator.messages(&MessageFilter::default()).remove(0);
    let expected = format!("Don't share <{}> & don't tell", message.code);
    assert_eq!(message.text, expected);
}

/// No GET verifies: a link that something else opens first does no harm.
#[tokio::test]
async fn w14_no_get_verifies() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    gateway.get(&format!("{path}/verify?code={code}")).await.problem(405, "method_not_allowed");
    assert_eq!(gateway.get(&format!("{path}?code={code}")).await.expect(200)["status"], "pending");
    assert_eq!(gateway.verify(&sent, &code).await["verdict"], "approved");
}

/// The reported TTL is that of this call.
#[tokio::test]
async fn w15_the_ttl_is_that_of_the_call() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let seconds = |sent: &serde_json::Value, key: &str| -> i64 {
        sent[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
    };
    let body = json!({ "to": PHONE, "ttl": 60 });
    let sent = gateway.post("/v1/verifications", &body).await.expect(201);
    // A resend is allowed after 30 seconds.
    assert_eq!(seconds(&sent, "expires_at") - seconds(&sent, "resend_after"), 30);
}

/// Failover, metrics, stopping, TLS, reload and the rest are tested elsewhere; here, that a vendor
/// which accepts and never delivers differs from one that delivered, where it says so.
#[tokio::test]
async fn w16_a_failover_happens_and_can_be_seen() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    emulator.set_fault(Vendor::EasyOtp, FaultKind::Refuse);
    let sent = gateway.send(PHONE).await;
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    let send_attempts = gateway.get(&path).await.expect(200)["send_attempts"].clone();
    let carried: Vec<_> = send_attempts
        .as_array()
        .unwrap()
        .iter()
        .filter(|attempt| attempt["state"] == "accepted")
        .map(|attempt| attempt["provider"].clone())
        .collect();
    assert_eq!(carried, ["second"]);
}
