//! Each way of `otpmux send` to fail, as programs see it.

use otpmux_emulator::{Fault, FaultKind, Vendor};
use otpmux_testkit::leaks::assert_clean;
use serde_json::{Value, json};

use crate::support::{Ended, File, Vendors, program, run};

const TO: &str = "+919876543210";

fn error(ended: &Ended) -> Value {
    assert_eq!(ended.stdout, "");
    ended.error()
}

/// The error without its detail, which is answered apart.
fn facts(ended: &Ended) -> (Value, String) {
    let mut error = error(ended);
    let message = error.as_object_mut().unwrap().remove("detail").unwrap();
    (error, message.as_str().unwrap().to_owned())
}

fn facts_of(kind: &str, certainty: &str, blame: &str, provider: Option<&str>) -> Value {
    json!({
        "kind": kind, "certainty": certainty, "blame": blame, "provider": provider,
        "retry_after": null, "limit": null,
    })
}

#[test]
fn a_recipient_that_is_none() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    for (to, reason) in [
        ("9876543210", "a phone number without its country"),
        ("+91 98765 4321", "--to: understood as a number of IN, +91"),
        ("+919876543210,+919876543211", "--to: "),
    ] {
        let ended = run(&mut vendors.send(&file, &["--json", "--to", to]), "");
        assert_eq!(ended.status, Some(2));
        let (facts, message) = facts(&ended);
        assert_eq!(facts, facts_of("invalid_request", "not_sent", "caller", None));
        assert!(message.contains(reason), "{message}");
        assert_clean(&ended.everything(), &[to, TO]);
    }
    assert_eq!(vendors.emulator.request_count(Vendor::EasyOtp), 0);
}

#[test]
fn a_secret_that_is_not_there() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let mut command = vendors.send(&file, &["--json", "--to", TO]);
    let ended = run(command.env_remove("KEY"), "");
    assert_eq!(ended.status, Some(2));
    let (facts, message) = facts(&ended);
    assert_eq!(facts, facts_of("configuration", "not_sent", "caller", None));
    assert!(
        message.ends_with("providers.easyotp.api_key: the environment variable `KEY` is not set"),
        "{message}"
    );
}

#[test]
fn every_mistake_of_the_file() {
    let vendors = Vendors::start();
    let file = vendors.file("timeuot = \"5s\"\n[polcy]\nmax_guesses = 3");
    let ended = run(&mut vendors.send(&file, &["--json", "--to", TO]), "");
    assert_eq!(ended.status, Some(2));
    let (_, message) = facts(&ended);
    assert!(message.contains("has 2 mistakes:"), "{message}");
    assert!(message.contains("timeuot: unknown key; did you mean `timeout`?"), "{message}");
    assert!(message.contains("polcy: unknown key; did you mean `policy`?"), "{message}");

    let ended = run(&mut vendors.send(&file, &["--to", TO]), "");
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
}

#[test]
fn a_vendor_that_cannot_be_reached() {
    let url = Vendors::start().gone();
    let file = File::new(&format!(
        "[providers.easyotp]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\nbase_url = \"{url}\"\n\
         [resilience]\nretries = 0\n"
    ));
    let mut command = program();
    command
        .args(["send", "--json", "--to", TO, "--config"])
        .arg(file.path())
        .env("KEY", "made-up-key");
    let ended = run(&mut command, "");
    assert_eq!(ended.status, Some(1));
    let (facts, message) = facts(&ended);
    assert_eq!(facts, facts_of("transport", "not_sent", "provider", Some("easyotp")));
    assert!(message.contains("nothing was sent"), "{message}");
    assert_clean(&ended.everything(), &[TO, "made-up-key"]);
}

#[test]
fn a_key_that_the_vendor_does_not_accept() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let mut command = vendors.send(&file, &["--json", "--to", TO]);
    let ended = run(command.env("KEY", "made-up-key"), "");
    assert_eq!(ended.status, Some(1));
    let (facts, _) = facts(&ended);
    assert_eq!(facts, facts_of("unauthenticated", "rejected", "provider", Some("easyotp")));
    assert_clean(&ended.everything(), &[TO, "made-up-key"]);
}

#[test]
fn a_limit_of_the_vendor_says_when_to_come_back() {
    let vendors = Vendors::start();
    let file = vendors.file("[resilience]\nretries = 0");
    let mut last = None;
    for _ in 0..3 {
        last = Some(run(&mut vendors.send(&file, &["--json", "--no-wait", "--to", TO]), ""));
    }
    let ended = last.unwrap();
    assert_eq!(ended.status, Some(3), "try again later");
    let error = error(&ended);
    assert_eq!(error["kind"], "rate_limited");
    assert_eq!(error["blame"], "policy");
    assert!((1..=60).contains(&error["retry_after"].as_u64().unwrap()), "{error}");
}

#[test]
fn an_answer_that_is_lost_is_no_failure_but_unconfirmed() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    vendors.emulator.set_fault(Vendor::EasyOtp, Fault::new(FaultKind::ResetAfterRead).after_work());
    let ended = run(&mut vendors.send(&file, &["--json", "--no-wait", "--to", TO]), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let sent = &ended.json()[0];
    assert_eq!(sent["confirmed"], false);
    assert_eq!(sent["send_attempts"][0]["state"], "unknown");
    assert_eq!(vendors.emulator.request_count(Vendor::EasyOtp), 1, "never repeated");
}

#[test]
fn a_file_that_is_not_there() {
    let ended = run(program().args(["send", "--to", TO]).current_dir("/"), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("otpmux.toml cannot be read"), "{}", ended.stderr);
    assert!(ended.stderr.contains("in the working directory, /;"), "{}", ended.stderr);
}
