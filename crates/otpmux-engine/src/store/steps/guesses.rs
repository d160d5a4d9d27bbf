//! The steps of a guess on a record.

use std::time::{Duration, SystemTime};

use otpmux_core::Verdict;

use crate::store::operations::{GuessEnd, GuessState, Guessed, NamedGuess};
use crate::store::record::{Record, State};
use crate::{Guess, GuessName};

impl Record {
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
