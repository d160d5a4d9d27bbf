//! What one user has lived through, for the ledger.

use std::time::Duration;

use crate::trouble::Trouble;
use crate::wire::{Answer, Sent};
use crate::workers::{Outcome, Told};

/// What was wrong when a user came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// Nothing, but something was a moment ago: they count for promises, and in no row.
    WarmUp,
    Nothing,
    /// A third process reaches none of the vendors, which are well.
    SickNeighbour,
    /// This, with the first vendor.
    First(Trouble),
    WorkerKilled,
    AllVendors,
    /// The user who comes when one vendor is back.
    OneIsBack,
    /// Everything at random, with so many vendors in trouble.
    Chaos(usize),
    ChaosWithoutRedis,
}

#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) number: String,
    pub(crate) wrong: Wrong,
    pub(crate) calls: Vec<Call>,
    pub(crate) typed: Vec<Typed>,
    /// How long the first send took, where it alone was asked and has sent.
    pub(crate) latency: Option<Duration>,
    pub(crate) verified: bool,
    /// Who was said to have sent a code, and no message was there.
    pub(crate) lost: Vec<String>,
}

/// A send or a resend.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) resend: bool,
    pub(crate) told: Told,
}

/// A code that was typed.
#[derive(Debug)]
pub(crate) struct Typed {
    pub(crate) verification: String,
    pub(crate) code: String,
    pub(crate) right: bool,
    pub(crate) told: Told,
}

impl Story {
    pub(crate) fn new(number: String, wrong: Wrong) -> Self {
        Self {
            number,
            wrong,
            calls: Vec::new(),
            typed: Vec::new(),
            latency: None,
            verified: false,
            lost: Vec::new(),
        }
    }

    /// Who is said to have sent the first code.
    pub(crate) fn confirmed_by(&self) -> Option<&str> {
        self.calls.first()?.told.sent()?.confirmed_by.as_deref()
    }
}

impl Told {
    pub(crate) fn sent(&self) -> Option<&Sent> {
        match &self.outcome {
            Outcome::Answer(Answer::Sent(sent), _) => Some(sent),
            _ => None,
        }
    }

    pub(crate) fn verdict(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Answer(Answer::Verdict(verdict), _) => Some(verdict),
            _ => None,
        }
    }

    /// Whether its caller was told for certain that nothing went out, or was not heard at all.
    pub(crate) fn sent_nothing(&self) -> bool {
        match &self.outcome {
            Outcome::Answer(Answer::Failed(failed), _) => failed.says_nothing_went_out(),
            Outcome::Down => true,
            _ => false,
        }
    }

    pub(crate) fn was_heard(&self) -> bool {
        !matches!(self.outcome, Outcome::Down)
    }
}
