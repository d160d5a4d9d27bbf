//! Guesses with idempotency keys, guesses that lock out other users, and guesses that are not
//! compared.

use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Vendor};
use otpmux_testkit::RedisServer;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{
    Answer, PHONE, Running, code_of, emulator, environment, number, start, toml, wrong,
};

async fn guess(gateway: &Running, sent: &Value, code: &str, name: &str) -> Answer {
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    let request = gateway.request(Method::POST, &path).json(&json!({ "code": code }));
    Answer::of(request.header("idempotency-key", name)).await
}

async fn from(gateway: &Running, sent: &Value, code: &str, ip: &str) -> Value {
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    let body = json!({ "code": code, "client": { "ip": ip } });
    gateway.post(&path, &body).await.expect(200)
}

async fn guesses_left(gateway: &Running, sent: &Value) -> Value {
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    gateway.get(&path).await.expect(200)["guesses_left"].clone()
}

#[tokio::test]
async fn a_named_guess_has_one_verdict_at_two_gateways() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let (here, there) =
        (start(&text, environment()).await.unwrap(), start(&text, environment()).await.unwrap());
    let sent = here.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    for gateway in [&here, &there, &here] {
        let answer = guess(gateway, &sent, &wrong(&code), "one").await.expect(200);
        assert_eq!(answer, json!({ "verdict": "wrong_code", "guesses_left": 4 }));
        guess(gateway, &sent, &code, "one").await.problem(422, "key_reused");
    }
    for gateway in [&here, &there, &here] {
        let answer = guess(gateway, &sent, &code, "two").await.expect(200);
        assert_eq!(answer, json!({ "verdict": "approved" }));
    }
    let answer = guess(&there, &sent, &code, "three").await.expect(200);
    assert_eq!(answer, json!({ "verdict": "already_used" }));
}

#[tokio::test]
async fn a_store_that_stalls_is_reported_as_such() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let store = format!("[store]\nurl = \"{}\"\nanswer_timeout = \"500ms\"\n", redis.url());
    let gateway = start(&toml(&emulator, &store), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    guess(&gateway, &sent, &wrong(&code), "one").await.expect(200);
    redis.pause();
    let problem = guess(&gateway, &sent, &code, "two").await.problem(503, "store");
    redis.resume();
    assert_eq!((&problem["certainty"], &problem["blame"]), (&json!("unknown"), &json!("internal")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("repeat it with the same idempotency key"), "{detail}");
    // Earlier requests are carried out before this one.
    let answer = guess(&gateway, &sent, &code, "two").await.expect(200);
    assert_eq!(answer, json!({ "verdict": "approved" }));
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "already_used" }));
}

#[tokio::test]
async fn sec_wrong_codes_from_one_address_lock_out_no_user_at_another() {
    // The vendor's own limits would be reached first.
    let lenient = EmulatorConfig::default().with_easyotp(|account| account.enforce_limits = false);
    let emulator = Emulator::start(lenient).await.unwrap();
    let limits = "[limits]\nguesses = [\"6/1h\"]\nguesses_total = [\"12/1h\"]\nrecipient = []\n";
    let gateway = start(&toml(&emulator, limits), environment()).await.unwrap();
    let attack = async |address: &str, guesses: u32| {
        let mut compared = 0;
        for _ in 0..guesses.div_ceil(5) {
            let sent = gateway.send(PHONE).await;
            let wrong = wrong(&code_of(&emulator, PHONE));
            for _ in 0..5 {
                let answer = from(&gateway, &sent, &wrong, address).await;
                compared += u32::from(answer["verdict"] == "wrong_code");
            }
        }
        compared
    };
    assert_eq!(attack("192.0.2.66", 10).await, 6);
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let refused = from(&gateway, &sent, &code, "192.0.2.66").await;
    assert_eq!(refused["verdict"], "too_many_guesses");
    assert!((3_000..=3_600).contains(&refused["retry_after"].as_u64().unwrap()), "{refused}");
    assert_eq!(
        from(&gateway, &sent, &code, "198.51.100.7").await,
        json!({ "verdict": "approved" })
    );
    // A caller with many addresses meets the total.
    assert_eq!(attack("192.0.2.67", 10).await, 6);
    assert_eq!(attack("192.0.2.68", 5).await, 0);
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let refused = from(&gateway, &sent, &code, "198.51.100.7").await;
    assert_eq!(refused["verdict"], "too_many_guesses");

    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    for client in [json!({ "ip": "nowhere" }), json!({ "address": "192.0.2.1" }), json!([])] {
        let body = json!({ "code": code, "client": client });
        gateway.post(&path, &body).await.problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn sec_no_api_key_locks_out_the_users_of_another() {
    let emulator = emulator().await;
    let keys = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n\
                [[server.api_keys]]\nname = \"shop\"\nkey = \"env:SHOP_KEY\"\n\
                [limits]\nguesses = [\"3/1h\"]\nguesses_total = [\"3/1h\"]\n";
    let shop_key = "the-key-of-the-other-application";
    let environment = environment().with("SHOP_KEY", shop_key);
    let gateway = start(&toml(&emulator, keys), environment).await.unwrap();
    let to = number();
    let sent = gateway.send(&to).await;
    let code = code_of(&emulator, &to);
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    let shop = async |code: &str| {
        let request = gateway.http.post(format!("{}{path}", gateway.url)).bearer_auth(shop_key);
        Answer::of(request.json(&json!({ "code": code }))).await.expect(200)["verdict"].clone()
    };
    for _ in 0..3 {
        assert_eq!(shop(&wrong(&code)).await, "wrong_code");
    }
    assert_eq!(shop(&code).await, "too_many_guesses");
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "approved" }));
}

/// Only the vendor that made a code can compare it.
#[tokio::test]
async fn a_vendor_that_fails_locks_no_user_out() {
    let emulator = emulator().await;
    let base = emulator.base_url(Vendor::EasyOtp);
    let text = format!(
        "[providers.only]\nkind = \"easyotp\"\nbase_url = \"{base}\"\napi_key = \
         \"env:VENDOR_KEY\"\ncode = \"vendor\"\n[[server_keys]]\nid = \"a\"\nkey = \
         \"env:SERVER_KEY\"\n[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n",
    );
    let environment = environment().with("VENDOR_KEY", emulator.easyotp().api_key);
    let gateway = start(&text, environment).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    emulator.set_fault(Vendor::EasyOtp, Fault::status(500));
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    for turn in 0..10 {
        let answer = if turn % 2 == 0 {
            gateway.post(&path, &json!({ "code": code })).await
        } else {
            guess(&gateway, &sent, &code, &turn.to_string()).await
        };
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.body["certainty"], "unknown", "{answer:?}");
    }
    assert_eq!(guesses_left(&gateway, &sent).await, 5);
    emulator.clear_faults(Vendor::EasyOtp);
    let mistyped = gateway.verify(&sent, &wrong(&code)).await;
    assert_eq!(mistyped["verdict"], "wrong_code", "this one was compared");
    assert_eq!(guesses_left(&gateway, &sent).await, 4);
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "approved" }));
}
