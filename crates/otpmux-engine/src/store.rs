use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, ErrorKind, VendorReference, Verdict};

use crate::{Guess, Leg, LegState, Record, State, VerificationId};

/// Where verifications live.
///
/// # Contract
///
/// - Every operation is atomic, over all processes that share the store.
/// - A record is kept until it expires and a while longer, so that its user is told so; then it
///   disappears by itself. A store that is full refuses new records and never gives up live ones.
/// - A store that cannot be reached, or whose answer cannot be trusted, answers an error of kind
///   [`ErrorKind::Store`]; nothing is ever approved or sent on doubt.
/// - `now` comes from the caller's clock, and expiry is exact: at `expires_at` a record is worth
///   nothing.
#[async_trait]
pub trait VerificationStore: Send + Sync + fmt::Debug {
    /// Writes down a new verification with its first leg, and closes the one that is live for the
    /// same recipient and purpose.
    async fn create(&self, record: Record, now: SystemTime) -> Result<(), Error>;

    /// Writes down a further leg, after settling the one before it if there is one. Refuses when
    /// the verification is not [pending](State::Pending) or has expired, so that nothing
    /// is sent for it; the settling is done all the same.
    async fn begin_leg(
        &self,
        id: VerificationId,
        begin: BeginLeg,
        now: SystemTime,
    ) -> Result<Begun, Error>;

    /// Writes down how a leg ended, and tells where the verification stands afterwards: closed,
    /// when its record is gone.
    async fn settle_leg(
        &self,
        id: VerificationId,
        settle: SettleLeg,
        now: SystemTime,
    ) -> Result<State, Error>;

    /// Tries a code, in one step: refuse what is not the [expected](Guess::is_for) recipient's and
    /// purpose's, closed, used, locked or expired; count the attempt; compare; consume.
    async fn attempt(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Attempt, Error>;

    /// Consumes a verification that a vendor has approved: [`Verdict::Approved`] once, whoever asks;
    /// otherwise why not. Counts no attempt.
    async fn approve(&self, id: VerificationId, now: SystemTime) -> Result<Verdict, Error>;

    /// Closes a verification; whether it was [pending](State::Pending).
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error>;

    /// Reads a verification.
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error>;
}

/// A further leg.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct BeginLeg {
    /// How the leg before it ended.
    pub settle: Option<SettleLeg>,
    /// The leg.
    pub leg: Leg,
    /// For the first leg of a resend: what the record must allow, and what it says afterwards.
    pub resend: Option<ResendTerms>,
}

/// What a resend needs of its record.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct ResendTerms {
    /// How many resends there may be, this one included.
    pub max_resends: u32,
    /// From when on the next one is allowed.
    pub next_after: SystemTime,
}

/// Whether a further leg was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Begun {
    /// It was, at this place of the record's legs.
    Leg(usize),
    /// Not: no code is good for this verification any more, for this reason.
    Over(Verdict),
    /// Not yet: a resend must wait this long.
    TooSoon(Duration),
    /// Not any more: there were as many resends as there may be.
    TooMany,
}

/// How a leg ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct SettleLeg {
    /// Its place among the record's legs.
    pub leg: usize,
    /// What is known about it.
    pub state: LegState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// What the vendor calls it.
    pub reference: Option<VendorReference>,
    /// Close the verification, unless another leg may have sent something after all: if nothing was
    /// sent for it, there is no code to type.
    pub close: bool,
}

/// What came of trying a code.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Attempt {
    /// The answer.
    Verdict(Verdict),
    /// The attempt is counted and the code is not ours, but a vendor's code may be out: only that
    /// vendor can tell.
    AskVendors(Box<Record>),
}

/// The steps of the contract that do not depend on how a store keeps its records; for stores that
/// hold one in their hands.
impl Record {
    /// Why no code is good for this verification at this time, if none is.
    pub fn over(&self, now: SystemTime) -> Option<Verdict> {
        match self.state {
            State::Closed => Some(Verdict::NotFound),
            State::Approved => Some(Verdict::AlreadyUsed),
            State::Pending if now >= self.expires_at => Some(Verdict::Expired),
            State::Pending => None,
        }
    }

    /// The step of [`VerificationStore::attempt`].
    pub fn attempt(&mut self, guess: &Guess, now: SystemTime) -> Attempt {
        // To whoever expects another recipient or purpose, this verification does not exist.
        if !guess.is_for(&self.recipient, &self.purpose) {
            return Attempt::Verdict(Verdict::NotFound);
        }
        if let Some(verdict) = self.over(now) {
            return Attempt::Verdict(verdict);
        }
        if self.attempts >= self.max_attempts {
            return Attempt::Verdict(Verdict::TooManyAttempts { retry_after: None });
        }
        // Counted before anything is compared: a crash or a race after this line costs the guesser
        // an attempt, never us a free one.
        self.attempts += 1;
        if self.code_is_out() && self.code.as_ref().is_some_and(|code| guess.matches(code)) {
            self.state = State::Approved;
            return Attempt::Verdict(Verdict::Approved);
        }
        if self.vendor_code_is_out() {
            return Attempt::AskVendors(Box::new(self.clone()));
        }
        Attempt::Verdict(Verdict::WrongCode { attempts_left: Some(self.attempts_left()) })
    }

    /// The step of [`VerificationStore::approve`].
    pub fn approve(&mut self, now: SystemTime) -> Verdict {
        self.over(now).unwrap_or_else(|| {
            self.state = State::Approved;
            Verdict::Approved
        })
    }

    /// The step of [`VerificationStore::settle_leg`].
    pub fn settle(&mut self, settle: SettleLeg) {
        if let Some(leg) = self.legs.get_mut(settle.leg) {
            leg.state = settle.state;
            leg.failure = settle.failure;
            leg.reference = settle.reference.or(leg.reference.take());
        }
        let nothing_sent = !self.legs.iter().any(|leg| leg.state.may_have_sent());
        if settle.close && nothing_sent && self.state == State::Pending {
            self.state = State::Closed;
        }
    }

    /// The step of [`VerificationStore::begin_leg`].
    pub fn begin(&mut self, begin: BeginLeg, now: SystemTime) -> Begun {
        if let Some(settle) = begin.settle {
            self.settle(settle);
        }
        if let Some(verdict) = self.over(now) {
            return Begun::Over(verdict);
        }
        if let Some(terms) = begin.resend {
            if self.attempts >= self.max_attempts {
                return Begun::Over(Verdict::TooManyAttempts { retry_after: None });
            }
            if self.resends >= terms.max_resends {
                return Begun::TooMany;
            }
            if let Ok(wait) = self.resend_after.duration_since(now)
                && !wait.is_zero()
            {
                return Begun::TooSoon(wait);
            }
            self.resends += 1;
            self.resend_after = terms.next_after;
        }
        self.legs.push(begin.leg);
        Begun::Leg(self.legs.len() - 1)
    }
}
