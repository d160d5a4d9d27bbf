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
countries = ["IN"]
channels = ["sms"]
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
        .env("SERVER_KEY", "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE=")
        .env("REDIS_URL", "rediss://:swordfish@redis.internal");
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

const EVERYTHING: &str = r#"
[providers.primary]
kind = "easyotp"
api_key = "env:KEY"
resilience = { retries = 0, requests = ["10/1s"], breaker_pause = "30s" }

[providers.backup]
kind = "startmessaging"
api_key = "env:KEY"

[[routes]]
countries = ["IN"]
providers = { primary = 70, backup = 30 }

[store]
url = "env:REDIS_URL"
namespace = "login"

[[server_keys]]
id = "2026-11"
key = "env:SERVER_KEY"

[policy]
countries = ["IN", "BR"]
resend_by = "next_channel"
channels = ["sms", "voice"]
hedge_after = "2s"

[limits]
purpose = ["500/1m"]
number_range = []
"#;

#[test]
fn everything_that_can_be_configured_is_told() {
    let ended = check(EVERYTHING, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert_eq!(ended.stderr, "", "nothing to warn about");
    for line in [
        "  resilience other than the defaults: breaker_pause = \"30s\", requests = [\"10/1s\"], \
         retries = 0",
        "route 1: country IN in an order drawn by the weights primary 70, backup 30",
        "store: Redis, for every process, under the namespace login",
        "policy: codes of 6 digits, good for 5m, 5 guesses, at most 1 possible duplicates",
        "hedging: the next provider is asked after 2s, too",
        "resends: at most 4, by the next channel of sms, voice, after 30s and then twice as long \
         each, up to 10m",
        "countries: IN, BR and no others",
        "limits: recipient 2/1m 15/1h 50/1d, client 20/1m 200/1h, purpose 500/1m, prefix none, \
         domain none, global none, guesses 10/1h 30/1d, guesses_total 30/1h 100/1d",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
    assert_eq!(ended.stdout.matches("resilience").count(), 1, "only where they differ");
    assert!(!ended.everything().contains("swordfish"));

    let summary = &check(EVERYTHING, &["--json"]).json()[0];
    assert_eq!(
        summary["providers"][0]["resilience"],
        json!({ "retries": 0, "breaker_pause": "30s", "requests": ["10/1s"] })
    );
    assert_eq!(summary["providers"][1]["resilience"], json!({}));
    assert_eq!(summary["routes"][0]["weights"], json!([70, 30]));
    assert_eq!(summary["limits"]["recipient"], json!(["2/1m", "15/1h", "50/1d"]));
    assert_eq!(summary["policy"]["countries"], json!(["IN", "BR"]));
    assert_eq!(summary["warnings"], json!([]));
    assert!(!summary.to_string().contains("swordfish"));
}

#[test]
fn a_message_without_a_brand_or_too_long_is_a_warning() {
    let warnings = |message: &str| {
        let line = format!("api_key = \"env:KEY\"\nmessage = \"{message}\"\n");
        let good = format!("{GOOD}[policy]\ncountries = [\"IN\"]\n");
        let ended = check(&good.replacen("api_key = \"env:KEY\"\n", &line, 1), &[]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        ended.stderr.lines().filter(|line| line.contains("message")).count()
    };
    assert_eq!(warnings("Your Acme code is {code}"), 0);
    assert_eq!(warnings("Your verification code is {code}"), 1, "no brand");
    let long = "Acme sends you this code, which is good for a short while only: {code}";
    assert_eq!(warnings(long), 1, "for a call");
    assert_eq!(warnings(&format!("{long} {long} {long}")), 2, "for an SMS, too");
}

#[test]
fn a_store_is_not_opened() {
    let file = std::env::temp_dir().join(format!("otpmux-cli-{}.db", std::process::id()));
    let url = format!("url = \"sqlite:{}\"", file.display());
    let text = EVERYTHING.replace("url = \"env:REDIS_URL\"\nnamespace = \"login\"", &url);
    let ended = check(&text, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let line = "store: SQLite, for the processes of this machine, at most 1024 MB; survives the \
                machine losing power";
    assert!(ended.stdout.contains(line) && !ended.stdout.contains(".db"), "{}", ended.stdout);
    assert!(!file.exists());
}

#[test]
fn countries_that_nobody_has_named_are_a_warning() {
    let warned = |text: &str| {
        let ended = check(text, &[]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        let summary = &check(text, &["--json"]).json()[0];
        assert_eq!(summary["warnings"].as_array().unwrap().len(), ended.stderr.lines().count());
        ended.stderr.contains("warning: policy.countries: missing")
    };
    assert!(warned(GOOD), "its second route takes every country");
    assert!(!warned(&format!("{GOOD}[policy]\ncountries = [\"IN\"]\n")));
    let india = GOOD.replace("[[routes]]\nproviders = [\"primary\", \"backup\"]\n", "");
    assert!(!warned(&india), "a route that names its countries");
    let mail = GOOD.replace(
        "[[routes]]\nproviders = [\"primary\", \"backup\"]",
        "[[routes]]\nchannels = [\"email\"]\nproviders = [\"primary\"]",
    );
    assert!(!warned(&mail), "an e-mail costs the same everywhere");
    let reach = "[providers.in]\nkind = \"startmessaging\"\napi_key = \"env:KEY\"\n";
    assert!(!warned(reach), "it reaches one country");
    assert!(warned("[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n"));
}

#[test]
fn a_right_file_in_json() {
    let ended = check(GOOD, &["--json"]);
    let summary = &ended.json()[0];
    assert_eq!(summary["ok"], true);
    assert_eq!(summary["providers"][0]["name"], "primary");
    assert_eq!(summary["providers"][1]["kind"], "startmessaging");
    assert_eq!(summary["routes"][0]["countries"], json!(["IN"]));
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
                "line": 7,
                "column": 1,
                "message": "unknown kind `startmesaging`; did you mean `startmessaging`?",
            },
            {
                "path": "server_keys[0].key",
                "line": 20,
                "column": 1,
                "message": "the environment variable `NO` is not set",
            },
        ]})
    );
}

/// What `serve` would refuse, `check-config` tells before.
#[test]
fn what_serve_would_say() {
    let text = format!(
        "{GOOD}\n[store]\nurl = \"sqlite:/no/such/directory/otpmux.db\"\n\n[server]\n\
         listen = \"0.0.0.0:0\"\ntls_certificate = \"/no/such.pem\"\n\
         tls_private_key = \"/no/such.key\"\n\n[[server.api_keys]]\nname = \"shop\"\n\
         key = \"env:KEY\"\n"
    );
    let ended = check(&text, &[]);
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    for (line, said) in [
        (23, "store.url: the directory /no/such/directory does not exist; make it"),
        (32, "server.api_keys[0].key: the key is shorter than"),
        (27, "server.tls_certificate: the file /no/such.pem cannot be read"),
    ] {
        let said = format!("line {line}, column 1: {said}");
        assert!(ended.stderr.contains(&said), "{said}\n{}", ended.stderr);
    }
    assert!(ended.stderr.contains("policy.countries: missing"), "{}", ended.stderr);
    assert!(ended.stderr.contains("has 4 mistakes:"), "{}", ended.stderr);
}

#[test]
fn what_is_right_and_hardly_meant_is_a_warning() {
    let text = format!(
        "{GOOD}\n[policy]\ncountries = [\"IN\", \"GB\"]\n\n[limits]\n\
         recipient = [\"20/1m\", \"15/1h\"]\nip = [\"200/1h\"]\nglobal = [\"100/1d\"]\n\n\
         [server]\nlisten = \"0.0.0.0:8080\"\n\n\
         [[server.api_keys]]\nname = \"shop\"\nkey = \"env:SERVER_KEY\"\n"
    );
    let ended = check(&text, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    for said in [
        "`countries` has GB and not GG, IM, JE, whose numbers begin with +44 too",
        "the limit 20/1m of `recipient` never refuses anything: 15/1h of `recipient` is reached first",
        "the limit 200/1h of `ip` never refuses anything: 100/1d of `global` is reached first",
        "the gateway listens on 0.0.0.0:8080 in plain HTTP",
    ] {
        assert!(ended.stderr.contains(said), "{said}\n{}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 4, "{}", ended.stderr);
}

#[test]
fn a_file_that_is_not_there() {
    let ended = run(program().args(["check-config", "/no/such/otpmux.toml"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("/no/such/otpmux.toml: cannot be read"), "{}", ended.stderr);
}

#[test]
fn the_published_reference_is_the_current_one() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration/reference.md");
    let published = std::fs::read_to_string(page).unwrap();
    let ended = run(program().args(["schema", "--markdown"]), "");
    assert!(
        ended.stdout == published,
        "docs/configuration/reference.md is stale; write it again: just schema"
    );
}

#[test]
fn the_schema_is_json() {
    let ended = run(program().arg("schema"), "");
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
