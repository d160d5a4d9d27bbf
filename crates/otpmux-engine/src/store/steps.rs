//! The steps of the contract on a record, for stores that hold records in memory.

use std::time::{Duration, SystemTime};

use otpmux_core::Verdict;

use super::delivery::{DeliveryMark, Received};
use super::limits::LimitExceeded;
use super::operations::{
    AttemptEnd, AttemptStarted, GuessEnd, GuessState, Guessed, Lost, NamedGuess, RecordOutcome,
    Reschedule, StartAttempt,
};
use super::record::{AttemptState, Record, SendAttempt, Skip, State};
use crate::events::{Happened, Reason};
use crate::{EventType, Guess, GuessName, QueuedEvent, Unconfirmed, VerificationId};

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

    /// The step of [`VerificationStore::check_guess`](crate::VerificationStore::check_guess), on the
    /// verification that the guess was counted at under its name before, or else on the one that it
    /// selects. `named` is the state under the guess's name, before and after; `wait` is how long until the
    /// windows that count it have room.
    pub fn check_guess(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        wait: Option<Duration>,
        now: SystemTime,
    ) -> (Guessed, Counted) {
        let id = Some(self.id);
        let refuse = |verdict| (Guessed::Verdict { verdict, id }, Counted::Nothing);
        // For a caller that expects another recipient or purpose, this verification does not exist;
        // a delivery exists for none.
        if self.id.is_delivery() || !guess.is_for(&self.recipient, &self.purpose) {
            return (Guessed::NONE, Counted::Nothing);
        }
        if let (Some(name), Some(before)) = (guess.name(), named.as_mut()) {
            return self.attempt_again(name, before, now);
        }
        if let Some(verdict) = self.over(now) {
            return refuse(verdict);
        }
        if self.guesses >= self.max_guesses {
            return refuse(Verdict::TooManyGuesses { retry_after: None });
        }
        if wait.is_some() {
            return refuse(Verdict::TooManyGuesses { retry_after: wait });
        }
        // Counted before anything is compared: a crash or a race after this line costs the guesser
        // a guess, and never gives a free one.
        self.guesses += 1;
        let right = self.code_is_out() && self.code.as_ref().is_some_and(|it| guess.matches(it));
        let left = self.guesses_left();
        let (guessed, counted, state) = if right {
            self.state = State::Approved;
            self.due_at = None;
            let approved = Guessed::Verdict { verdict: Verdict::Approved, id };
            (approved, Counted::Reset { hit: None }, GuessState::Approved)
        } else if self.vendor_code_is_out() {
            let ask = Guessed::AskVendors(Box::new(self.clone()));
            (ask, Counted::Hit, GuessState::Asking { calls: 1, counted_at: now })
        } else {
            let verdict = Verdict::WrongCode { guesses_left: Some(left) };
            let wrong = Guessed::Verdict { verdict, id };
            (wrong, Counted::Hit, GuessState::Wrong(left))
        };
        let id = self.id;
        *named = guess.name().map(|name| NamedGuess { id, content: name.content, state });
        (guessed, counted)
    }

    /// Handles a guess that was counted before.
    fn attempt_again(
        &self,
        name: GuessName,
        before: &mut NamedGuess,
        now: SystemTime,
    ) -> (Guessed, Counted) {
        let told = |verdict| Guessed::Verdict { verdict, id: Some(self.id) };
        let guessed = if before.content == name.content {
            match &mut before.state {
                GuessState::Approved => told(Verdict::Approved),
                GuessState::Wrong(left) => told(Verdict::WrongCode { guesses_left: Some(*left) }),
                GuessState::Asking { calls, .. } => {
                    if let Some(verdict) = self.over(now) {
                        told(verdict)
                    } else {
                        *calls = calls.saturating_add(1);
                        Guessed::AskVendors(Box::new(self.clone()))
                    }
                }
            }
        } else {
            Guessed::KeyReused
        };
        (guessed, Counted::Nothing)
    }

    /// The step of [`VerificationStore::approve`](crate::VerificationStore::approve). `named` is
    /// the state under the guess's name, before and after.
    pub fn approve(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        now: SystemTime,
    ) -> (Verdict, Counted) {
        if self.id.is_delivery() {
            return (Verdict::NotFound, Counted::Nothing);
        }
        let name = guess.name();
        let before = name.and_then(|name| named.filter(|it| it.content == name.content));
        let before = before.map(|before| before.state);
        if let Some(verdict) = self.over(now) {
            // Another call under the same name was faster.
            let again = before == Some(GuessState::Approved);
            return (if again { Verdict::Approved } else { verdict }, Counted::Nothing);
        }
        self.state = State::Approved;
        self.due_at = None;
        let hit = match before {
            Some(GuessState::Asking { counted_at, .. }) => Some(counted_at),
            _ => guess.was_counted_at(),
        };
        let (id, state) = (self.id, GuessState::Approved);
        *named = name.map(|name: GuessName| NamedGuess { id, content: name.content, state });
        (Verdict::Approved, Counted::Reset { hit })
    }

    /// The step of [`VerificationStore::end_guess`](crate::VerificationStore::end_guess). `named`
    /// is the state under the guess's name, before and after.
    pub fn end_guess(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        end: GuessEnd,
    ) -> Counted {
        if self.id.is_delivery() {
            return Counted::Nothing;
        }
        let over = matches!(self.state, State::Approved | State::Closed);
        let mut hit = guess.was_counted_at();
        if let Some(name) = guess.name() {
            let Some(before) = named.as_mut().filter(|it| it.content == name.content) else {
                return Counted::Nothing;
            };
            let GuessState::Asking { calls, counted_at } = &mut before.state else {
                return Counted::Nothing;
            };
            hit = Some(*counted_at);
            match end {
                GuessEnd::Wrong(left) => before.state = GuessState::Wrong(left),
                GuessEnd::NotCompared if *calls > 1 => {
                    *calls -= 1;
                    return Counted::Nothing;
                }
                GuessEnd::NotCompared if !over => *named = None,
                GuessEnd::NotCompared => {}
            }
        }
        if end != GuessEnd::NotCompared || over {
            return Counted::Nothing;
        }
        self.guesses = self.guesses.saturating_sub(1);
        hit.map_or(Counted::Nothing, Counted::TakenBack)
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

    /// The step of [`VerificationStore::cancel`](crate::VerificationStore::cancel).
    pub fn cancel(&mut self, now: SystemTime) -> bool {
        let live = self.over(now).is_none();
        if live || self.state == State::Superseded {
            self.state = State::Closed;
            self.due_at = self.due_after_end;
        }
        live
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

/// What events compare with the record after a step.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    state: State,
    guesses: u32,
}

/// The events that steps make true; none if the record [has none](Record::events).
impl Record {
    /// The part that [`events_since`](Self::events_since) compares, before a step.
    pub fn before(&self) -> Before {
        Before { state: self.state, guesses: self.guesses }
    }

    /// The events of a record that was just created.
    pub fn events_of_creation(&self, now: SystemTime) -> Vec<QueuedEvent> {
        self.entries(Some(Happened::to(EventType::VerificationCreated)), now)
    }

    /// The events of a step that took the record from there to here.
    pub fn events_since(&self, before: Before, now: SystemTime) -> Vec<QueuedEvent> {
        let ended = match (before.state, self.state) {
            (State::Pending, State::Approved) => {
                Some(Happened::to(EventType::VerificationApproved))
            }
            (State::Pending | State::Superseded, State::Closed) => {
                let failed = Happened::to(EventType::VerificationFailed);
                let sent = self.may_have_sent();
                Some(failed.because(if sent { Reason::CANCELLED } else { Reason::NOT_SENT }))
            }
            // While a vendor's code is out, only its vendor can say whether the last guess was wrong.
            (State::Pending, State::Pending)
                if before.guesses < self.max_guesses
                    && self.guesses >= self.max_guesses
                    && !self.vendor_code_is_out() =>
            {
                Some(Happened::to(EventType::CheckExhausted))
            }
            _ => None,
        };
        self.entries(ended, now)
    }

    /// The event of a send that ended without a confirmation.
    pub fn events_of_unconfirmed(
        &self,
        unconfirmed: Option<Unconfirmed>,
        now: SystemTime,
    ) -> Vec<QueuedEvent> {
        let happened = unconfirmed.map(|it| {
            let event = Happened::to(EventType::SendUnconfirmed);
            event.at(usize::from(it.place)).because(it.reason)
        });
        self.entries(happened, now)
    }

    /// The event of a mark that changed what is known of a message: it certainly did not arrive.
    pub fn events_of_mark(
        &self,
        place: u8,
        before: Option<DeliveryMark>,
        now: SystemTime,
    ) -> Vec<QueuedEvent> {
        let attempt = self.send_attempts.get(usize::from(place));
        let mark = attempt.and_then(|attempt| attempt.delivery);
        let happened = mark
            .filter(|mark| mark.has_failed() && !before.is_some_and(DeliveryMark::has_failed))
            .map(|mark| {
                let event = Happened::to(EventType::DeliveryFailed);
                event.at(usize::from(place)).because(mark.delivery())
            });
        self.entries(happened, now)
    }

    fn entries(&self, happened: Option<Happened>, now: SystemTime) -> Vec<QueuedEvent> {
        let Some((terms, happened)) = self.events.as_deref().zip(happened) else {
            return Vec::new();
        };
        terms.entries(self.id, &happened, now).collect()
    }
}

/// Effect of a step on the windows that count a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Counted {
    /// None.
    Nothing,
    /// Both count a hit.
    Hit,
    /// The guesser's own windows are emptied, because the recipient has proven themselves there.
    /// The total, which others fill too, only loses the hit of the right code.
    Reset {
        /// When that hit was counted, if it was.
        hit: Option<SystemTime>,
    },
    /// Both lose the hit of this time: the code was not compared.
    TakenBack(SystemTime),
}
