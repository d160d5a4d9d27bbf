//! `otpmux init`

use std::path::Path;
use std::process::Command;

use crate::shared::Folder;
use crate::support::{Ended, program, run};

fn init(arguments: &[&str]) -> Ended {
    run(program().arg("init").args(arguments), "")
}

/// Runs `check-config` with a made-up value for each variable that the file names.
fn check(file: &Path) -> Ended {
    let text = std::fs::read_to_string(file).unwrap();
    let mut command: Command = program();
    command.arg("check-config").arg(file).current_dir(file.parent().unwrap());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = line.split_once("\"env:") else { continue };
        let name = rest.split('"').next().unwrap();
        let value = match name {
            "OTPMUX_SERVER_KEY" => "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE=",
            _ => "whsec_bWFkZS11cCBzZWNyZXQgb2YgYSB2ZW5kb3I=",
        };
        command.env(name, value);
    }
    run(&mut command, "")
}

/// Returns the kinds that this program has.
fn kinds() -> Vec<String> {
    let schema = run(program().arg("schema"), "").stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let kinds = &schema["properties"]["providers"]["additionalProperties"]["properties"]["kind"];
    let kinds = kinds["enum"].as_array().unwrap();
    kinds.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_for_each_kind_is_right() {
    let folder = Folder::new();
    let file = folder.path().join("otpmux.toml");
    let path = file.to_str().unwrap();
    // This kind is any vendor, and needs its definition.
    for kind in kinds().into_iter().filter(|kind| kind != "http") {
        let written = init(&[path, "--force", "--provider", &kind, "--countries", "any"]);
        assert_eq!(written.status, Some(0), "{kind}: {}", written.everything());
        let checked = check(&file);
        assert_eq!(checked.status, Some(0), "{kind}: {}", checked.everything());
        assert!(checked.stdout.contains(&format!("({kind})")), "{}", checked.everything());
    }
}

#[test]
fn the_order_of_the_options_is_the_order_of_failover() {
    let folder = Folder::new();
    let file = folder.path().join("otpmux.toml");
    let path = file.to_str().unwrap();
    let written = init(&[
        path,
        "--provider",
        "first=startmessaging",
        "--provider",
        "second=easyotp",
        "--set",
        "second.message=Your {code} at Acme",
        "--set",
        "second.test_recipients=true",
        "--countries",
        "in,us",
        "--store",
        "env:REDIS_URL",
        "--json",
    ]);
    assert_eq!(written.status, Some(0), "{}", written.everything());
    let answer = &written.json()[0];
    assert_eq!(answer["file"], path);
    for name in ["FIRST_API_KEY", "SECOND_API_KEY", "REDIS_URL", "OTPMUX_API_KEY"] {
        assert!(answer["variables"][name].is_string(), "{name}: {answer}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    for line in [
        "[providers.first]",
        r#"message = "Your {code} at Acme""#,
        "test_recipients = true",
        r#"providers = ["first","second"]"#,
        r#"countries = ["IN","US"]"#,
        r#"url = "env:REDIS_URL""#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line}:\n{text}");
    }
}

#[test]
fn a_file_that_exists_is_kept() {
    let folder = Folder::new();
    let file = folder.path().join("otpmux.toml");
    let arguments = [file.to_str().unwrap(), "--provider", "easyotp", "--countries", "any"];
    std::fs::write(&file, "precious").unwrap();
    let refused = init(&arguments);
    assert_eq!(refused.status, Some(1), "{}", refused.everything());
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let forced: Vec<_> = arguments.into_iter().chain(["--force"]).collect();
    assert_eq!(init(&forced).status, Some(0));
    assert!(std::fs::read_to_string(&file).unwrap().contains("[providers.easyotp]"));
}

#[test]
fn a_mistake_writes_nothing_and_says_what_to_do() {
    let folder = Folder::new();
    let file = folder.path().join("otpmux.toml");
    let path = file.to_str().unwrap();
    let easy = ["--provider", "easyotp"];
    let any = ["--countries", "any"];
    for (arguments, says) in [
        (vec![], "--provider KIND"),
        (easy.to_vec(), "--countries IN,US"),
        ([&["--provider", "easyopt"][..], &any].concat(), "did you mean `easyotp`"),
        ([&easy[..], &easy, &any].concat(), "two providers are named easyotp"),
        ([&easy[..], &["--countries", "XX"]].concat(), "XX"),
        ([&["--provider", "acme=http"][..], &any].concat(), "otpmux vendor new acme"),
        ([&easy[..], &any, &["--set", "easyotp.mesage=x"]].concat(), "the keys are"),
        ([&easy[..], &any, &["--set", "easyotp.message=no code"]].concat(), "must hold {code}"),
        (
            [&easy[..], &any, &["--set", "other.message={code}"]].concat(),
            "no provider is named other",
        ),
        (
            [&easy[..], &any, &["--set", "easyotp.api_key=swordfish"]].concat(),
            "env:EASYOTP_API_KEY",
        ),
        (
            [&easy[..], &any, &["--store", "redis://:swordfish@host"]].concat(),
            "env:OTPMUX_STORE_URL",
        ),
    ] {
        let ended = init(&[&[path][..], &arguments].concat());
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.everything());
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.everything().contains("swordfish"), "{}", ended.everything());
        assert!(!file.exists(), "{arguments:?}");
    }
}

#[test]
fn standard_output_takes_the_file() {
    let ended = init(&["--stdout", "--provider", "easyotp", "--countries", "any"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(ended.stdout.contains("\n[providers.easyotp]\n"), "{}", ended.stdout);
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
}
