//! Plays the golden files of an adapter to it: one trial for each case of each file.
//!
//! An adapter is a folder: `Cargo.toml`, `README.md`, `src`, the golden files in `wire` (the
//! format: [`otpmux_golden`]) and [`fixture.json`](VendorFolder), which configures the adapter for
//! them. Its test is a `main` (with `harness = false`):
//!
//! ```no_run
//! # const ADAPTER: otpmux_core::settings::Adapter =
//! #     otpmux_core::settings::Adapter::new("acme", &[], |_, _| unimplemented!());
//! use otpmux_testkit::golden::{VendorFolder, suite};
//!
//! let folder = VendorFolder::read(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
//! let arguments = libtest_mimic::Arguments::from_args();
//! libtest_mimic::run(&arguments, suite(&ADAPTER, &folder)).exit();
//! ```
//!
//! A trial starts a server that gives the file's answer, builds the adapter from its configuration
//! keys, makes the call, and compares two things exactly: the request that reached the server, and
//! the adapter's result. A failure shows the result as JSON, in the form of the file's `expect`. A
//! receipt that is taken is also played again, without its signature, and with every byte of its body
//! changed.

mod call;
mod folder;
mod forged;
mod meaning;
mod replay;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use otpmux_core::settings::Adapter;
use otpmux_golden::{Call, Case, Golden};

use call::Answer;

pub use folder::{Emulated, Setup, VendorFolder, build, over};
pub use replay::Replay;

/// The grades of evidence with which a source begins; the first is the vendor's own page.
const GRADES: [&str; 4] = ["[DOC]", "[SERVER-SOURCE]", "[FIELD-REPORT]", "[ASSUMPTION]"];

/// Returns the trials of one adapter's golden files, for [`libtest_mimic::run`].
pub fn suite(adapter: &Adapter, folder: &VendorFolder) -> Vec<Trial> {
    let adapter = *adapter;
    let shared = Arc::new(folder.clone());
    let mut trials = Vec::new();
    for file in folder.files() {
        let golden = file.golden.clone();
        let title = format!("{}::golden::{}", adapter.kind, file.name);
        trials.push(Trial::test(format!("{title}::form"), move || {
            form(&golden).map_err(Failed::from)
        }));
        for (place, case) in file.golden.cases.iter().enumerate() {
            // A test of the adapter makes these calls.
            if matches!(case.call, Call::Own(_)) {
                continue;
            }
            let (shared, case, golden) = (Arc::clone(&shared), case.clone(), file.golden.clone());
            trials.push(Trial::test(format!("{title}::{}", place + 1), move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                runtime.block_on(play(&adapter, &shared, &golden, &case)).map_err(Failed::from)
            }));
        }
    }
    trials
}

/// Makes the call of a case with the adapter in front of a vendor at `url`, and returns its result,
/// in the form of a file's `expect`.
///
/// # Errors
///
/// The mistake in the configuration keys or in the case, or the port has no such call.
pub async fn meaning_at(
    adapter: &Adapter,
    folder: &VendorFolder,
    golden: &Golden,
    case: &Case,
    url: &str,
) -> Result<serde_json::Value, String> {
    let settings = folder.golden_settings(&case.settings, url);
    let provider = build(adapter, adapter.kind, &settings)?;
    let answer = call::make(&*provider, &case.call, &case.input, &golden.request).await?;
    Ok(meaning::facts(&answer))
}

/// Checks that a file has all required parts.
fn form(golden: &Golden) -> Result<(), String> {
    let grade = GRADES.iter().position(|grade| golden.source.starts_with(grade));
    let grade = grade.ok_or_else(|| format!("`source` must begin with one of {GRADES:?}"))?;
    if golden.documented != (grade == 0) {
        return Err("`documented` is true for [DOC] and for nothing else".to_owned());
    }
    let reasons = [&golden.not_for.adapter, &golden.not_for.emulator];
    if reasons.into_iter().flatten().any(|reason| reason.trim().is_empty()) {
        return Err("`not_for` needs a reason".to_owned());
    }
    match (golden.cases.is_empty(), golden.not_for.adapter.is_some()) {
        (true, false) => Err("it has neither cases nor a reason in `not_for.adapter`".to_owned()),
        (false, true) => Err("it has both cases and a reason in `not_for.adapter`".to_owned()),
        _ => Ok(()),
    }
}

async fn play(
    adapter: &Adapter,
    folder: &VendorFolder,
    golden: &Golden,
    case: &Case,
) -> Result<(), String> {
    let replay = Replay::start(golden).await;
    let settings = folder.golden_settings(&case.settings, &replay.url());
    let provider = build(adapter, adapter.kind, &settings)?;
    let before = meaning::now();
    let answer = call::make(&*provider, &case.call, &case.input, &golden.request).await?;
    if let Answer::Error(error) = &answer
        && error.provider() != Some(provider.id())
    {
        return Err(format!("the error does not name its provider: {error}"));
    }
    meaning::compare(&case.expect, answer, before)?;
    // The request of a receipt is the vendor's.
    if case.call == Call::Receipts {
        return Ok(());
    }
    replay.check(&case.wire)
}
