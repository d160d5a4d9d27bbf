//! The verbs at a gateway that does not do what was asked for.

use std::process::Command;

use otpmux_testkit::leaks::assert_clean;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::shared::TO;
use crate::support::{Ended, Vendors, program, run};

const ID: &str = "0123456789abcdef0123456789abcdee";
const KEY: &str = "made-up-api-key";

/// A server of one answer, while the program is another process.
struct Stub {
    server: MockServer,
    runtime: tokio::runtime::Runtime,
}

impl Stub {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(MockServer::start());
        Self { server, runtime }
    }

    fn verify(&self, answer: ResponseTemplate) -> Ended {
        let mock = Mock::given(method("POST"))
            .and(path(format!("/v1/verifications/{ID}/verify")))
            .and(header("authorization", format!("Bearer {KEY}")));
        let guard = self.runtime.block_on(mock.respond_with(answer).mount_as_scoped(&self.server));
        let arguments = ["verify", ID, "--code", "004217", "--json"];
        let ended = run(&mut at(&self.server.uri(), &arguments), "");
        drop(guard);
        assert_clean(&ended.everything(), &["004217", KEY]);
        ended
    }
}

fn at(url: &str, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).args(["--gateway", url]).env("OTPMUX_API_KEY", KEY);
    command
}

fn problem(status: u16, kind: &str, more: &Value) -> ResponseTemplate {
    let mut body = json!({
        "type": format!("https://otpmux.github.io/otpmux/problems/{kind}"),
        "title": "No",
        "status": status,
        "detail": "for a reason",
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/problem+json")
}

#[test]
fn a_problem_is_reported_in_the_same_words_and_as_an_exit_status() {
    let stub = Stub::start();
    for (status, kind, more, exit) in [
        (400, "invalid_request", json!({ "certainty": "not_sent" }), 2),
        (401, "unauthenticated", json!({}), 2),
        (404, "not_found", json!({}), 5),
        (429, "too_many_requests", json!({ "retry_after": 7, "limit": "ip" }), 3),
        (503, "store", json!({ "certainty": "not_sent", "blame": "internal" }), 1),
        (503, "circuit_open", json!({ "certainty": "not_sent", "retry_after": 5 }), 3),
        (504, "timeout", json!({ "certainty": "unknown", "provider": "primary" }), 4),
    ] {
        let ended = stub.verify(problem(status, kind, &more));
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(exit), ""), "{kind}");
        let error = ended.error();
        assert_eq!(error["kind"], kind);
        assert_eq!(error["detail"], "the gateway: for a reason");
        for key in ["certainty", "blame", "retry_after", "provider", "limit"] {
            assert_eq!(error[key], more.get(key).cloned().unwrap_or_default(), "{kind}: {key}");
        }
    }
}

#[test]
fn only_a_plain_yes_is_a_yes() {
    let stub = Stub::start();
    let answer = |status: u16, body: &str| {
        stub.verify(ResponseTemplate::new(status).set_body_raw(body, "application/json"))
    };
    assert_eq!(answer(200, r#"{"verdict":"approved"}"#).status, Some(0));
    for (body, exit) in [
        (r#"{"verdict":"Approved"}"#, 1),
        (r#"{"verdict":"wrong_code","guesses_left":0}"#, 5),
        (r#"{"verdict":"too_many_guesses","retry_after":60}"#, 3),
        (r#"{"status":"approved"}"#, 1),
        (r#"["approved"]"#, 4),
        ("approved", 4),
        ("", 4),
    ] {
        assert_eq!(answer(200, body).status, Some(exit), "{body}");
    }
    assert_eq!(answer(500, r#"{"verdict":"approved"}"#).status, Some(1));
}

#[test]
fn a_cancel_and_a_named_resend_are_asked_for_as_such() {
    let stub = Stub::start();
    let answered = |mock: wiremock::MockBuilder, answer, arguments: &[&str]| {
        let mock = mock.respond_with(answer).expect(1);
        let _guard = stub.runtime.block_on(mock.mount_as_scoped(&stub.server));
        run(&mut at(&stub.server.uri(), arguments), "")
    };
    let delete = || Mock::given(method("DELETE")).and(path(format!("/v1/verifications/{ID}")));
    let ended = answered(delete(), ResponseTemplate::new(204), &["cancel", ID]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let gone = problem(404, "not_found", &json!({}));
    assert_eq!(answered(delete(), gone, &["cancel", ID]).status, Some(5));

    let resend = Mock::given(method("POST"))
        .and(path(format!("/v1/verifications/{ID}/resend")))
        .and(header("idempotency-key", "again"))
        .and(body_json(json!({ "channel": "voice" })));
    let sent = json!({
        "id": ID, "status": "pending", "channel": "voice", "to": "+9•••••••••10", "confirmed": true,
        "expires_at": "2026-11-22T03:09:08Z", "code_length": 6,
        "resend_after": "2026-11-22T03:04:38Z", "guesses_left": 5,
    });
    let arguments = ["resend", ID, "--channel", "voice", "--idempotency-key", "again"];
    let ended = answered(resend, ResponseTemplate::new(200).set_body_json(sent), &arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(ended.stdout.starts_with("Sent by voice to +9•••••••••10.\n"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("PROVIDER"), "there is no history to show: {}", ended.stdout);
}

#[test]
fn a_gateway_that_does_not_listen() {
    let url = Vendors::start().gone();
    let url = url.strip_suffix("/api/v1").unwrap();
    let ended = run(&mut at(url, &["send", "--to", TO, "--no-verify", "--json"]), "");
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{}", ended.everything());
    let error = ended.error();
    assert_eq!((&error["kind"], &error["certainty"]), (&"transport".into(), &"not_sent".into()));
    assert_clean(&ended.everything(), &[TO, KEY]);
}

#[test]
fn a_key_goes_nowhere_where_it_could_be_read() {
    for url in ["http://gateway.example.com", "gateway", "http://user:secret@127.0.0.1:1"] {
        let ended = run(&mut at(url, &["status", ID]), "");
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{url}");
        assert!(ended.stderr.starts_with("error: --gateway: "), "{}", ended.stderr);
        assert_clean(&ended.everything(), &[KEY, "secret"]);
    }
    let ended = run(at("http://127.0.0.1:1", &["status", ID]).env_remove("OTPMUX_API_KEY"), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("`OTPMUX_API_KEY` is not set"), "{}", ended.stderr);
}
