use std::time::Duration;

use otpmux_core::{
    Certainty, Code, Context, Error, NextStep, ResendRequest, SendRequest, Sent, Situation,
    next_step,
};
use tokio::time::Instant;

use super::plan::{Candidate, Plan, Source};
use super::{Inner, Verification, gone, new_leg};
use crate::record::{LegState, Record};
use crate::{BeginLeg, Begun, LegEnd, Settle};

/// One send or resend on its way through its candidates.
///
/// Invariant: every call was written down as a leg before it was made. `possible` counts the
/// messages of this send that may have gone out; it never exceeds one more than the duplicates that
/// the policy allows.
pub(super) struct Dispatch<'a> {
    inner: &'a Inner,
    /// The record as it was when the leg under way was written down; that leg is its last.
    record: Record,
    /// The place of that leg in the store's record, which other sends may have grown meanwhile.
    leg: usize,
    request: SendRequest,
    candidates: Vec<Candidate>,
    code: Option<Code>,
    deadline: Instant,
    possible: u32,
}

/// A leg that did not end well.
struct Failed {
    error: Error,
    next: Option<usize>,
}

impl<'a> Dispatch<'a> {
    /// For a record whose last leg is written down, at place `leg` of the store's record, and not
    /// yet called; it is the first candidate's.
    pub(super) fn new(
        inner: &'a Inner,
        record: Record,
        leg: usize,
        plan: Plan,
        code: Option<Code>,
    ) -> Self {
        let deadline = Instant::now() + inner.policy.deadline;
        let Plan { request, candidates } = plan;
        Self { inner, record, leg, request, candidates, code, deadline, possible: 0 }
    }

    pub(super) async fn run(&mut self) -> Result<Verification, Error> {
        let mut at = 0;
        loop {
            match self.leg(at).await {
                Ok(sent) => return self.accepted(sent).await,
                Err(Failed { error, next: Some(next) }) => {
                    self.begin(next, &error).await?;
                    at = next;
                }
                Err(Failed { error, next: None }) => return self.give_up(error).await,
            }
        }
    }

    /// Calls one candidate, again where that is allowed, until it has taken the message or another
    /// step is due.
    async fn leg(&mut self, at: usize) -> Result<Sent, Failed> {
        let candidate = &self.candidates[at];
        candidate.fit(&mut self.request, self.code.as_ref());
        // A share of the time for each candidate that is left: one that hangs must not use it up.
        let shares = u32::try_from(self.candidates.len() - at).unwrap_or(u32::MAX);
        let now = Instant::now();
        let ends = now + self.deadline.saturating_duration_since(now) / shares;
        let cx = Context::new(self.newest().key).with_deadline(ends.into_std());
        let mut uncertain = false;
        let mut tries = 0;
        loop {
            let error = match call(candidate, &cx, &self.request).await {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            // What an earlier try may have done stays done, whatever the next one is told.
            let error = if uncertain { error.with_certainty(Certainty::Unknown) } else { error };
            if error.certainty() == Certainty::Unknown && !uncertain {
                uncertain = true;
                self.possible += 1;
            }
            let pause = error.retry_after().unwrap_or_else(|| self.pause(tries));
            // A vendor may ask for more time than clocks can count.
            let in_time = Instant::now().checked_add(pause).is_some_and(|then| then < ends);
            let next = self.next_after(at);
            let situation = Situation {
                another_provider: next.is_some(),
                may_retry: tries < self.inner.policy.retries && in_time,
                idempotent: candidate.provider.capabilities().idempotent,
                supplied_code: candidate.source.is_supplied(),
                duplicates_left: (self.inner.policy.duplicates + 1).saturating_sub(self.possible),
            };
            let step = next_step(&error, &situation);
            tracing::debug!(
                provider = %candidate.provider.id(),
                channel = %self.request.channel,
                kind = error.kind().as_str(),
                certainty = error.certainty().as_str(),
                blame = error.blame().as_str(),
                ?step,
                "leg failed",
            );
            match step {
                NextStep::RetryHere { .. } => {
                    tokio::time::sleep(pause).await;
                    if let Some(error) = self.over().await {
                        return Err(Failed { error, next: None });
                    }
                }
                NextStep::NextProvider => return Err(Failed { error, next }),
                NextStep::Stop | NextStep::Keep => return Err(Failed { error, next: None }),
            }
            tries += 1;
        }
    }

    /// Why this send must not go on, if its verification was cancelled, superseded, used or has
    /// expired while it paused: a message would carry a code that is good for nothing.
    async fn over(&self) -> Option<Error> {
        let now = self.inner.clock.now();
        match self.inner.store.load(self.record.id, now).await {
            Ok(Some(record)) if record.over(now).is_none() => None,
            Ok(_) => Some(gone().with_certainty(self.certainty())),
            Err(error) => Some(error.with_certainty(self.certainty())),
        }
    }

    /// The next candidate that may follow. Once a message with the code of ours may be out, only
    /// who carries the same one: the user must never hold two different codes.
    fn next_after(&self, at: usize) -> Option<usize> {
        let follows = |candidate: &Candidate| self.possible == 0 || candidate.source.is_supplied();
        (at + 1..self.candidates.len()).find(|&next| follows(&self.candidates[next]))
    }

    fn pause(&self, tries: u32) -> Duration {
        self.inner.policy.retry_pause.saturating_mul(2u32.saturating_pow(tries))
    }

    /// Settles the failed leg and writes down the next, in one step of the store.
    async fn begin(&mut self, next: usize, error: &Error) -> Result<(), Error> {
        let leg = new_leg(&self.candidates[next], &self.request.channel, &*self.inner.entropy)
            .map_err(|error| error.with_certainty(self.certainty()))?;
        let settle = self.settle(error, false);
        self.settle_here(&settle);
        let begin = BeginLeg {
            ends: settle.ends,
            skips: Vec::new(),
            news: Vec::new(),
            leg: leg.clone(),
            resend: None,
            charges: Vec::new(),
        };
        let now = self.inner.clock.now();
        match self.inner.store.begin_leg(self.record.id, begin, now).await {
            Ok(Begun::Leg(place)) => {
                self.leg = place;
                self.record.legs.push(leg);
                Ok(())
            }
            // Cancelled, superseded or expired meanwhile: nobody waits for this code any more.
            Ok(_) => Err(gone().with_certainty(self.certainty())),
            Err(error) => Err(error.with_certainty(self.certainty())),
        }
    }

    async fn accepted(&mut self, sent: Sent) -> Result<Verification, Error> {
        let end = LegEnd {
            leg: self.leg,
            state: LegState::Accepted,
            failure: None,
            reference: sent.reference,
        };
        let settle = Settle { ends: vec![end], ..Settle::default() };
        self.settle_here(&settle);
        self.possible += 1;
        self.write(settle).await
    }

    async fn give_up(&mut self, error: Error) -> Result<Verification, Error> {
        // Closes only what has sent nothing: a resend that fails leaves the earlier messages and
        // their code as good as they were.
        let settle = self.settle(&error, true);
        self.settle_here(&settle);
        if self.possible > 0 {
            self.write(settle).await
        } else {
            self.write(settle).await.and(Err(error))
        }
    }

    async fn write(&mut self, settle: Settle) -> Result<Verification, Error> {
        let now = self.inner.clock.now();
        let state = self.inner.store.settle(self.record.id, settle, now).await;
        // It may have been cancelled, superseded or used while the call was under way.
        self.record.state = state.map_err(|error| error.with_certainty(self.certainty()))?;
        Ok(Verification::of(&self.record, &self.request.recipient, now))
    }

    fn settle(&self, error: &Error, close: bool) -> Settle {
        let end = LegEnd {
            leg: self.leg,
            state: match error.certainty() {
                Certainty::NotSent => LegState::NotSent,
                Certainty::Refused => LegState::Refused,
                Certainty::Unknown => LegState::Unknown,
            },
            failure: Some(error.kind()),
            reference: None,
        };
        Settle { ends: vec![end], close, ..Settle::default() }
    }

    fn settle_here(&mut self, settle: &Settle) {
        let leg = self.record.legs.len() - 1;
        let mut here = settle.clone();
        here.ends.iter_mut().for_each(|end| end.leg = leg);
        self.record.settle(here);
    }

    /// What is known of this send as a whole.
    fn certainty(&self) -> Certainty {
        if self.possible > 0 { Certainty::Unknown } else { Certainty::NotSent }
    }

    fn newest(&self) -> &crate::Leg {
        // A record is born with its first leg, and legs are never removed.
        &self.record.legs[self.record.legs.len() - 1]
    }
}

async fn call(candidate: &Candidate, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
    let provider = &candidate.provider;
    match &candidate.source {
        Source::Supplied | Source::Vendor { .. } => provider.send(cx, request).await,
        Source::Again(target) => {
            let mut again = ResendRequest::new(target.clone());
            again.channel = Some(request.channel.clone());
            provider.resend(cx, &again).await
        }
    }
}
