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
#[path = "golden/infobip2fa.rs"]
mod infobip2fa;
#[path = "golden/msg91.rs"]
mod msg91;
#[path = "golden/stage.rs"]
mod stage;
#[path = "golden/startmessaging.rs"]
mod startmessaging;
#[path = "golden/twilioverify.rs"]
mod twilioverify;
#[path = "golden/vonageverify.rs"]
mod vonageverify;

use std::path::{Path, PathBuf};

use otpmux_emulator::Vendor;
use otpmux_golden::Folder;

use stage::{Stage, Step};

/// The adapters' folders; each holds the golden files of one vendor in `wire`.
fn adapters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters")
}

/// The files of every vendor that the emulator plays.
fn vendors() -> Vec<(Vendor, Folder)> {
    let read = |vendor: Vendor| {
        let folder = Folder::read(&adapters().join(vendor.as_str()).join("wire")).unwrap();
        assert!(!folder.files().is_empty(), "{vendor} has no golden files");
        (vendor, folder)
    };
    // Those of Twilio's messages are a preset's, outside of the adapters' folders. SMTP has no requests
    // that a file could hold; its conversations are tests of behaviour.
    let with_adapter = |vendor: &Vendor| !matches!(vendor, Vendor::Twilio | Vendor::Smtp);
    Vendor::ALL.into_iter().filter(with_adapter).map(read).collect()
}

/// The steps that bring an emulator into the state of the file; none when the file has no case.
fn steps(vendor: Vendor, name: &str) -> Option<Vec<Step>> {
    match vendor {
        Vendor::EasyOtp => easyotp::steps(name),
        Vendor::StartMessaging => startmessaging::steps(name),
        Vendor::AirTexts => airtexts::steps(name),
        Vendor::TwilioVerify => twilioverify::steps(name),
        Vendor::VonageVerify => vonageverify::steps(name),
        Vendor::Msg91 => msg91::steps(name),
        Vendor::Infobip2fa => infobip2fa::steps(name),
        _ => None,
    }
}

#[test]
fn every_file_has_a_case_or_says_why_not() {
    for (vendor, folder) in vendors() {
        for file in folder.files() {
            let name = &file.name;
            let excused = file.golden.not_for.emulator.is_some();
            match (steps(vendor, name).is_some(), excused) {
                (true, true) => panic!("{vendor}: {name} has both a case and a reason against it"),
                (false, false) => panic!("{vendor}: {name} has neither a case nor a reason"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn the_emulator_answers_as_the_files_say() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut failures = Vec::new();
    for (vendor, folder) in vendors() {
        for file in folder.files() {
            let Some(steps) = steps(vendor, &file.name) else { continue };
            let request = file.golden.request.clone();
            let mut stage = Stage::new(vendor, &file.name, request, client.clone()).await;
            for step in steps {
                stage.play(step).await;
            }
            let answer = stage.finish().await;
            let found = compare::differences(&file.golden.response, &answer);
            let named = |difference| format!("{vendor}: {}: {difference}", file.name);
            failures.extend(found.into_iter().map(named));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
