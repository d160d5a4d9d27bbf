//! The conformance suite itself: an honest provider passes all of it, and each lie that a provider
//! may tell makes the trial fail that is there for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod lie;
mod model;
mod provider;

use std::collections::BTreeSet;
use std::thread;

use otpmux_core::Capabilities;
use otpmux_testkit::conformance::{TrialResult, run, suite};

use lie::Lie;
use model::{Model, bare, everything, vendor_only};

fn failures(capabilities: Capabilities, lie: Lie) -> Vec<String> {
    let failed = |result: TrialResult| {
        let text = result.outcome.err()?;
        Some(format!("{}: {text}", result.name))
    };
    run(Model::new(capabilities, lie)).into_iter().filter_map(failed).collect()
}

#[test]
fn honest_providers_pass() {
    for capabilities in [everything(), bare(), vendor_only()] {
        assert_eq!(failures(capabilities, Lie::None), Vec::<String>::new());
    }
}

#[test]
fn trials_follow_the_claims() {
    let names = |capabilities| -> Vec<String> {
        let trials = suite("model", Model::new(capabilities, Lie::None));
        trials.iter().map(|trial| trial.name().to_owned()).collect()
    };
    let (all, few) = (names(everything()), names(bare()));
    assert!(all.len() > 50, "{}", all.len());
    for name in ["model::status/reports-where-a-message-is", "model::sends/email"] {
        assert!(all.iter().any(|one| one == name), "{name}");
        assert!(few.iter().all(|one| one != name), "{name}");
    }
    assert!(few.iter().any(|one| one == "model::status/is-refused"));
    for (i, name) in all.iter().enumerate() {
        assert!(!all[..i].contains(name), "{name} twice");
    }
}

/// Checks that the suite catches the lie, in the trial that is meant to.
#[track_caller]
fn caught(lie: Lie, trials: &[&str]) {
    caught_with(everything(), lie, trials);
}

#[track_caller]
fn caught_with(capabilities: Capabilities, lie: Lie, trials: &[&str]) {
    let failures = failures(capabilities, lie);
    for trial in trials {
        let there = failures.iter().any(|text| text.starts_with(&format!("{trial}: ")));
        assert!(there, "{lie:?} gets through {trial}; these failed:\n{}", failures.join("\n"));
    }
}

#[test]
fn claim_that_is_not_kept() {
    caught(Lie::StatusUnsupported, &["status/reports-where-a-message-is"]);
    caught(Lie::NotIdempotent, &["idempotent/same-key-sends-once"]);
    caught(Lie::IgnoresMessage, &["wishes/message"]);
    let trial = "test-recipients/are-accepted-and-get-nothing";
    caught(Lie::SendsToTestRecipients, &[trial]);
    caught(Lie::CancelsNothing, &["cancel/voids-the-code"]);
    caught(Lie::RefusesReports, &["report/approved-is-accepted"]);
    caught(Lie::BelievesForgedReceipts, &["receipts/forged-is-refused"]);
}

#[test]
fn an_unclaimed_call_that_is_made_all_the_same() {
    let calls = ["balance/is-refused", "report/is-refused", "receipts/are-refused"];
    caught_with(bare(), Lie::AsksUnclaimed, &calls);
    let lengths = ["otpmux-codes/other-lengths-are-refused", "ttls/outside-is-refused"];
    caught(Lie::ChecksNothing, &lengths);
    caught(Lie::ChecksNothing, &["before-io/channel-that-is-not-claimed"]);
    caught(Lie::ChecksNothing, &["message/without-one-is-refused"]);
    caught_with(vendor_only(), Lie::ChecksNothing, &["countries/outside-is-refused"]);
}

#[test]
fn approvals_that_are_none() {
    caught(
        Lie::ApprovesEverything,
        &["verify/wrong-code-is-an-answer", "verify/approves-once", "verify/not-after-its-time"],
    );
    caught(Lie::ApprovesAnySuccess, &["unreadable/almost-approved-is-not"]);
    caught(Lie::ApprovesByStatus, &["verify/no-status-approves"]);
    caught(Lie::WrongCodeIsAnError, &["verify/wrong-code-is-an-answer"]);
    caught(Lie::CountsNoAttempts, &["verify/not-after-too-many-wrong-codes"]);
}

#[test]
fn false_certainty() {
    caught(Lie::CallsServerErrorsRefused, &["answers/500", "answers/504"]);
    caught(Lie::CallsBreaksNotSent, &["transport/reset-after-reading", "transport/no-answer"]);
    caught(Lie::BlamesTheCaller, &["answers/401", "transport/no-answer"]);
    caught(Lie::AcceptsGarbage, &["unreadable/send-is-a-protocol-error"]);
}

#[test]
fn requests_that_no_trial_makes() {
    caught(Lie::SendsTwice, &["sends/sms"]);
    caught(Lie::RetriesAfterBreak, &["transport/closed-before-the-answer"]);
    caught(Lie::FollowsRedirects, &["transport/redirect-is-not-followed"]);
}

#[test]
fn time_that_is_not_kept() {
    caught(
        Lie::IgnoresDeadlines,
        &["transport/deadline-is-obeyed", "before-io/deadline-that-has-passed"],
    );
}

#[test]
fn code_that_became_a_number() {
    caught(Lie::DropsLeadingZeros, &["otpmux-codes/shortest-with-leading-zeros"]);
}

#[test]
fn leaks() {
    for lie in [Lie::LeaksInDebug, Lie::LeaksInErrors, Lie::LeaksInLogs, Lie::LeaksTheKey] {
        caught(lie, &["privacy/nothing-shows-a-secret"]);
    }
}

#[test]
fn panics() {
    caught(Lie::PanicsOnGarbage, &["unreadable/send-is-a-protocol-error"]);
}

#[test]
fn vendor_that_refuses() {
    caught(Lie::CallsRefusalsUnknown, &["answers/400", "answers/404", "answers/429"]);
    caught(Lie::RefusesWishes, &["wishes/template", "wishes/locale", "wishes/sender"]);
}

/// No trial is there for nothing: each is failed by some liar.
#[test]
fn every_trial_can_fail() {
    let claims = [everything, bare, vendor_only];
    let names = |failed: bool, lie| -> BTreeSet<String> {
        let results = claims.iter().flat_map(|claims| run(Model::new(claims(), lie)));
        let results = results.filter(|result| !failed || result.outcome.is_err());
        results.map(|result| result.name).collect()
    };
    let mut never = names(false, Lie::None);
    // Its own tests are those of the table of claims.
    never.remove("claims/each-has-a-trial");
    thread::scope(|scope| {
        let liars: Vec<_> =
            Lie::ALL.iter().map(|&lie| scope.spawn(move || names(true, lie))).collect();
        for liar in liars {
            let failed = liar.join().unwrap();
            assert!(!failed.is_empty());
            never.retain(|name| !failed.contains(name));
        }
    });
    assert_eq!(never, BTreeSet::new());
}
