//! A new configuration without a restart.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, PHONE, code_of, emulator, environment, number, start, toml};

const ADMIN: &str = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\nadmin = true\n";

#[tokio::test]
async fn what_is_pending_goes_on_and_what_is_new_holds() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ADMIN), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let only_second = toml(&emulator, ADMIN)
        .split_once("[providers.second]")
        .map(|(_, rest)| format!("[providers.second]{rest}[policy]\nattempts = 3\n"))
        .unwrap();
    *gateway.file.lock().unwrap() = only_second;
    let reloaded = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await.expect(200);
    assert_eq!(reloaded, json!({ "kept": ["second"], "fresh": [], "retired": ["first"] }));
    assert_eq!(gateway.verify(&sent, &code_of(&emulator, PHONE)).await["verdict"], "approved");
    let next = gateway.send(&number()).await;
    assert_eq!(next["attempts_left"], 3);
    assert_eq!(gateway.get("/v1/capabilities").await.expect(200)["attempts"], 3);
}

#[tokio::test]
async fn a_bad_file_is_refused_with_all_its_mistakes_and_nothing_changes() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ADMIN), environment()).await.unwrap();
    let bad = toml(&emulator, &format!("{ADMIN}[policy]\ncode_length = 99\nattempts = 0\n"));
    *gateway.file.lock().unwrap() = bad;
    let refused = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await;
    let problem = refused.problem(422, "configuration");
    let paths: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(paths, ["policy.code_length", "policy.attempts"]);
    // Also one whose keys cannot be looked up, or that fits a client but not this one.
    for bad in [
        toml(&emulator, &ADMIN.replace("WEB_KEY", "NOT_SET")),
        toml(&emulator, &format!("{ADMIN}[store]\nurl = \"sqlite:elsewhere.db\"\n")),
        String::new(),
    ] {
        *gateway.file.lock().unwrap() = bad;
        let refused = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await;
        refused.problem(422, "configuration");
    }
    gateway.send(PHONE).await;
}

#[tokio::test]
async fn a_key_without_the_right_may_not_reload() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let refused = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await;
    refused.problem(403, "forbidden");
}
