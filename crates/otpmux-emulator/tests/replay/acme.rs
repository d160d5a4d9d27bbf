//! A vendor that makes and verifies codes, known from a few files only.

use std::fs;
use std::path::Path;

use otpmux_emulator::{Emulator, EmulatorConfig, FaultPreset, Message, MessageFilter, Vendor};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Answer, Rig};

const TO: &str = "+919876543210";

fn golden(method: &str, path: &str, body: &Value, status: u16, answer: &Value) -> Value {
    json!({
        "source": "[ASSUMPTION] made up for this test", "documented": false,
        "request": { "method": method, "path": path, "headers": {}, "body": body },
        "response": {
            "status": status, "headers": { "Content-Type": "application/json" }, "body": answer,
        },
    })
}

/// The files of a vendor, in a folder that is removed at the end.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, Value)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, golden) in files {
            fs::write(folder.path().join(format!("{name}.json")), golden.to_string()).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn acme() -> Self {
        let send = json!({ "to": "+12345678900", "channel": "sms", "brand": "Acme" });
        let check = |code: &str| json!({ "id": "ver_0123456789abcdef", "code": code });
        let status = "/v2/verifications/ver_0123456789abcdef";
        Self::new(&[
            (
                "send-ok",
                golden(
                    "POST",
                    "/v2/verifications",
                    &send,
                    201,
                    &json!({
                        "id": "ver_0123456789abcdef", "to": "+12345678900",
                        "created_at": "2024-01-01T12:00:00Z", "expires_at": "2024-01-01T12:10:00Z",
                    }),
                ),
            ),
            (
                "send-402",
                golden("POST", "/v2/verifications", &send, 402, &json!({ "error": "no money" })),
            ),
            (
                "verify-ok",
                golden("POST", "/v2/checks", &check("4711"), 200, &json!({ "verified": true })),
            ),
            (
                "verify-wrong-code",
                golden("POST", "/v2/checks", &check("0000"), 200, &json!({ "verified": false })),
            ),
            (
                "verify-404",
                golden("POST", "/v2/checks", &check("0000"), 404, &json!({ "error": "unknown" })),
            ),
            (
                "status-ok",
                golden(
                    "GET",
                    status,
                    &Value::Null,
                    200,
                    &json!({
                        "id": "ver_0123456789abcdef", "to": "+12345678900", "state": "delivered",
                    }),
                ),
            ),
        ])
    }
}

async fn rig() -> (Rig, Folder) {
    let folder = Folder::acme();
    (Rig::start("acme", folder.path()).await, folder)
}

async fn send(rig: &Rig, to: &str) -> Answer {
    let body = json!({ "to": to, "channel": "voice", "brand": "Else" });
    rig.ask("POST", "/v2/verifications", &body).await
}

async fn check(rig: &Rig, id: &str, code: &str) -> Answer {
    rig.ask("POST", "/v2/checks", &json!({ "id": id, "code": code })).await
}

fn newest(emulator: &Emulator) -> Message {
    emulator.messages(&MessageFilter::default()).pop().unwrap()
}

#[tokio::test]
async fn a_code_is_sent_and_verified_once() {
    let (rig, _folder) = rig().await;
    let sent = send(&rig, TO).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let body = sent.json();
    let id = body["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("ver_") && id.len() == 20 && id != "ver_0123456789abcdef", "{id}");
    // The answer is about this request, and of now.
    let times =
        json!({ "created_at": "2026-02-15T10:30:00Z", "expires_at": "2026-02-15T10:40:00Z" });
    assert_eq!(body["to"], TO);
    assert_eq!(
        (&body["created_at"], &body["expires_at"]),
        (&times["created_at"], &times["expires_at"])
    );

    // The handset shows it, with a code as long as the files have it.
    let message = newest(&rig.emulator);
    assert_eq!((message.vendor, message.to.as_str()), (rig.vendor, TO));
    assert_eq!((message.channel.as_str(), message.code.len()), ("voice", 4));
    assert!(message.text.contains(&message.code));

    let wrong = if message.code == "1234" { "4321" } else { "1234" };
    assert_eq!(check(&rig, &id, wrong).await.json(), json!({ "verified": false }));
    assert_eq!(check(&rig, &id, &message.code).await.json(), json!({ "verified": true }));
    assert_eq!(check(&rig, &id, &message.code).await.json(), json!({ "verified": false }), "once");
    assert_eq!(check(&rig, "ver_ffffffffffffffff", &message.code).await.status, 404);
    let status = rig.ask("GET", &format!("/v2/verifications/{id}"), &Value::Null).await.json();
    assert_eq!(status, json!({ "id": id, "to": TO, "state": "delivered" }));

    // Another send has another id and code row.
    let other = send(&rig, "+919876543211").await.json();
    assert_ne!(other["id"], id);
}

#[tokio::test]
async fn a_scenario_chooses_files_by_name() {
    let (rig, _folder) = rig().await;
    rig.emulator.answer_next(rig.vendor, "send-402").unwrap();
    rig.emulator.answer_next(rig.vendor, "verify-404").unwrap();
    // It waits for a request to its own place.
    assert_eq!(check(&rig, "ver_0123456789abcdef", "4711").await.status, 404);
    assert_eq!(check(&rig, "ver_0123456789abcdef", "4711").await.json()["verified"], true);
    assert_eq!(send(&rig, TO).await.status, 402);
    assert!(rig.emulator.messages(&MessageFilter::default()).is_empty());
    assert_eq!(send(&rig, TO).await.status, 201);

    let put = rig.admin("PUT", "/accounts/acme", &json!({ "always": ["send-402"] })).await;
    assert_eq!(put.status, 200, "{}", put.text);
    for _ in 0..2 {
        assert_eq!(send(&rig, TO).await.status, 402);
    }
    let put = json!({ "always": [], "next": ["send-402", "send-402"], "fixed_code": "0042" });
    rig.admin("PUT", "/accounts/acme", &put).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(send(&rig, TO).await.status);
    }
    assert_eq!(statuses, [402, 402, 201]);
    assert_eq!(newest(&rig.emulator).code, "0042");

    let wrong = rig.admin("PUT", "/accounts/acme", &json!({ "next": ["send-403"] })).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("send-403") && wrong.text.contains("send-402"), "{}", wrong.text);
    let error = rig.emulator.answer_next(rig.vendor, "nothing").unwrap_err().to_string();
    assert!(error.contains("verify-wrong-code"), "{error}");
    assert!(rig.emulator.answer_next(Vendor::EasyOtp, "send-402").is_err());
}

/// The switches of the page work for a vendor whose paths are called otherwise.
#[tokio::test]
async fn faults_know_its_sends() {
    let (rig, _folder) = rig().await;
    rig.emulator.set_fault(rig.vendor, FaultPreset::OutOfCredit);
    let refused = send(&rig, TO).await;
    assert_eq!((refused.status, refused.json()), (402, json!({ "error": "no money" })));
    assert_eq!(check(&rig, "ver_0123456789abcdef", "4711").await.status, 200);
    rig.emulator.clear_faults(rig.vendor);
    assert_eq!(send(&rig, TO).await.status, 201);
}

#[tokio::test]
async fn a_request_without_a_file_is_reported() {
    let (rig, _folder) = rig().await;
    let lost = rig.ask("POST", "/v3/verifications", &json!({ "to": TO })).await;
    assert_eq!(lost.status, 404);
    assert!(lost.text.contains("POST /v2/checks"), "{}", lost.text);
    let poor = rig.ask("POST", "/v2/verifications", &json!({ "channel": "sms" })).await;
    assert_eq!(poor.status, 400, "{}", poor.text);
    // Where the vendor's base path begins is left to the base URL.
    let short = rig.ask("POST", "/verifications", &json!({ "to": TO, "channel": "sms" })).await;
    assert_eq!(short.status, 201, "{}", short.text);
}

/// A transport: the code is in the text, and a form is what the vendor takes.
#[tokio::test]
async fn codes_are_read_from_texts_and_forms() {
    let mut sms = golden(
        "POST",
        "/sms",
        &json!("To=%2B12345678900&Body=Your+code+is+4711"),
        200,
        &json!({ "sid": "SM0123456789abcdef" }),
    );
    sms["request"]["headers"] = json!({ "Content-Type": "application/x-www-form-urlencoded" });
    let mail = json!({ "to": "user@example.com", "subject": "Your code", "text": "It is 4711" });
    let mail = golden("POST", "/mail", &mail, 202, &Value::Null);
    let folder = Folder::new(&[("send-sms-ok", sms), ("send-mail-ok", mail)]);
    let rig = Rig::start("pipes", folder.path()).await;
    let form = "To=%2B919876543210&Body=Acme%3A+0815+is+your+code".to_owned();
    let sent = rig.ask_with("POST", "/sms", "application/x-www-form-urlencoded", form).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let message = newest(&rig.emulator);
    assert_eq!((message.to.as_str(), message.code.as_str()), (TO, "0815"));
    assert_eq!(message.text, "Acme: 0815 is your code");
    let mail = json!({ "to": "a@b.example", "subject": "Hello", "text": "Use 987654." });
    let sent = rig.ask("POST", "/mail", &mail).await;
    assert_eq!((sent.status, sent.text.as_str()), (202, ""));
    let message = newest(&rig.emulator);
    assert_eq!((message.channel.as_str(), message.code.as_str()), ("email", "987654"));
    assert_eq!(message.subject.as_deref(), Some("Hello"));
}

#[tokio::test]
async fn it_stands_beside_the_others_or_in_the_place_of_one() {
    let folder = Folder::acme();
    let config = EmulatorConfig::default().with_replay("acme", folder.path());
    let emulator = Emulator::start(config.clone()).await.unwrap();
    let names: Vec<&str> = emulator.vendors().into_iter().map(Vendor::as_str).collect();
    let mut all: Vec<&str> = Vendor::ALL.into_iter().map(Vendor::as_str).collect();
    all.push("acme");
    assert_eq!(names, all);
    let ready: Value = serde_json::from_str(&emulator.ready_line()).unwrap();
    let acme = emulator.vendor("acme").unwrap();
    assert_eq!(ready["vendors"]["acme"]["base_url"], emulator.base_url(acme));

    let emulator = Emulator::start(config.with_replay("easyotp", folder.path())).await.unwrap();
    let easyotp = emulator.vendor("easyotp").unwrap();
    assert_ne!(easyotp, Vendor::EasyOtp);
    assert_eq!(emulator.vendor_addr(Vendor::EasyOtp), None);
    assert_eq!(emulator.vendors().len(), all.len());

    for (name, folder, word) in [
        ("Acme!", folder.path().to_owned(), "small letters"),
        ("acme", folder.path().join("nothing"), "nothing"),
    ] {
        let config = EmulatorConfig::default().with_replay(name, folder);
        let error = Emulator::start(config).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let broken = Folder::new(&[("send-ok", json!({ "request": {} }))]);
    let config = EmulatorConfig::default().with_replay("acme", broken.path());
    let error = Emulator::start(config).await.unwrap_err().to_string();
    assert!(error.contains("send-ok.json"), "{error}");
}
