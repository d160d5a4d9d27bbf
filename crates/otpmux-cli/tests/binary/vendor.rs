//! `otpmux vendor`, and `kind = "http"` in a configuration.

use serde_json::{Value, json};

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
