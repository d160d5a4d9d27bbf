//! Every golden file of every adapter: its request is understood, and its answer given when asked for.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::rig::{Answer, Rig};

/// The folders of golden files, by vendor.
fn folders() -> Vec<(String, PathBuf)> {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters");
    let folder = |entry: fs::DirEntry| {
        let wire = entry.path().join("wire");
        wire.is_dir().then(|| (entry.file_name().into_string().unwrap(), wire))
    };
    fs::read_dir(adapters).unwrap().filter_map(|entry| folder(entry.unwrap())).collect()
}

fn files(folder: &Path) -> Vec<(String, Value)> {
    let read = |entry: fs::DirEntry| {
        let path = entry.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned();
        let golden = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        Some((name, golden))
    };
    fs::read_dir(folder).unwrap().filter_map(|entry| read(entry.unwrap())).collect()
}

async fn ask(rig: &Rig, golden: &Value) -> Answer {
    let request = &golden["request"];
    let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
    rig.ask(method, path, &request["body"]).await
}

/// Whether the two are alike but for ids and times, whose forms are the same.
fn is_like(golden: &Value, given: &Value) -> bool {
    match (golden, given) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| is_like(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_like(one, other))
        }
        (Value::String(one), Value::String(other)) => {
            let form = |text: &str| -> String {
                let zero = |c: char| if c.is_ascii_hexdigit() { '0' } else { c };
                text.chars().map(zero).collect()
            };
            // Some files write what kind of id would be there.
            let is_uuid = one.starts_with("uuid-") && other.len() == 36;
            is_uuid
                || one == other
                || (form(one) == form(other) && one.bytes().any(|b| b.is_ascii_digit()))
        }
        _ => golden == given,
    }
}

#[tokio::test]
async fn every_file_is_played_when_it_is_asked_for() {
    let mut played = 0;
    let mut failures = Vec::new();
    for (vendor, folder) in folders() {
        let rig = Rig::start(&vendor, &folder).await;
        for (name, golden) in files(&folder) {
            rig.emulator.answer_next(rig.vendor, &name).unwrap();
            let answer = ask(&rig, &golden).await;
            let response = &golden["response"];
            let expected = &response["body"];
            let given = serde_json::from_str(&answer.text)
                .unwrap_or_else(|_| Value::from(answer.text.as_str()));
            let is_empty = expected.is_null() && answer.text.is_empty();
            if response["status"] != answer.status || !(is_empty || is_like(expected, &given)) {
                let got = format!("{} {}", answer.status, answer.text);
                failures.push(format!("{vendor} {name}: {got} instead of {response}"));
            }
            for (header, value) in response["headers"].as_object().unwrap() {
                let got = answer.headers.get(header).and_then(|value| value.to_str().ok());
                if got != value.as_str() {
                    failures.push(format!("{vendor} {name}: {header} is {got:?}"));
                }
            }
            played += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(played >= 120, "only {played} files were played");
}

/// Nothing chosen: a request of a file that shows a success gets a success, of whichever file.
#[tokio::test]
async fn requests_of_the_files_get_a_success_by_default() {
    for (vendor, folder) in folders() {
        let rig = Rig::start(&vendor, &folder).await;
        for (name, golden) in files(&folder) {
            let answer = ask(&rig, &golden).await;
            let is_success = golden["response"]["status"].as_u64().unwrap() < 300
                && !golden["response"]["body"].to_string().contains("false")
                && name.ends_with("-ok");
            if is_success {
                assert!(answer.status < 300, "{vendor} {name}: {} {}", answer.status, answer.text);
            }
        }
        assert!(!rig.emulator.messages(&otpmux_emulator::MessageFilter::default()).is_empty());
    }
}
