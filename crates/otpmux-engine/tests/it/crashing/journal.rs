use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};

use otpmux_core::{Blame, Certainty, Delivery, IdempotencyKey};
use proptest::prelude::*;

use super::Setting;
use super::provider::{Outcome, Turn};

/// One send or resend that reached a provider.
#[derive(Clone, Debug)]
pub(super) struct Call {
    operation: usize,
    pub(super) provider: usize,
    key: IdempotencyKey,
    pub(super) code: Option<String>,
    outcome: Outcome,
    /// Positions of its start and end among all starts and ends; a dropped call has no end.
    begun: usize,
    ended: Option<usize>,
    /// The vendor reported that the message did not arrive and will not.
    failed: bool,
}

impl Call {
    /// Whether a message may have been sent, as far as it is known outside the vendor.
    pub(super) fn may_have_sent(&self) -> bool {
        let told = matches!(self.outcome, None | Some((Certainty::Unknown, _)));
        !self.failed && (told || self.ended.is_none())
    }

    pub(super) fn accepted(&self) -> bool {
        self.ended.is_some() && self.outcome.is_none()
    }
}

/// The calls of the providers, and their next answers.
#[derive(Debug, Default)]
pub(super) struct Journal(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    operation: usize,
    turns: VecDeque<Turn>,
    calls: Vec<Call>,
    events: usize,
    found: BTreeSet<usize>,
    vendor_approvals: BTreeSet<usize>,
}

impl Journal {
    pub(super) fn new(turns: Vec<Turn>) -> Self {
        Self(Mutex::new(State { turns: turns.into(), ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn begin(&self, operation: usize) {
        self.state().operation = operation;
    }

    pub(super) fn turn(&self) -> Turn {
        self.state().turns.pop_front().unwrap_or_default()
    }

    pub(super) fn call(
        &self,
        provider: usize,
        key: IdempotencyKey,
        code: Option<&str>,
        outcome: Outcome,
    ) -> usize {
        let mut state = self.state();
        state.events += 1;
        let (operation, begun) = (state.operation, state.events);
        let code = code.map(str::to_owned);
        let (ended, failed) = (None, false);
        state.calls.push(Call { operation, provider, key, code, outcome, begun, ended, failed });
        state.calls.len() - 1
    }

    pub(super) fn is_late(&self, call: usize) {
        self.state().calls[call].outcome = Some((Certainty::Unknown, Blame::Provider));
    }

    pub(super) fn landed(&self, call: usize) {
        let mut state = self.state();
        state.events += 1;
        state.calls[call].ended = Some(state.events);
    }

    /// A provider was asked about its message of this operation.
    pub(super) fn looked_up(&self, provider: usize, delivery: Delivery) {
        let mut state = self.state();
        let operation = state.operation;
        match delivery {
            Delivery::Accepted | Delivery::Sent | Delivery::Delivered => {
                state.found.insert(operation);
            }
            Delivery::Failed | Delivery::Expired => {
                // All tries under one key are one message.
                let here =
                    |call: &&mut Call| call.provider == provider && call.operation == operation;
                for call in state.calls.iter_mut().filter(here) {
                    call.failed = true;
                }
            }
            _ => {}
        }
    }

    pub(super) fn vendor_approved(&self, approved: bool) {
        let mut state = self.state();
        let operation = state.operation;
        if approved {
            state.vendor_approvals.insert(operation);
        }
    }

    pub(super) fn calls_of(&self, operation: usize) -> Calls {
        let state = self.state();
        let of = |call: &&Call| call.operation == operation;
        Calls {
            all: state.calls.iter().filter(of).cloned().collect(),
            found: state.found.contains(&operation),
            vendor_approved: state.vendor_approvals.contains(&operation),
        }
    }

    /// The calls from one operation on, up to before another.
    pub(super) fn calls_between(&self, first: usize, end: usize) -> Vec<Call> {
        let between = |call: &&Call| (first..end).contains(&call.operation);
        self.state().calls.iter().filter(between).cloned().collect()
    }

    /// The code of the newest message that may have arrived with otpmux's code.
    pub(super) fn last_code(&self) -> Option<String> {
        let state = self.state();
        let mut arrived = state.calls.iter().rev().filter(|call| call.may_have_sent());
        arrived.find_map(|call| call.code.clone())
    }
}

/// The calls of one operation.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) all: Vec<Call>,
    /// A vendor knew a message whose answer was lost.
    pub(super) found: bool,
    pub(super) vendor_approved: bool,
}

impl Calls {
    /// The send attempts whose message may have been sent: all tries under one key are one.
    pub(super) fn messages(&self) -> Vec<&Call> {
        let mut keys = Vec::new();
        let mut messages = Vec::new();
        for call in self.all.iter().filter(|call| call.may_have_sent()) {
            if !keys.contains(&call.key) {
                keys.push(call.key);
                messages.push(call);
            }
        }
        messages
    }
}

/// Rules 1, 2 and 3 for one operation, and one code for all its messages.
pub(super) fn check(calls: &Calls, setting: &Setting) -> Result<(), TestCaseError> {
    for call in &calls.all {
        let after = |later: &&Call| call.ended.is_some_and(|ended| later.begun > ended);
        let mut later = calls.all.iter().filter(after);
        let unknown = matches!(call.outcome, Some((Certainty::Unknown, _)));
        let blamed = call.outcome.map(|(_, blame)| blame);
        let idempotent = setting.kinds[call.provider].idempotent;
        let bad = later.find(|next| {
            let here = next.provider == call.provider;
            let repeats = here && unknown && !(idempotent && next.key == call.key);
            let evades = !here && blamed.is_some_and(|blame| blame != Blame::Provider);
            repeats || evades || call.accepted()
        });
        prop_assert!(bad.is_none(), "{bad:?} after {call:?}");
    }
    let messages = calls.messages();
    let allowed = 1 + setting.duplicates as usize;
    prop_assert!(messages.len() <= allowed, "rule 2: {messages:?}");
    if let [first, others @ ..] = &messages[..] {
        let same = others.iter().all(|other| other.code.is_some() && other.code == first.code);
        prop_assert!(same, "two codes: {messages:?}");
    }
    Ok(())
}
