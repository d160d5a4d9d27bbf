//! `otpmux vendor`, and `kind = "http"` in a configuration.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::shared::Folder;
use crate::support::{Ended, File, program, run};

fn skeleton() -> String {
    let ended = run(program().args(["vendor", "new", "acme", "--stdout"]), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    ended.stdout
}

fn try_out(definition: &str, arguments: &[&str]) -> Ended {
    let file = File::new(definition);
    run(program().args(["vendor", "test"]).arg(file.path()).args(arguments), "")
}

#[test]
fn the_skeleton_is_a_definition_whose_request_is_shown_without_secrets_and_numbers() {
    let ended = try_out(&skeleton(), &["--set", "account=a-1", "--sender", "Acme", "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let shown = &ended.json()[0];
    assert_eq!(shown["request"]["request"], "POST /accounts/a-1/messages");
    assert_eq!(shown["request"]["headers"]["authorization"], "Bearer •••");
    let body = json!({ "to": "+1••••••••23", "body": "Your Acme code is ••••••", "from": "Acme" });
    assert_eq!(shown["request"]["body"], body);
    assert_eq!(shown["reading"]["reference"], "example-reference");
    for private in ["made-up", "4155550123", "004217"] {
        assert!(!ended.everything().contains(private), "{}", ended.everything());
    }
}

#[test]
fn an_answer_of_ones_own_is_read() {
    let body = r#"{"error":{"code":"no_credit","message":"Top up"}}"#;
    let ended = try_out(&skeleton(), &["--status", "403", "--body", body, "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let reading = &ended.json()[0]["reading"];
    assert_eq!(reading["kind"], "insufficient_funds");
    assert_eq!(
        (&reading["certainty"], &reading["blame"]),
        (&json!("rejected"), &json!("provider"))
    );
    let text = try_out(&skeleton(), &["--status", "200", "--body", "{}"]);
    assert!(
        text.stdout.contains("reading: protocol / unknown / provider"),
        "{}",
        text.everything()
    );
}

#[test]
fn a_send_that_the_definition_cannot_make_reaches_no_server() {
    let needs = skeleton().replace("\"from?\"", "from");
    let ended = try_out(&needs, &["--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    let shown = &ended.json()[0];
    assert_eq!(shown["request"], Value::Null);
    assert_eq!(shown["reading"]["certainty"], "not_sent");
    let message = shown["reading"]["message"].as_str().unwrap();
    assert!(message.contains("this provider needs a value for sender"), "{message}");
}

#[test]
fn every_mistake_of_a_definition_is_reported() {
    let wrong = skeleton().replace("{text}", "{txt}").replace("[auth]", "[auht]");
    let ended = try_out(&wrong, &[]);
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    for expected in [
        "has 2 mistakes",
        "send.json.body: unknown placeholder {txt}; did you mean {text}?",
        "auht: unknown key; did you mean `auth`?",
    ] {
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.everything());
    }
}

/// A preset of this repository, whose golden files are beside it.
fn preset(name: &str) -> PathBuf {
    let presets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/http/presets");
    presets.join(format!("{name}.toml"))
}

fn try_preset(name: &str, arguments: &[&str]) -> Ended {
    run(program().args(["vendor", "test"]).arg(preset(name)).args(arguments), "")
}

#[test]
fn golden_files_beside_the_definition_answer() {
    let ended = try_preset("plivo", &["--channel", "sms", "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let shown = &ended.json()[0];
    assert_eq!(shown["request"]["request"], "POST /Account/\u{2039}auth_id\u{203a}/Message/");
    assert_eq!(
        shown["request"]["body"]["dst"],
        "+1\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}23"
    );
    assert_eq!((&shown["golden"], &shown["status"]), (&json!(true), &json!(202)));
    assert_eq!(shown["answer"]["message"], "message(s) queued");
    assert_eq!(shown["reading"]["sent"], true);
    for private in ["YOUR_AUTH_TOKEN", "MAXXXXXXXXXXXXXXXXXX", "4155550123", "004217"] {
        assert!(!ended.everything().contains(private), "{private}: {}", ended.everything());
    }
}

#[test]
fn a_golden_file_answers_by_its_name() {
    let ended = try_preset("plivo", &["--answer", "send-401", "--channel", "sms"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(
        ended.stdout.contains("answer (golden file): 401 Could not verify"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("reading: unauthenticated / rejected"), "{}", ended.stdout);
    let unknown = try_preset("plivo", &["--answer", "send-666"]);
    assert_eq!(unknown.status, Some(2), "{}", unknown.everything());
    for expected in ["no golden file `send-666`; there are: ", "send-401"] {
        assert!(unknown.stderr.contains(expected), "{expected}: {}", unknown.everything());
    }
}

#[test]
fn every_preset_can_be_tried_by_its_golden_files() {
    let folder = preset("plivo");
    let files = std::fs::read_dir(folder.parent().unwrap()).unwrap();
    let mut tried = 0;
    for file in files.map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        // One channel is enough: its files need not show every one with the same settings.
        let ended = run(program().args(["vendor", "test", "--json"]).arg(&file), "");
        let is_sent = |shown: &Value| shown["golden"] == true && shown["reading"]["sent"] == true;
        let first = ended.stdout.lines().next().and_then(|line| serde_json::from_str(line).ok());
        assert!(first.as_ref().is_some_and(is_sent), "{file:?}: {}", ended.everything());
        tried += 1;
    }
    assert!(tried >= 17, "{tried}");
}

#[test]
fn a_request_that_no_golden_file_shows_is_named_with_those_that_there_are() {
    let text = std::fs::read_to_string(preset("plivo")).unwrap().replace("/Message/", "/Massage/");
    let definition = File::new(&text);
    let wire = preset("plivo").with_extension("");
    let ended =
        run(program().args(["vendor", "test"]).arg(definition.path()).arg("--wire").arg(&wire), "");
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    for expected in ["no golden file is for POST ", "Massage", "/Message"] {
        assert!(ended.stdout.contains(expected), "{expected}: {}", ended.everything());
    }
}

#[test]
fn what_cannot_be_tried_is_told_with_what_to_do() {
    let skeleton = File::new(&skeleton());
    let config = File::new("[providers.acme]\nkind = \"http\"\n");
    let cases: [(&Path, &[&str], &str); 8] = [
        (skeleton.path(), &["--wire", "/nowhere"], "/nowhere is not a folder with golden files"),
        (skeleton.path(), &["--answer", "send-401"], "name their folder by --wire"),
        (skeleton.path(), &["--set", "account"], "write NAME=VALUE, such as account=a-1"),
        (
            skeleton.path(),
            &["--set", "acount=a-1"],
            "acount: the definition does not use it; did you mean `account`?",
        ),
        (skeleton.path(), &["--channel", "fax"], "has no channel fax; it has: sms"),
        (skeleton.path(), &["--to", "someone@example.com"], "--to must be a number"),
        (config.path(), &[], "is a configuration; a definition is the part below"),
        (Path::new("/nowhere.toml"), &[], "/nowhere.toml cannot be read: "),
    ];
    for (file, arguments, expected) in cases {
        let ended = run(program().args(["vendor", "test"]).arg(file).args(arguments), "");
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.everything());
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.everything());
    }
}

#[test]
fn a_broken_golden_file_is_named() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("send-ok.json"), "{").unwrap();
    let definition = File::new(&skeleton());
    let ended = run(
        program().args(["vendor", "test"]).arg(definition.path()).arg("--wire").arg(folder.path()),
        "",
    );
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    assert!(ended.stderr.contains("send-ok.json: EOF while parsing"), "{}", ended.everything());
}

/// A configuration with the definition in a file beside it.
fn check(definition: &str, more: &str) -> Ended {
    let definition = File::new(definition);
    let name = definition.path().file_name().unwrap().to_str().unwrap();
    let config = File::new(&format!(
        "[providers.acme]\nkind = \"http\"\ndefinition = \"{name}\"\nsettings.account = \"a-1\"\n{more}\n\n\
         [messages]\napp = \"Acme\"\n"
    ));
    let ended = run(program().arg("check-config").arg(config.path()).env("KEY", "made-up"), "");
    Ended {
        stderr: ended.stderr.replace(definition.path().to_str().unwrap(), "acme.toml"),
        ..ended
    }
}

#[test]
fn a_configuration_may_have_its_definition_in_a_file() {
    let ended = check(&skeleton(), "secrets.api_key = \"env:KEY\"");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(!ended.everything().contains("made-up"), "{}", ended.everything());
}

#[test]
fn a_mistake_in_the_file_has_the_place_in_both_files() {
    let wrong = skeleton().replace("kind = \"insufficient_funds\"", "kind = \"poor\"");
    let line = 1 + wrong.lines().position(|line| line == "kind = \"poor\"").unwrap();
    let ended = check(&wrong, "secrets.api_key = \"env:KEY\"");
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    let expected = format!(
        "line 3, column 1: providers.acme.definition: acme.toml: line {line}, column 1: \
         errors[1].kind: must be one of: "
    );
    assert!(ended.stderr.contains(&expected), "{expected}: {}", ended.everything());
}

#[test]
fn settings_are_compared_with_the_definition() {
    let ended = check(&skeleton(), "secrets.api_kee = \"env:KEY\"\nsettings.spare = \"x\"");
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    for expected in [
        "providers.acme.secrets.api_kee: the definition does not use it; did you mean `api_key`?",
        "providers.acme.settings.spare: the definition does not use it",
    ] {
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.everything());
    }
    let ended = check(&skeleton(), "");
    let expected = "providers.acme.definition: the definition uses {setting.api_key}";
    assert!(ended.everything().contains(expected), "{}", ended.everything());
}
