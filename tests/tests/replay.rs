//! The real adapters in front of vendors that the emulator plays from their golden files.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use otpmux_core::{
    Code, CodeSource, Context, IdempotencyKey, Recipient, SendRequest, VerifyRequest,
};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};
use otpmux_golden::{Call, Wire};
use otpmux_testkit::golden::{build, meaning_at};
use otpmux_tests::vendors::{self, Listed};
use serde_json::Value;

/// The vendor of an adapter, played from its files; its address without the base path.
async fn replayed(listed: &Listed) -> (Emulator, Vendor, String) {
    let kind = listed.adapter.kind;
    let config = listed.replay_in(EmulatorConfig::default().with_vendors([]));
    let emulator = Emulator::start(config).await.unwrap();
    let vendor = emulator.vendor(kind).unwrap();
    let url = format!("http://{}", emulator.vendor_addr(vendor).unwrap());
    (emulator, vendor, url)
}

/// The facts that do not differ from one send to the next.
fn lasting(meaning: &Value) -> Value {
    let mut meaning = meaning.clone();
    for part in ["sent", "status", "error"] {
        if let Some(facts) = meaning.get_mut(part).and_then(Value::as_object_mut) {
            for volatile in ["reference", "request_id", "expires_at", "expires_in", "delivered_at"]
            {
                facts.remove(volatile);
            }
        }
    }
    meaning
}

/// Each file, chosen by its name, means to its adapter what it says.
#[tokio::test]
async fn every_case_of_every_file_means_the_same_through_the_emulator() {
    let (mut played, mut failures) = (0, Vec::new());
    for listed in vendors::all().iter().filter(|listed| !listed.folder.files().is_empty()) {
        let (emulator, vendor, url) = replayed(listed).await;
        for file in listed.folder.files() {
            for case in &file.golden.cases {
                // The first are made by a test of the adapter or by the vendor, the last goes to
                // another path.
                if matches!(case.call, Call::Own(_) | Call::Receipts) || case.wire == Wire::Other {
                    continue;
                }
                // An answer that names the verification of a send, which this test does not make.
                let names_its_send = case.call == Call::Verify
                    && case.input.reference.as_ref().is_some_and(|reference| {
                        file.golden.response.text().contains(reference.as_str())
                    });
                if names_its_send {
                    continue;
                }
                emulator.answer_next(vendor, &file.name).unwrap();
                let (adapter, folder) = (&listed.adapter, &listed.folder);
                let meaning = meaning_at(adapter, folder, &file.golden, case, &url).await;
                let meaning = meaning.unwrap();
                if lasting(&meaning) != lasting(&case.expect) {
                    let (name, expect) = (&file.name, &case.expect);
                    failures.push(format!("{vendor} {name}: {meaning} instead of {expect}"));
                }
                played += 1;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(played >= 90, "only {played} cases were played");
}

/// A code that such a vendor makes is seen on the handset, and is right once.
#[tokio::test]
async fn codes_of_replayed_vendors_can_be_verified() {
    let mut verified = Vec::new();
    // Those that have an emulation by hand are verified there.
    let from_files =
        |listed: &&Listed| !listed.folder.files().is_empty() && listed.folder.emulated().is_none();
    for listed in vendors::all().iter().filter(from_files) {
        let (emulator, vendor, url) = replayed(listed).await;
        for file in listed.folder.files() {
            let makes_codes = |case: &&otpmux_golden::Case| {
                case.call == Call::Send
                    && case.input.code.is_none()
                    && case.input.channel.as_deref() == Some("sms")
                    && case.input.locale.is_none()
                    && case.expect.get("sent").is_some()
                    && case.wire != Wire::Other
            };
            let Some(case) = file.golden.cases.iter().find(makes_codes) else { continue };
            let settings = listed.folder.golden_settings(&case.settings, &url);
            let provider = build(&listed.adapter, listed.adapter.kind, &settings).unwrap();
            if provider.capabilities().vendor_codes.is_none() {
                continue;
            }
            let cx = || Context::new(IdempotencyKey::from_random([7; 16]));
            let to: Recipient = "+919876543210".parse().unwrap();
            let request = SendRequest::new(
                to.clone(),
                "sms".parse().unwrap(),
                CodeSource::Vendor { length: None },
            );
            let sent = provider.send(&cx(), &request).await.unwrap();
            let message = emulator
                .messages(&MessageFilter::default().vendor(vendor))
                .pop()
                .unwrap_or_else(|| panic!("{vendor} {}: no message for its request", file.name));
            let wrong = if message.code.starts_with('0') { "1" } else { "0" };
            let wrong = format!("{wrong}{}", &message.code[1..]);
            for (code, expected) in [(&wrong, "wrong_code"), (&message.code, "approved")] {
                let code: Code = code.parse().unwrap();
                let request = VerifyRequest::new(to.clone(), sent.reference.clone(), code);
                let verdict = provider.verify(&cx(), &request).await.unwrap();
                assert_eq!(verdict.as_str(), expected, "{vendor} {}", file.name);
            }
            verified.push(vendor.as_str());
        }
    }
    assert!(verified.len() >= 3, "only {verified:?} make codes");
}
