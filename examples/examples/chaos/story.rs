//! The events of one user, for the ledger.

use std::time::Duration;

use crate::trouble::Trouble;
use crate::wire::{Answer, Sent};
use crate::workers::{Outcome, Told};

/// The trouble when a user came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// None now, but there was one a moment ago: the user counts for promises, and in no row.
    WarmUp,
    Nothing,
    /// A third process reaches none of the vendors, which are well.
    SickNeighbour,
    /// This trouble, at the first vendor.
    First(Trouble),
    WorkerKilled,
    AllVendors,
    /// The user who comes when one vendor is back.
    OneIsBack,
    /// Random troubles, at this many vendors.
    Chaos(usize),
    ChaosWithoutRedis,
}

#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) number: String,
    pub(crate) wrong: Wrong,
    pub(crate) calls: Vec<Call>,
    pub(crate) typed: Vec<Typed>,
    /// The duration of the first send, if only its vendor was called and has sent.
    pub(crate) latency: Option<Duration>,
    pub(crate) verified: bool,
    /// Vendors that reportedly sent a code although no message arrived.
    pub(crate) lost: Vec<String>,
}

/// A send or a resend.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) resend: bool,
    pub(crate) told: Told,
}

/// A typed code.
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

    /// Returns the vendor that reportedly sent the first code.
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

    /// Returns whether the answer was that certainly nothing was sent, or the call was never
    /// received.
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
