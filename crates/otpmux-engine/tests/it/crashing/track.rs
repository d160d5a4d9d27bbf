use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use otpmux_core::{Certainty, Error, Verdict};
use otpmux_engine::{Verification, VerificationId};
use proptest::prelude::*;

use super::journal::{Call, Calls};

pub(super) type SendResult = Result<Verification, Error>;
pub(super) type VerifyResult = Result<Verdict, Error>;

/// What an observer knows of every verification, from what was told and from the wire.
#[derive(Default)]
pub(super) struct Track {
    known: HashMap<VerificationId, Known>,
    /// The messages of every named send, over all times that it was asked.
    named: HashMap<usize, Vec<Call>>,
}

struct Known {
    expires_at: SystemTime,
    codes: BTreeSet<String>,
    compared: u32,
    approvals: u32,
    cancelled: bool,
}

impl Track {
    /// Rule 2, over all times that a send was asked under one name, whoever died meanwhile.
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

    /// `again` is the name of a send that was asked before.
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
                prop_assert!(again || !sent.confirmed || accepted, "confirmed by nobody");
                let known = self.known.entry(sent.id).or_insert(Known {
                    expires_at: sent.expires_at,
                    codes: BTreeSet::new(),
                    compared: 0,
                    approvals: 0,
                    cancelled: false,
                });
                known.codes.extend(messages.iter().filter_map(|call| call.code.clone()));
                known.codes.extend(before);
                prop_assert!(known.codes.len() <= 1, "two codes: {:?}", known.codes);
                prop_assert_eq!(sent.expires_at, known.expires_at, "a lifetime was renewed");
            }
            Err(error) if error.certainty() != Certainty::Unknown => {
                prop_assert!(messages.is_empty(), "lost without being told: {error} {messages:?}");
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// What a resend has put on the wire, however it was told to have ended.
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
        let (Ok(verdict), Some(known)) = (result, self.known.get_mut(&id)) else { return Ok(()) };
        if matches!(verdict, Verdict::Approved | Verdict::WrongCode { .. }) {
            known.compared += 1;
            prop_assert!(known.compared <= 5, "rule 5: a sixth code was looked at");
        }
        if verdict.is_approved() {
            known.approvals += 1;
            prop_assert!(known.approvals <= 1, "rule 4: approved twice");
            prop_assert!(now < known.expires_at, "approved what has expired");
            prop_assert!(!known.cancelled, "approved what was cancelled");
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
