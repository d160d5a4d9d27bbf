//! A new configuration without a restart.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::world::{
    Answer, PHONE, code_of, emulator, environment, number, start, start_with, toml,
};

const ADMIN: &str = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\nadmin = true\n";

#[tokio::test]
async fn pending_verifications_go_on_and_new_settings_apply() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ADMIN), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let only_second = toml(&emulator, ADMIN)
        .split_once("[providers.second]")
        .map(|(_, rest)| format!("[providers.second]{rest}[policy]\nmax_guesses = 3\n"))
        .unwrap();
    *gateway.file.lock().unwrap() = only_second;
    let reloaded = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await.expect(200);
    assert_eq!(reloaded, json!({ "unchanged": ["second"], "changed": [], "retired": ["first"] }));
    assert_eq!(gateway.verify(&sent, &code_of(&emulator, PHONE)).await["verdict"], "approved");
    let next = gateway.send(&number()).await;
    assert_eq!(next["guesses_left"], 3);
    assert_eq!(gateway.get("/v1/capabilities").await.expect(200)["max_guesses"], 3);
}

#[tokio::test]
async fn a_bad_file_is_refused_with_all_its_mistakes_and_nothing_changes() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ADMIN), environment()).await.unwrap();
    let bad = toml(&emulator, &format!("{ADMIN}[policy]\ncode_length = 99\nmax_guesses = 0\n"));
    *gateway.file.lock().unwrap() = bad;
    let refused = Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await;
    let problem = refused.problem(422, "configuration");
    let paths: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(paths, ["policy.code_length", "policy.max_guesses"]);
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
    gateway.get("/v1/admin/providers").await.problem(403, "forbidden");
}

/// Approvals are counted after the caller has the verdict.
#[tokio::test]
async fn an_administrator_sees_what_became_of_each_providers_messages() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ADMIN), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    gateway.send(&number()).await;
    assert_eq!(gateway.verify(&sent, &code_of(&emulator, PHONE)).await["verdict"], "approved");
    for _ in 0..1_000 {
        let shown = gateway.get("/v1/admin/providers").await.expect(200);
        let [first, second] = &shown["providers"].as_array().unwrap()[..] else {
            panic!("{shown}");
        };
        if first["last_hour"]["approved"] == 0 {
            continue;
        }
        assert_eq!((&first["name"], &first["circuit"]), (&json!("first"), &json!("closed")));
        let hour = json!({
            "accepted": 2, "delivered": null, "approved": 1,
            "delivery_rate": null, "approval_rate": 0.5,
        });
        assert_eq!(first["last_hour"], hour);
        assert_eq!(second["last_hour"]["accepted"], 0);
        return;
    }
    panic!("the approval was not counted");
}

/// Requests while a reload is under way, by signal or by call: the second one waits for the
/// first, and the file that was read last is in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reloads_at_once_are_one_after_the_other() {
    let emulator = emulator().await;
    let (entered, entries): (Sender<()>, Receiver<()>) = channel();
    let (go, going): (Sender<()>, Receiver<()>) = channel();
    let going = Mutex::new(going);
    let meanwhile = move || {
        entered.send(()).unwrap();
        going.lock().unwrap().recv().unwrap();
    };
    let before = toml(&emulator, ADMIN);
    let gateway = start_with(&before, environment(), meanwhile).await.unwrap();
    let with =
        |guesses: u32| toml(&emulator, &format!("{ADMIN}[policy]\nmax_guesses = {guesses}\n"));

    *gateway.file.lock().unwrap() = with(3);
    let reloader = gateway.reloader.clone();
    let first = tokio::spawn(async move { reloader.reload().await });
    let entries = Arc::new(Mutex::new(entries));
    let wait = |most: Duration| {
        let entries = Arc::clone(&entries);
        tokio::task::spawn_blocking(move || entries.lock().unwrap().recv_timeout(most).is_ok())
    };
    assert!(wait(Duration::from_secs(30)).await.unwrap(), "it has read the file");
    *gateway.file.lock().unwrap() = with(4);
    let second = tokio::spawn(Answer::of(gateway.request(Method::POST, "/v1/admin/reload")));
    assert!(!wait(Duration::from_millis(300)).await.unwrap(), "the second waits");
    go.send(()).unwrap();
    assert!(first.await.unwrap().is_ok());
    assert!(wait(Duration::from_secs(30)).await.unwrap());
    go.send(()).unwrap();
    let second = second.await.unwrap().expect(200);
    assert_eq!(second, json!({ "unchanged": ["first", "second"], "changed": [], "retired": [] }));
    assert_eq!(gateway.get("/v1/capabilities").await.expect(200)["max_guesses"], 4);
}
