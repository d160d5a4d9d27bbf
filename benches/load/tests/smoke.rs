//! A run of a few flows, without a look at the clock.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::path::Path;
use std::process::Command;

/// Runs the load tool and returns what it printed, and whether it succeeded.
fn run(arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpmux-loadtest"));
    command.args(["--no-pinning", "--clients", "4", "--rounds", "1"]).args(arguments);
    let output = command.output().expect("the load tool");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout) + &text(&output.stderr), output.status.success())
}

/// The figure of a row.
fn figure(text: &str, row: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(&format!("| {row} |")));
    let cell = line.and_then(|line| line.split('|').nth(2));
    cell.and_then(|cell| cell.trim().parse().ok()).unwrap_or_else(|| panic!("{row} in {text}"))
}

#[test]
fn every_flow_of_the_floor_is_approved() {
    let (text, success) = run(&["--programs", "floor", "--flows", "50"]);
    assert!(success, "{text}");
    assert!((figure(&text, "failed flows")).abs() < f64::EPSILON, "{text}");
    // A script that Redis does not know yet is asked for twice, by several clients at once.
    assert!((2.0..2.5).contains(&figure(&text, "Redis: round trips per flow")), "{text}");
}

#[test]
fn every_flow_of_the_gateway_is_approved_beside_the_floor() {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "otpmux-cli"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo").success(), "the gateway does not build");
    let gateway = Path::new(env!("CARGO_BIN_EXE_otpmux-loadtest")).with_file_name("otpmux");
    let gateway = gateway.to_str().expect("a path of letters");
    let (text, success) = run(&["--flows", "50", "--gateway-bin", gateway]);
    assert!(success, "{text}");
    assert!(text.contains("| | floor | gateway |"), "{text}");
    assert!((figure(&text, "failed flows")).abs() < f64::EPSILON, "{text}");
    let both = ["--programs", "gateway,door", "--flows", "50", "--gateway-bin", gateway];
    let (text, success) = run(&both);
    assert!(success && text.contains("| | gateway | door |"), "{text}");
    for store in ["sqlite", "memory"] {
        let only = ["--programs", "gateway", "--flows", "50", "--store", store];
        let (text, success) = run(&[&only[..], &["--gateway-bin", gateway]].concat());
        assert!(success, "{store}: {text}");
        assert!(figure(&text, "Redis: round trips per flow").abs() < f64::EPSILON, "{text}");
    }
}

#[test]
fn an_open_loop_ends_too() {
    let (text, success) =
        run(&["--programs", "floor", "--flows", "20", "--rate", "500", "--vendor-ms", "5"]);
    assert!(success, "{text}");
    assert!(figure(&text, "send p50, ms") >= 5.0, "the vendor's time counts: {text}");
}

#[test]
fn a_missing_program_is_reported() {
    let (text, success) =
        run(&["--programs", "gateway", "--flows", "1", "--gateway-bin", "/nowhere/otpmux"]);
    assert!(!success && text.contains("/nowhere/otpmux is not there: build it first"), "{text}");
}
