//! The steps of send attempts on a record: a further one begins, outcomes are recorded, and a receipt
//! reports on one.

use std::time::SystemTime;

use otpmux_core::Verdict;

use crate::store::delivery::{DeliveryMark, Received};
use crate::store::limits::LimitExceeded;
use crate::store::operations::{AttemptEnd, AttemptStarted, Lost, RecordOutcome, StartAttempt};
use crate::store::record::{AttemptState, Record, SendAttempt, Skip, State};

impl Record {
    /// The step of [`VerificationStore::start_attempt`](crate::VerificationStore::start_attempt),
    /// apart from the health updates. `full` is the limit that has no room; limits count the send
    /// attempt if it [started](AttemptStarted::Started).
    pub fn begin(
        &mut self,
        begin: StartAttempt,
        full: Option<LimitExceeded>,
        now: SystemTime,
    ) -> AttemptStarted {
        self.end(begin.ends, begin.skips);
        if let Some(verdict) = self.over(now) {
            return AttemptStarted::Over(verdict);
        }
        if begin.escalation.is_some_and(|terms| !self.awaits_step(terms.step)) {
            return AttemptStarted::NotDue;
        }
        if let Some(terms) = begin.resend {
            if self.guesses >= self.max_guesses {
                return AttemptStarted::Over(Verdict::TooManyGuesses { retry_after: None });
            }
            if self.resends >= terms.max_resends {
                return AttemptStarted::TooMany;
            }
            if let Ok(wait) = self.resend_after.duration_since(now)
                && !wait.is_zero()
            {
                return AttemptStarted::TooSoon(wait);
            }
        }
        if let Some(limited) = full {
            return AttemptStarted::LimitExceeded(limited);
        }
        if self.send_attempts.iter().any(|attempt| attempt.key == begin.attempt.key) {
            return AttemptStarted::Over(Verdict::NotFound);
        }
        if let Some(terms) = begin.resend {
            self.resends += 1;
            self.resend_after = terms.next_after;
            // The user looks after it from now on.
            self.due_at = self.due_after_end;
        }
        if let Some(terms) = begin.escalation {
            self.escalations = terms.step + 1;
            self.due_at = terms.next_due_at.or(self.due_after_end);
        }
        if let (Some(events), Some(facts)) = (&mut self.events, begin.facts) {
            events.facts = facts;
        }
        self.send_attempts.push(begin.attempt);
        AttemptStarted::Started(self.send_attempts.len() - 1)
    }

    /// Whether this step of escalation may begin, unless the verification is [over](Self::over): it
    /// is the next one, and the user has neither typed a code nor asked for another message.
    pub fn awaits_step(&self, step: u8) -> bool {
        self.escalations == step && self.guesses == 0 && self.resends == 0
    }

    /// The step of [`VerificationStore::record_outcome`](crate::VerificationStore::record_outcome),
    /// apart from the health updates. Returns whether the refunds are due.
    pub fn record_outcome(&mut self, record_outcome: RecordOutcome) -> bool {
        let lost = match record_outcome.lost {
            Some(Lost::SendAttempt(attempt)) => Some(attempt),
            Some(Lost::Creation(_)) | None => None,
        };
        let unrecorded = record_outcome.ends.is_empty() && lost.is_none();
        let mut first = self.end(record_outcome.ends, record_outcome.skips);
        if let Some(attempt) = lost {
            first |= self.give_up(attempt);
        }
        let open = matches!(self.state, State::Pending | State::Superseded);
        if record_outcome.close && !self.may_have_sent() && open {
            self.state = State::Closed;
            self.due_at = self.due_after_end;
        }
        unrecorded || first
    }

    /// Returns whether the send attempt existed without an outcome.
    fn give_up(&mut self, attempt: SendAttempt) -> bool {
        let attempt = SendAttempt { state: AttemptState::NotSent, ..attempt };
        let Some(begun) = self.send_attempts.iter_mut().find(|begun| begun.key == attempt.key)
        else {
            self.send_attempts.push(attempt);
            return false;
        };
        let first = begun.state == AttemptState::Intended;
        if first {
            *begun = attempt;
        }
        first
    }

    /// Returns whether one of the send attempts had no outcome before.
    fn end(&mut self, ends: Vec<AttemptEnd>, skips: Vec<Skip>) -> bool {
        let mut first = false;
        for end in ends {
            if let Some(attempt) = self.send_attempts.get_mut(end.attempt) {
                first |= attempt.end(end);
            }
        }
        self.skips.extend(skips);
        first
    }

    /// The step of [`VerificationStore::receive`](crate::VerificationStore::receive).
    pub fn receive(&mut self, place: u8, mark: DeliveryMark) -> Received {
        let Some(attempt) = self.send_attempts.get_mut(usize::from(place)) else {
            return Received::Gone;
        };
        let before = attempt.delivery;
        let merged = before.map_or(mark, |known| known.merge(mark));
        if before == Some(merged) {
            return Received::Same;
        }
        attempt.delivery = Some(merged);
        if matches!(attempt.state, AttemptState::Intended | AttemptState::Unknown) {
            attempt.state = AttemptState::Accepted;
        }
        Received::Changed { record: Box::new(self.clone()), place, before }
    }
}

impl SendAttempt {
    /// What [`VerificationStore::record_outcome`](crate::VerificationStore::record_outcome) does
    /// with one of its ends, for stores that can write a send attempt alone. Returns whether there
    /// was no outcome before.
    pub fn end(&mut self, end: AttemptEnd) -> bool {
        let first = self.state == AttemptState::Intended;
        // A receipt has proven more than an answer that was lost.
        let proven = end.state == AttemptState::Unknown && self.delivery.is_some();
        self.state = if proven { AttemptState::Accepted } else { end.state };
        self.failure = end.failure;
        self.reference = end.reference.or(self.reference.take());
        self.vendor = end.vendor.or(self.vendor.take());
        first
    }
}
