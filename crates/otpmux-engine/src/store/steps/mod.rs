//! The steps of the contract on a record, for stores that hold records in memory.

mod attempts;
mod events;
mod guesses;

use std::time::SystemTime;

use otpmux_core::Verdict;

use super::operations::Reschedule;
use super::record::{Record, State};
use crate::VerificationId;

pub use events::Before;
pub use guesses::Counted;

/// The most failed verifications that one step goes back. There is more than one only where sends
/// to one recipient overlapped; the next step finds the rest.
pub const LOOKS_BEHIND: u32 = 16;

/// The part of a verification that [`uncovered`] reads.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct Behind {
    /// Whether it [failed](Record::has_failed).
    pub failed: bool,
    /// The one whose place it took.
    pub supersedes: Option<VerificationId>,
}

/// The step of [`VerificationStore::record_outcome`](crate::VerificationStore::record_outcome) that
/// finds the first verification that has not failed, from the newest one of a recipient and purpose
/// on; `None` if no record is left. `look` reads a record, if it exists.
///
/// # Errors
///
/// Those of `look`.
pub fn uncovered<E>(
    newest: VerificationId,
    mut look: impl FnMut(VerificationId) -> Result<Option<Behind>, E>,
) -> Result<Option<VerificationId>, E> {
    let (mut at, mut left) = (newest, LOOKS_BEHIND);
    loop {
        let Some(record) = look(at)? else { return Ok(None) };
        if left == 0 || !record.failed {
            return Ok(Some(at));
        }
        let Some(next) = record.supersedes else { return Ok(None) };
        (at, left) = (next, left - 1);
    }
}

/// Of the verifications that the selection of a guess finds under the server keys, the signing
/// key's first, returns the one that is meant: the one that expires last, and of several the first.
/// There is more than one only while a server key is replaced; then the newest decides, as it does
/// under one key, also if no code is valid for it any more.
pub fn selected<T>(
    found: impl IntoIterator<Item = T>,
    expires_at: impl Fn(&T) -> SystemTime,
) -> Option<T> {
    let later = |one: T, other: T| if expires_at(&other) > expires_at(&one) { other } else { one };
    found.into_iter().reduce(later)
}

/// The steps of the contract that do not depend on how a store keeps its records; for stores that
/// hold a record in memory.
impl Record {
    /// Why no code is valid for this verification at this time, if none is.
    pub fn over(&self, now: SystemTime) -> Option<Verdict> {
        match self.state {
            State::Closed | State::Superseded => Some(Verdict::NotFound),
            State::Approved => Some(Verdict::AlreadyUsed),
            State::Pending if now >= self.expires_at => Some(Verdict::Expired),
            State::Pending => None,
        }
    }

    /// Whether a further message of it is of use: a code is valid for it, and a guess is left.
    pub fn is_repeatable(&self, now: SystemTime) -> bool {
        self.over(now).is_none() && self.guesses < self.max_guesses
    }

    /// Whether its request failed without sending anything, so that the request may be repeated
    /// with its idempotency key, and the user's earlier code stays valid.
    pub fn has_failed(&self) -> bool {
        self.state == State::Closed && !self.may_have_sent()
    }

    /// The part that [`uncovered`] reads.
    pub fn behind(&self) -> Behind {
        Behind { failed: self.has_failed(), supersedes: self.supersedes }
    }

    /// The step of [`VerificationStore::create`](crate::VerificationStore::create) on the
    /// verification whose place is taken. An expired one stays expired.
    pub fn supersede(&mut self, now: SystemTime) {
        if self.over(now).is_none() {
            self.state = State::Superseded;
            self.due_at = self.due_after_end;
        }
    }

    /// The step of [`VerificationStore::record_outcome`](crate::VerificationStore::record_outcome)
    /// on the verification that was [uncovered]. Returns whether its state changed.
    pub fn restore(&mut self) -> bool {
        let superseded = self.state == State::Superseded;
        if superseded {
            self.state = State::Pending;
        }
        superseded
    }

    /// The step of [`VerificationStore::cancel`](crate::VerificationStore::cancel).
    pub fn cancel(&mut self, now: SystemTime) -> bool {
        let live = self.over(now).is_none();
        if live || self.state == State::Superseded {
            self.state = State::Closed;
            self.due_at = self.due_after_end;
        }
        live
    }

    /// The step of [`VerificationStore::due`](crate::VerificationStore::due) on a verification whose
    /// time has come.
    pub fn lease(&mut self, until: SystemTime) {
        self.due_at = Some(until);
    }

    /// The step of [`VerificationStore::reschedule`](crate::VerificationStore::reschedule). Returns
    /// whether it changed anything.
    pub fn reschedule(&mut self, reschedule: Reschedule) -> bool {
        let known = self.escalations == reschedule.step;
        if known {
            self.escalations = reschedule.next_step;
            self.due_at = reschedule.due_at;
            self.skips.extend(reschedule.skips);
        }
        known
    }
}
