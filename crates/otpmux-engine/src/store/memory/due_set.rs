use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::VerificationId;
use crate::store::limits::millis;

/// The verifications at which a process must look, by their [`due_at`](crate::Record::due_at).
#[derive(Default)]
pub(super) struct DueSet(BTreeSet<(u64, VerificationId)>);

impl DueSet {
    /// Follows a step that may have changed when a verification is due.
    pub(super) fn follow(
        &mut self,
        id: VerificationId,
        before: Option<SystemTime>,
        after: Option<SystemTime>,
    ) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.0.remove(&(millis(before), id));
        }
        if let Some(after) = after {
            self.0.insert((millis(after), id));
        }
    }

    /// Those whose time has come, in their order.
    pub(super) fn come(&self, now: SystemTime) -> impl Iterator<Item = VerificationId> {
        let now = millis(now);
        self.0.iter().take_while(move |(at, _)| *at <= now).map(|(_, id)| *id)
    }
}
