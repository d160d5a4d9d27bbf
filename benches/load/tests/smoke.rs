//! A run of a few flows, without a look at the clock.
#![expect(clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::env;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the load tool and returns what it printed, and whether it succeeded.
fn run(arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otpmux-loadtest"));
    command.args(["--no-pinning", "--clients", "4", "--rounds", "1"]).args(arguments);
    if !arguments.contains(&"--memory-of") {
        command.args(["--memory-of", "0"]);
    }
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
    // A script that Redis does not know yet is asked for twice, by several clients at once.
    assert!((2.0..2.5).contains(&figure(&text, "Redis: scripts per flow")), "{text}");
}

/// Returns the path of the gateway: the program of `OTPMUX_PROGRAM`, or the one that cargo builds.
fn gateway() -> String {
    if let Ok(built) = env::var("OTPMUX_PROGRAM") {
        return built;
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "otpmux-cli"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo").success(), "the gateway does not build");
    let gateway = Path::new(env!("CARGO_BIN_EXE_otpmux-loadtest")).with_file_name("otpmux");
    gateway.to_str().expect("a path of letters").to_owned()
}

#[test]
fn every_flow_of_the_gateway_is_approved_beside_the_floor() {
    let gateway = gateway();
    let gateway = gateway.as_str();
    let (text, success) = run(&["--flows", "50", "--gateway-bin", gateway]);
    assert!(success, "{text}");
    assert!(text.contains("| | floor | gateway |"), "{text}");
    let both = ["--programs", "gateway,door", "--flows", "50", "--gateway-bin", gateway];
    let (text, success) = run(&both);
    assert!(success && text.contains("| | gateway | door |"), "{text}");
    let with = ["--programs", "gateway,with", "--flows", "50", "--gateway-bin", gateway];
    let (text, success) = run(&with);
    assert!(success && text.contains("| | gateway | with |"), "{text}");
    for store in ["sqlite", "memory"] {
        let only = ["--programs", "gateway", "--flows", "50", "--store", store];
        let (text, success) = run(&[&only[..], &["--gateway-bin", gateway]].concat());
        assert!(success, "{store}: {text}");
        assert!(figure(&text, "Redis: scripts per flow").abs() < f64::EPSILON, "{text}");
    }
}

#[test]
fn gateways_share_a_namespace_or_have_one_each_on_the_nodes_of_a_cluster() {
    let gateway = gateway();
    let one = ["--programs", "gateway", "--gateways", "2", "--flows", "50", "--memory-of", "400"];
    let one = [&one[..], &["--json", "--gateway-bin", &gateway]].concat();
    let cluster = ["--redis-nodes", "3", "--own-namespaces"];
    for arguments in [one.clone(), [&one[..], &cluster].concat()] {
        let (text, success) = run(&arguments);
        assert!(success, "{text}");
        let json = text.split_once("round 1 of 1").map_or(&*text, |(json, _)| json);
        let report: Value = serde_json::from_str(json).expect(json);
        let median = |figure: &str| report["figures"][figure]["gateway"]["median"].as_f64();
        let scripts = median("redis_scripts").expect("scripts");
        assert!((2.0..4.0).contains(&scripts), "{text}");
        let pending = median("redis_bytes_pending").expect("memory");
        let approved = median("redis_bytes_approved").expect("memory");
        // The nodes of a cluster also allocate for each other.
        let alone = arguments.len() == one.len();
        let plausible = (300.0..5_000.0).contains(&pending) && approved < pending + 100.0;
        assert!(!alone || plausible, "{text}");
    }
}

#[test]
fn what_the_floor_cannot_do_is_refused() {
    let (text, success) = run(&["--redis-nodes", "3", "--flows", "1"]);
    assert!(!success && text.contains("the floor knows no Redis Cluster"), "{text}");
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
