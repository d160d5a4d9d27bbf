use serde_json::json;

use crate::support::{Ended, File, program, run};

const GOOD: &str = r#"
[providers.primary]
kind = "easyotp"
api_key = "env:KEY"

[providers.backup]
kind = "startmessaging"
api_key = "env:KEY"

[[routes]]
country = ["IN"]
channel = ["sms"]
providers = ["backup", "primary"]

[[routes]]
providers = ["primary", "backup"]

[[server_keys]]
id = "2026-11"
key = "env:SERVER_KEY"
"#;

fn check(text: &str, arguments: &[&str]) -> Ended {
    let file = File::new(text);
    let mut command = program();
    command
        .arg("check-config")
        .arg(file.path())
        .args(arguments)
        .env("KEY", "made-up-key")
        .env("SERVER_KEY", "made-up server key of 32 bytes or more");
    run(&mut command, "")
}

#[test]
fn a_right_file_in_words() {
    let ended = check(GOOD, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    for line in [
        "provider primary (easyotp)",
        "  sends by sms, voice, email",
        "  carries codes of ours of 4 to 10 digits, so any other vendor can follow with the same",
        "provider backup (startmessaging)",
        "  reaches numbers that begin with +916, +917, +918, +919",
        "route 1: country IN, channel sms by backup, then primary",
        "route 2: everything else by primary, then backup",
        "store: in memory, at most 100000 verifications, gone with the program",
        "server keys: 2026-11 signs and verifies",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
    assert!(!ended.everything().contains("made-up"));
}

#[test]
fn a_right_file_in_json() {
    let ended = check(GOOD, &["--json"]);
    let summary = &ended.json()[0];
    assert_eq!(summary["ok"], true);
    assert_eq!(summary["providers"][0]["name"], "primary");
    assert_eq!(summary["providers"][1]["kind"], "startmessaging");
    assert_eq!(summary["routes"][0]["country"], json!(["IN"]));
    assert_eq!(summary["server_keys"], json!(["2026-11"]));
}

#[test]
fn a_wrong_file_has_all_its_mistakes_told() {
    let wrong = GOOD.replace("startmessaging", "startmesaging").replace("env:SERVER_KEY", "env:NO");
    let ended = check(&wrong, &[]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("has 2 mistakes:"), "{}", ended.stderr);
    let ended = check(&wrong, &["--json"]);
    assert_eq!(ended.status, Some(2));
    assert_eq!(
        ended.json()[0],
        json!({ "ok": false, "errors": [
            {
                "path": "providers.backup.kind",
                "message": "unknown kind `startmesaging`; did you mean `startmessaging`?",
            },
            {
                "path": "server_keys[0].key",
                "message": "the environment variable `NO` is not set",
            },
        ]})
    );
}

#[test]
fn a_file_that_is_not_there() {
    let ended = run(program().args(["check-config", "/no/such/otpmux.toml"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("/no/such/otpmux.toml: cannot be read"), "{}", ended.stderr);
}

#[test]
fn the_schema_is_json() {
    let ended = run(program().arg("schema"), "");
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
