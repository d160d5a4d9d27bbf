//! The audit log of a gateway: calls by API key, admin calls, reloads, refusals.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{
    Answer, Home, KEY, PHONE, Running, code_of, emulator, environment, start, toml,
};

const KEYS: &str = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\nadmin = true\n";

/// A file that is removed in the end.
struct Log(Home);

impl Log {
    fn new() -> Self {
        Self(Home::new())
    }

    fn file(&self) -> PathBuf {
        self.0.file("audit.log")
    }

    fn section(&self) -> String {
        format!("[audit]\nfile = \"{}\"\n", self.file().display())
    }

    /// The lines of a gateway that has ended.
    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }
}

async fn stop(mut gateway: Running) {
    gateway.tell_to_stop();
    gateway.ended().await;
}

async fn reload(gateway: &Running) -> Answer {
    Answer::of(gateway.request(Method::POST, "/v1/admin/reload")).await
}

#[tokio::test]
async fn calls_are_in_the_log_with_their_api_key_and_nothing_personal() {
    let (emulator, log) = (emulator().await, Log::new());
    let text = toml(&emulator, &format!("{KEYS}{}", log.section()));
    let gateway = start(&text, environment()).await.unwrap();
    let body = json!({"to": PHONE, "purpose": "login", "metadata": {"order": "note-4711"}});
    let sent = gateway.post("/v1/verifications", &body).await.expect(201);
    let code = code_of(&emulator, PHONE);
    assert_eq!(gateway.verify(&sent, &code).await["verdict"], "approved");
    stop(gateway).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2);
    for (line, event) in lines.iter().zip(["send", "verify"]) {
        assert_eq!((&line["event"], &line["api_key"]), (&json!(event), &json!("web")));
        assert_eq!(line["id"], sent["id"]);
    }
    assert_eq!(lines[0]["provider"], "first");
    assert_eq!(lines[1]["verdict"], "approved");
    for secret in ["9876543210", "note-4711", &code, KEY] {
        assert!(!log.text().contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn admin_calls_and_reloads_are_in_the_log() {
    let (emulator, log) = (emulator().await, Log::new());
    let text = |more: &str| toml(&emulator, &format!("{KEYS}{}{more}", log.section()));
    let gateway = start(&text(""), environment()).await.unwrap();
    gateway.get("/v1/admin/providers").await.expect(200);
    let stranger = gateway.http.get(format!("{}/v1/admin/providers", gateway.url));
    Answer::of(stranger.bearer_auth("made-up")).await.problem(401, "unauthenticated");
    *gateway.file.lock().unwrap() = text("[policy]\nmax_guesses = 3\n");
    reload(&gateway).await.expect(200);
    *gateway.file.lock().unwrap() = text("[policy]\nmax_guesses = 0\n");
    reload(&gateway).await.problem(422, "configuration");
    *gateway.file.lock().unwrap() =
        text("").replace("\"second\"", "\"third\"").replace("providers.second", "providers.third");
    gateway.reloader.reload().await.unwrap();
    stop(gateway).await;
    let lines = log.lines();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let admin: Vec<_> = of("admin")
        .iter()
        .map(|line| (line["call"].as_str().unwrap(), line["status"].as_u64().unwrap()))
        .collect();
    let again = "POST /v1/admin/reload";
    assert_eq!(admin, [("GET /v1/admin/providers", 200), (again, 200), (again, 422)]);
    assert!(of("admin").iter().all(|line| line["api_key"] == "web"));
    let reloads = of("reload");
    let seen: Vec<_> = reloads
        .iter()
        .map(|line| {
            ["by", "outcome", "differs", "retired", "mistakes"].map(|key| line[key].clone())
        })
        .collect();
    let none = Value::Null;
    assert_eq!(
        json!(seen),
        json!([
            ["api", "done", ["policy"], [], none],
            ["api", "refused", none, none, ["policy.max_guesses"]],
            [
                "process",
                "done",
                ["providers.second", "providers.third", "policy"],
                ["second"],
                none
            ],
        ])
    );
    assert_eq!(reloads[0]["api_key"], "web");
    let fingerprint = |at: usize| reloads[at]["configuration"].as_str().unwrap();
    assert_eq!(fingerprint(0).len(), 16);
    assert_ne!(fingerprint(0), fingerprint(2));
}

/// The log names the caller that switches it off.
#[tokio::test]
async fn a_reload_that_ends_the_log_is_its_last_line() {
    let (emulator, log, other) = (emulator().await, Log::new(), Log::new());
    let text = |audit: &str| toml(&emulator, &format!("{KEYS}{audit}"));
    let gateway = start(&text(&log.section()), environment()).await.unwrap();
    *gateway.file.lock().unwrap() = text(&other.section());
    reload(&gateway).await.expect(200);
    *gateway.file.lock().unwrap() = text("");
    reload(&gateway).await.expect(200);
    gateway.send(PHONE).await;
    stop(gateway).await;
    for log in [&log, &other] {
        let lines = log.lines();
        let last = lines.iter().rfind(|line| line["event"] == "reload").unwrap();
        assert_eq!((&last["differs"], &last["outcome"]), (&json!(["audit"]), &json!("done")));
        assert!(lines.iter().all(|line| line["event"] != "send"));
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_of_a_key_are_in_the_log() {
    let (emulator, log) = (emulator().await, Log::new());
    let keys = format!("{KEYS}requests = [\"1/1h\"]\n{}", log.section());
    let gateway = start(&toml(&emulator, &keys), environment()).await.unwrap();
    gateway.send(PHONE).await;
    gateway
        .post("/v1/verifications", &json!({"to": PHONE}))
        .await
        .problem(429, "too_many_requests");
    stop(gateway).await;
    let last = log.lines().pop().unwrap();
    let fields = ["event", "api_key", "outcome", "limit"].map(|key| last[key].clone());
    assert_eq!(json!(fields), json!(["request", "web", "rate_limited", "requests"]));
}

#[tokio::test]
async fn a_gateway_whose_log_cannot_be_opened_does_not_start() {
    let emulator = emulator().await;
    let text = toml(&emulator, "[audit]\nfile = \"/no/such/folder/audit.log\"\n");
    let error = start(&text, environment()).await.err().unwrap().to_string();
    assert!(error.contains("audit: ") && error.contains("/no/such/folder"), "{error}");
}
