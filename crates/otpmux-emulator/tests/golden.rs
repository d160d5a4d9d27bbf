//! Plays the request of every golden wire file at an emulator that was brought into the state the
//! file describes, and compares the answer.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure here fails the test")]
#![expect(clippy::assigning_clones, reason = "settings are assigned once, plainly")]

#[path = "golden/airtexts.rs"]
mod airtexts;
#[path = "golden/compare.rs"]
mod compare;
#[path = "golden/easyotp.rs"]
mod easyotp;
#[path = "golden/stage.rs"]
mod stage;
#[path = "golden/startmessaging.rs"]
mod startmessaging;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use stage::{Stage, Step};

#[derive(Deserialize)]
struct Wire {
    request: WireRequest,
    response: WireResponse,
}

#[derive(Clone, Deserialize)]
struct WireRequest {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

#[derive(Deserialize)]
struct WireResponse {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    file: String,
    side: Side,
    why: String,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Emulator,
    Adapter,
    Both,
}

const EXCEPTIONS: &str = "exceptions.json";

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/wire"))
}

fn wire_files() -> BTreeSet<String> {
    fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != EXCEPTIONS)
        .collect()
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What brings an emulator into the state of the file; none when the file has no case.
fn steps(name: &str) -> Option<Vec<Step>> {
    let case = name.trim_end_matches(".json");
    match case.split_once('-')? {
        ("easyotp", case) => easyotp::steps(case),
        ("startmessaging", case) => startmessaging::steps(case),
        ("airtexts", case) => airtexts::steps(case),
        _ => None,
    }
}

#[test]
fn every_file_has_a_case_or_an_exception() {
    let files = wire_files();
    assert!(files.len() >= 122, "only {} wire files found", files.len());
    let exceptions: Vec<Exception> = read(EXCEPTIONS);
    let mut excused = BTreeSet::new();
    for exception in &exceptions {
        assert!(files.contains(&exception.file), "{}: no such file", exception.file);
        assert!(!exception.why.trim().is_empty(), "{}: says no reason", exception.file);
        if exception.side != Side::Adapter {
            excused.insert(exception.file.as_str());
        }
    }
    for file in &files {
        match (steps(file).is_some(), excused.contains(file.as_str())) {
            (true, true) => panic!("{file} has both a case and an exception"),
            (false, false) => panic!("{file} has neither a case nor an exception"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn the_emulator_answers_as_the_files_say() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut played = 0;
    let mut failures = Vec::new();
    for name in wire_files() {
        let Some(steps) = steps(&name) else { continue };
        let wire: Wire = read(&name);
        let mut stage = Stage::new(&name, wire.request.clone(), client.clone()).await;
        for step in steps {
            stage.play(step).await;
        }
        let answer = stage.finish().await;
        let mut found = compare::differences(&wire.response, &answer);
        failures.extend(found.drain(..).map(|difference| format!("{name}: {difference}")));
        played += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(played >= 107, "only {played} files were played");
}
