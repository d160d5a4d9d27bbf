//! Every golden file of every adapter: its request is understood, and its answer given when asked for.

use std::fs;
use std::path::{Path, PathBuf};

use otpmux_emulator::MessageFilter;
use otpmux_golden::{Call, Folder, Named, Request};
use serde_json::Value;
use url::form_urlencoded;

use crate::rig::{Answer, Rig};

/// The folders of golden files, by vendor.
fn folders() -> Vec<(String, PathBuf)> {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters");
    let folder = |entry: fs::DirEntry| {
        let wire = entry.path().join("wire");
        // A vendor without HTTP has no golden files.
        let has_files = wire.is_dir() && !Folder::read(&wire).unwrap().files().is_empty();
        has_files.then(|| (entry.file_name().into_string().unwrap(), wire))
    };
    fs::read_dir(adapters).unwrap().filter_map(|entry| folder(entry.unwrap())).collect()
}

/// The files whose requests go to the vendor.
fn files(folder: &Path) -> Vec<Named> {
    let mut files = Folder::read(folder).unwrap().files().to_vec();
    files.retain(|file| file.golden.cases.iter().all(|case| case.call != Call::Receipts));
    files
}

async fn ask(rig: &Rig, request: &Request) -> Answer {
    let (method, path) = (request.method.as_str(), request.path.as_str());
    let Some(fields) = request.body.as_object().filter(|_| request.is_form()) else {
        return rig.ask(method, path, &request.body).await;
    };
    let fields = fields.iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    rig.ask_with(method, path, "application/x-www-form-urlencoded", form).await
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
                let zero = |c: char| if c.is_ascii_alphanumeric() { '0' } else { c };
                text.chars().map(zero).collect()
            };
            // Some files write what kind of id would be there.
            let is_uuid = one.starts_with("uuid-") && other.len() == 36;
            // A time has three digits after its second, however many the file has.
            let is_time = |text: &str| text.ends_with('Z') && text.get(10..11) == Some("T");
            is_uuid
                || one == other
                || (is_time(one) && is_time(other))
                || (form(one) == form(other)
                    && (one.len() >= 32 || one.bytes().any(|b| b.is_ascii_digit())))
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
        for Named { name, golden, .. } in files(&folder) {
            rig.emulator.answer_next(rig.vendor, &name).unwrap();
            let answer = ask(&rig, &golden.request).await;
            let response = &golden.response;
            let expected = &response.body;
            let given = serde_json::from_str(&answer.text)
                .unwrap_or_else(|_| Value::from(answer.text.as_str()));
            let is_empty = expected.is_null() && answer.text.is_empty();
            if response.status != answer.status || !(is_empty || is_like(expected, &given)) {
                let got = format!("{} {}", answer.status, answer.text);
                failures.push(format!("{vendor} {name}: {got} instead of {response:?}"));
            }
            for (header, value) in &response.headers {
                let got = answer.headers.get(header).and_then(|value| value.to_str().ok());
                if got != Some(value) {
                    failures.push(format!("{vendor} {name}: {header} is {got:?}"));
                }
            }
            played += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(played >= 120, "only {played} files were played");
}

/// Nothing chosen: the first request to a vendor is that of a file that shows a success, and gets a
/// success, of whichever file.
#[tokio::test]
async fn requests_of_the_files_get_a_success_by_default() {
    let mut messages = 0;
    for (vendor, folder) in folders() {
        for Named { name, golden, .. } in files(&folder) {
            let is_success = golden.response.status < 300
                && !golden.response.body.to_string().contains("false")
                && name.ends_with("-ok");
            if is_success {
                let rig = Rig::start(&vendor, &folder).await;
                let answer = ask(&rig, &golden.request).await;
                assert!(answer.status < 300, "{vendor} {name}: {} {}", answer.status, answer.text);
                messages += rig.emulator.messages(&MessageFilter::default()).len();
            }
        }
    }
    assert!(messages > 0, "no file sends anything");
}
