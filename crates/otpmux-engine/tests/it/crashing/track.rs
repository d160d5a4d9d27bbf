use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use otpmux_core::{Certainty, Error, Verdict};
use otpmux_engine::{Verification, VerificationId};
use proptest::prelude::*;

use super::journal::{Call, Calls};

pub(super) type SendResult = Result<Verification, Error>;
pub(super) type VerifyResult = Result<Verdict, Error>;

/// The knowledge of an observer about each verification, from answers and from calls.
#[derive(Default)]
pub(super) struct Track {
    known: HashMap<VerificationId, Known>,
    /// In the order of the requests.
    order: Vec<VerificationId>,
    /// The messages of each idempotency key, over all repeats.
    named: HashMap<usize, Vec<Call>>,
}

struct Known {
    expires_at: SystemTime,
    codes: BTreeSet<String>,
    compared: u32,
    approvals: u32,
    cancelled: bool,
    /// A message of a newer verification may have been sent.
    overtaken: bool,
    /// The outcome of a step on it, or on one that may have taken its place, is unknown.
    doubtful: bool,
}

impl Track {
    /// Rule 2, over all repeats of a send with one idempotency key, across processes that died.
    pub(super) fn named(
        &mut self,
        name: usize,
        calls: &Calls,
        duplicates: u32,
    ) -> Result<(), TestCaseError> {
        let all = self.named.entry(name).or_default();
        all.extend(calls.messages().into_iter().cloned());
        let allowed = 1 + duplicates as usize;
        prop_assert!(all.len() <= allowed, "one name, {} messages: {all:?}", all.len());
        Ok(())
    }

    /// `again` is the idempotency key of an earlier send.
    pub(super) fn sent(
        &mut self,
        result: &SendResult,
        calls: &Calls,
        again: Option<usize>,
    ) -> Result<(), TestCaseError> {
        let messages = calls.messages();
        let before = again.and_then(|name| self.named.get(&name)).into_iter().flatten();
        let before: Vec<_> = before.filter_map(|call| call.code.clone()).collect();
        let again = again.is_some();
        match result {
            Ok(sent) => {
                prop_assert!(again || !messages.is_empty(), "called sent, and nothing was");
                let accepted = calls.all.iter().any(Call::accepted) || calls.found;
                prop_assert!(again || !sent.confirmed || accepted, "not confirmed");
                if !self.order.contains(&sent.id) {
                    self.order.push(sent.id);
                }
                let known = self.known.entry(sent.id).or_insert(Known {
                    expires_at: sent.expires_at,
                    codes: BTreeSet::new(),
                    compared: 0,
                    approvals: 0,
                    cancelled: false,
                    overtaken: false,
                    doubtful: false,
                });
                known.codes.extend(messages.iter().filter_map(|call| call.code.clone()));
                known.codes.extend(before);
                prop_assert!(known.codes.len() <= 1, "two codes: {:?}", known.codes);
                prop_assert_eq!(sent.expires_at, known.expires_at, "a ttl was renewed");
            }
            Err(error) if error.certainty() != Certainty::Unknown => {
                prop_assert!(messages.is_empty(), "lost without a report: {error} {messages:?}");
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// A send was requested: all earlier verifications are over if one of its messages may have
    /// been sent, and still valid if not.
    pub(super) fn overtaken(&mut self, by: Option<VerificationId>, calls: &Calls, doubtful: bool) {
        let out = !calls.messages().is_empty();
        for (_, known) in self.known.iter_mut().filter(|(id, _)| Some(**id) != by) {
            known.overtaken |= out;
            known.doubtful |= doubtful;
        }
    }

    /// A step on this verification failed.
    pub(super) fn doubt(&mut self, id: VerificationId) {
        if let Some(known) = self.known.get_mut(&id) {
            known.doubtful = true;
        }
    }

    /// The newest other verification whose code the user may have read.
    pub(super) fn earlier(&self, id: Option<VerificationId>) -> Option<(VerificationId, String)> {
        let others = self.order.iter().rev().filter(|other| Some(**other) != id);
        let read =
            |other: &VerificationId| Some((*other, self.known[other].codes.first()?.clone()));
        others.copied().find_map(|other| read(&other))
    }

    /// The calls of a resend, whatever result was returned.
    pub(super) fn resent(
        &mut self,
        id: VerificationId,
        calls: &Calls,
    ) -> Result<(), TestCaseError> {
        if let Some(known) = self.known.get_mut(&id) {
            let codes = calls.messages().into_iter().filter_map(|call| call.code.clone());
            known.codes.extend(codes);
            prop_assert!(known.codes.len() <= 1, "two codes: {:?}", known.codes);
        }
        Ok(())
    }

    pub(super) fn tried(
        &mut self,
        id: VerificationId,
        code: &str,
        result: &VerifyResult,
        calls: &Calls,
        now: SystemTime,
    ) -> Result<(), TestCaseError> {
        let Some(known) = self.known.get_mut(&id) else { return Ok(()) };
        let Ok(verdict) = result else {
            // It may have been counted.
            known.doubtful = true;
            return Ok(());
        };
        let over = known.overtaken || known.cancelled || now >= known.expires_at;
        let used = known.approvals > 0 || known.compared >= 5;
        let good = known.codes.contains(code) && !over && !used && !known.doubtful;
        prop_assert!(!good || verdict.is_approved(), "{verdict:?}, and nothing newer has gone out");
        if matches!(verdict, Verdict::Approved | Verdict::WrongCode { .. }) {
            known.compared += 1;
            prop_assert!(known.compared <= 5, "rule 5: a sixth code was looked at");
        }
        if verdict.is_approved() {
            known.approvals += 1;
            prop_assert!(known.approvals <= 1, "rule 4: approved twice");
            prop_assert!(now < known.expires_at, "approved what has expired");
            prop_assert!(!known.cancelled, "approved what was cancelled");
            prop_assert!(!known.overtaken, "two codes were good");
            let right = known.codes.contains(code) || calls.vendor_approved;
            prop_assert!(right, "approved what is wrong");
        }
        Ok(())
    }

    pub(super) fn cancelled(&mut self, id: VerificationId, result: &Result<bool, Error>) {
        if let (Ok(true), Some(known)) = (result, self.known.get_mut(&id)) {
            known.cancelled = true;
        }
    }
}
