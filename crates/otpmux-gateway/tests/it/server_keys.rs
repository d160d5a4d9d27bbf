//! Gateways of one store whose server keys differ under one id.

use otpmux_emulator::Emulator;
use otpmux_testkit::RedisServer;
use serde_json::json;

use crate::world::{Home, code_of, emulator, environment, number, start, toml, wrong};

const OTHER: &str = "gggggggggggggggggggggggggggggggggggggggggggg";

async fn one_that_differs_does_not_start(emulator: &Emulator, store: &str) {
    let text = toml(emulator, &format!("[store]\nurl = \"{store}\"\n"));
    let gateway = start(&text, environment()).await.unwrap();
    let error = start(&text, environment().with("SERVER_KEY", OTHER)).await.err().unwrap();
    let error = error.to_string();
    let words = "server_keys: the server key `a` differs from the one that other processes";
    assert!(error.contains(words) && !error.contains(OTHER), "{error}");
    // The same key, however it is written, is the same.
    let written = format!("\u{feff}{}\r\n", "k".repeat(43));
    let same = start(&text, environment().with("SERVER_KEY", written)).await.unwrap();
    let to = number();
    let sent = gateway.send(&to).await;
    assert_eq!(same.verify(&sent, &code_of(emulator, &to)).await["verdict"], "approved");
}

#[tokio::test]
async fn one_that_differs_does_not_start_on_sqlite() {
    let home = Home::new();
    let store = format!("sqlite:{}", home.file("otpmux.db").display());
    one_that_differs_does_not_start(&emulator().await, &store).await;
}

#[tokio::test]
async fn one_that_differs_does_not_start_on_redis() {
    let redis = RedisServer::start();
    one_that_differs_does_not_start(&emulator().await, &redis.url()).await;
}

#[tokio::test]
async fn one_that_differs_and_started_without_its_store_costs_no_user_a_guess() {
    let (emulator, mut redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    redis.kill();
    let right = start(&text, environment()).await.unwrap();
    let differs = start(&text, environment().with("SERVER_KEY", OTHER)).await.unwrap();
    redis.restart();
    let to = number();
    let sent = right.send(&to).await;
    let code = code_of(&emulator, &to);
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    for _ in 0..10 {
        let refused = differs.post(&path, &json!({ "code": code })).await;
        let problem = refused.problem(500, "configuration");
        assert_eq!(problem["blame"], "internal");
    }
    let refused = differs.post("/v1/verifications", &json!({ "to": number() })).await;
    assert_eq!(refused.problem(500, "configuration")["certainty"], "not_sent");
    let unready = differs.get("/readyz").await.expect(503);
    assert_eq!(unready["store"], "server_key_differs");
    assert_eq!(right.get("/readyz").await.expect(200)["store"], "ok");
    assert_eq!(right.verify(&sent, &wrong(&code)).await["guesses_left"], 4);
    assert_eq!(right.verify(&sent, &code).await["verdict"], "approved");
    // An operator who reuses an id on purpose reports that to the store.
    redis.command(&["HDEL", "{otpmux}:keys", "a"]);
    differs.send(&number()).await;
}

#[tokio::test]
async fn a_reload_with_a_key_that_differs_changes_nothing() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let keys = |new: &str| environment().with("NEW_KEY", new.to_owned());
    let with_new = format!("{text}[[server_keys]]\nid = \"b\"\nkey = \"env:NEW_KEY\"\n");
    let there = start(&with_new, keys(OTHER)).await.unwrap();
    let here = start(&text, keys(&"w".repeat(43))).await.unwrap();
    let to = number();
    let sent = here.send(&to).await;
    here.file.lock().unwrap().clone_from(&with_new);
    let error = here.reloader.reload().await.unwrap_err().to_string();
    assert!(error.contains("the server key `b` differs"), "{error}");
    assert_eq!(there.verify(&sent, &code_of(&emulator, &to)).await["verdict"], "approved");
    here.send(&number()).await;
}
