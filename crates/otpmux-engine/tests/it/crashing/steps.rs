use otpmux_core::Verdict;
use proptest::prelude::*;

use super::journal::{Call, Calls};
use super::{Action, Done, Setting};

/// The knowledge of an observer about the steps of escalation since the last send.
#[derive(Default)]
pub(super) struct Steps {
    /// The operation of the send.
    first: usize,
    /// How many operations have called providers for a step.
    begun: usize,
    /// The user has certainly typed a code, cancelled, or asked for another message.
    acted: bool,
}

impl Steps {
    pub(super) fn sent(&mut self, operation: usize) {
        *self = Self { first: operation, ..Self::default() };
    }

    pub(super) fn first(&self) -> usize {
        self.first
    }

    pub(super) fn acted(&mut self, action: &Action, done: Option<&Done>, doubtful: bool) {
        let own = matches!(action, Action::Right | Action::Wrong | Action::Cancel | Action::Resend);
        let certainly = match done {
            Some(Done::Verdict { result: Ok(verdict), .. }) => {
                matches!(verdict, Verdict::Approved | Verdict::WrongCode { .. })
            }
            Some(Done::Cancelled(_, Ok(cancelled))) => *cancelled,
            Some(Done::Sent(Ok(_))) => true,
            _ => false,
        };
        self.acted |= own && certainly && !doubtful;
    }

    /// `calls` were made because steps were due, and `before` since the send. The rules of one send
    /// hold for them besides.
    pub(super) fn began(
        &mut self,
        calls: &Calls,
        before: &[Call],
        setting: &Setting,
    ) -> Result<(), TestCaseError> {
        if calls.all.is_empty() {
            return Ok(());
        }
        self.begun += 1;
        prop_assert!(!self.acted, "a step began after the user had acted");
        let allowed = setting.steps().len();
        prop_assert!(self.begun <= allowed, "{} steps began, of {allowed}", self.begun);
        for call in &calls.all {
            let again = before
                .iter()
                .find(|earlier| earlier.provider == call.provider && earlier.may_have_sent());
            prop_assert!(again.is_none(), "a step by {call:?} after {again:?}");
        }
        Ok(())
    }
}
