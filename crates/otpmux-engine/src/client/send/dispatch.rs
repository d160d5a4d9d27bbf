mod outcome;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Code, Context, Error, ErrorKind, NextStep, ResendRequest, Sent, Situation,
    Target, next_step,
};
use tokio::time::Instant;

use super::limits::Counted;
use super::log_line::LogLine;
use super::plan::{Candidate, Plan, Source, skip};
use super::retry::Tries;
use super::still_pending::StillPending;
use crate::client::inner::{Inner, gone};
use crate::client::{Verification, metrics, reconcile};
use crate::store::record::{AttemptState, Record};
use crate::{
    AttemptEnd, AttemptStarted, Choice, Lost, RecordOutcome, Refund, SendAttempt, Skip, SkipReason,
    StartAttempt,
};

/// How long a status call after a lost answer may take.
const RECONCILE: Duration = Duration::from_secs(2);

/// Runs one send or resend through its candidates.
///
/// Invariant: every call is in the store as a send attempt before it is made. `possible` counts the
/// messages of this send that may have gone out; with the calls under way it never exceeds one more
/// than the duplicates that the policy allows.
pub(in crate::client) struct Dispatch<'a> {
    pub(super) inner: &'a Arc<Inner>,
    /// The record as created, with this send's attempts updated as they end.
    record: Box<Record>,
    pub(super) plan: Plan,
    /// Index of its first send attempt in `record`.
    first: usize,
    code: Option<Code>,
    begun: Instant,
    deadline: Instant,
    /// When its newest send attempt began.
    attempt_begun: Instant,
    /// Where the message and its first send attempt were counted.
    counted: Counted,
    pub(super) possible: u32,
    /// How many of those certainly carry a code other than otpmux's, which cannot be verified.
    foreign: u32,
    /// Set once a provider has refused the send for a reason that holds for all providers.
    refused: Option<Arc<AtomicBool>>,
    /// Outcomes that are not in the store yet.
    unrecorded: Unrecorded,
}

#[derive(Default)]
struct Unrecorded {
    ends: Vec<AttemptEnd>,
    skips: Vec<Skip>,
    /// Hits of calls that never reached their providers.
    refunds: Vec<Refund>,
    /// A send attempt whose start the store did not answer.
    lost: Option<Lost>,
}

/// A send attempt that is in the store and has no outcome yet.
#[derive(Clone, Copy)]
pub(super) struct ActiveAttempt {
    /// Index of its candidate.
    pub(super) candidate: usize,
    /// Index in this send's copy of the record.
    pub(super) index: usize,
    /// Index in the store's record, to which other sends may have added.
    pub(super) store_index: usize,
    /// The hit of its provider's limit.
    pub(super) counted: Option<Refund>,
}

/// The outcome of a send attempt, or of two in parallel.
pub(super) enum Ended {
    Sent(ActiveAttempt, Sent),
    Failed { error: Error, next: Option<usize> },
}

/// Why no further send attempt could be started.
pub(super) enum NotBegun {
    /// The verification is over.
    Over,
    Failed(Error),
}

pub(super) type Call = Pin<Box<dyn Future<Output = Result<Sent, Error>> + Send>>;

impl<'a> Dispatch<'a> {
    /// Starts from a record whose last send attempt is stored, belongs to the first candidate, and
    /// was not called yet.
    pub(in crate::client) fn new(
        inner: &'a Arc<Inner>,
        record: Box<Record>,
        plan: Plan,
        code: Option<Code>,
        counted: Counted,
        deadline: Instant,
    ) -> Self {
        let begun = Instant::now();
        let first = record.send_attempts.len() - 1;
        Self {
            inner,
            record,
            plan,
            first,
            code,
            begun,
            deadline,
            attempt_begun: begun,
            counted,
            possible: 0,
            foreign: 0,
            refused: None,
            unrecorded: Unrecorded::default(),
        }
    }

    /// `place` is the index of the first send attempt in the store's record.
    pub(in crate::client) async fn run(&mut self, place: usize) -> Result<Verification, Error> {
        let result = self.go_through(place).await;
        let kind = metrics::kind(self.record.id);
        let (to, channel) = (&self.plan.request.recipient, &self.plan.request.channel);
        self.inner.metrics.sent(self.begun, kind, to, channel, &result);
        let line = LogLine {
            id: self.record.id,
            route: self.plan.route,
            send_attempts: &self.record.send_attempts[self.first..],
            again: self.first > 0,
            channel: &self.plan.request.channel,
            begun: self.begun,
        };
        line.write(&result);
        result
    }

    async fn go_through(&mut self, place: usize) -> Result<Verification, Error> {
        let (index, counted) = (self.record.send_attempts.len() - 1, self.counted.provider());
        let mut active = ActiveAttempt { candidate: 0, index, store_index: place, counted };
        loop {
            let ended = match self.hedge(active) {
                // Boxed, as is each rare case: all sends would be as large.
                Some((after, next)) => Box::pin(self.run_hedged(active, after, next)).await,
                None => self.run_one(active).await,
            };
            let (error, next) = match ended {
                Ended::Sent(active, sent) => return self.accepted(active, sent).await,
                Ended::Failed { error, next } => (error, next),
            };
            let begun = match next {
                Some(next) => Box::pin(self.begin(next, Choice::Failover)).await,
                None => Ok(None),
            };
            match begun {
                Ok(Some(next)) => active = next,
                Ok(None) => return self.give_up(error).await,
                Err(NotBegun::Over) => {
                    self.write(true, self.inner.take_updates()).await?;
                    return Err(gone().with_certainty(self.certainty()));
                }
                Err(NotBegun::Failed(error)) => {
                    let record_outcome = self.settlement(true);
                    self.record_later(record_outcome);
                    return Err(error.with_certainty(self.certainty()));
                }
            }
        }
    }

    pub(super) async fn run_one(&mut self, active: ActiveAttempt) -> Ended {
        let cx = self.context(active);
        let candidate = &self.plan.candidates[active.candidate];
        candidate.fit(&mut self.plan.request, self.code.as_ref());
        let request = &*self.plan.request;
        let tries = Tries {
            entry: &candidate.entry,
            cx: &cx,
            only_candidate: self.next_after(active.candidate).is_none(),
            still_pending: StillPending {
                inner: self.inner,
                id: self.record.id,
                refused: self.refused.as_deref(),
            },
        };
        let result = match &candidate.source {
            Source::Otpmux | Source::Vendor { .. } => tries.send(request).await,
            Source::Again { target, .. } => {
                let mut again = ResendRequest::new(target.clone());
                again.channel = Some(request.channel.clone());
                tries.resend(&again).await
            }
        };
        self.on_result(active, result).await
    }

    /// The call of a send attempt that runs beside another one.
    pub(super) fn start(&mut self, active: ActiveAttempt) -> Call {
        let (cx, id, inner) = (self.context(active), self.record.id, Arc::clone(self.inner));
        let only_candidate = self.next_after(active.candidate).is_none();
        let refused = Arc::clone(self.refused.get_or_insert_default());
        let candidate = &self.plan.candidates[active.candidate];
        let (entry, mut request) = (Arc::clone(&candidate.entry), self.plan.request.clone());
        candidate.fit(&mut request, self.code.as_ref());
        Box::pin(async move {
            let still_pending = StillPending { inner: &inner, id, refused: Some(&refused) };
            let tries = Tries { entry: &entry, cx: &cx, only_candidate, still_pending };
            tries.send(&request).await
        })
    }

    /// The context of a call. Each remaining candidate gets an equal share of the remaining time,
    /// so that one that hangs does not use it up.
    fn context(&self, active: ActiveAttempt) -> Context {
        let shares =
            u32::try_from(self.plan.candidates.len() - active.candidate).unwrap_or(u32::MAX);
        let left = self.deadline.saturating_duration_since(self.attempt_begun);
        let ends = self.attempt_begun + left / shares;
        let provider = self.plan.candidates[active.candidate].provider();
        let mut cx = Context::new(self.record.send_attempts[active.index].key)
            .with_deadline(ends.into_std())
            .allow_half_open(self.is_the_best_left(active.candidate));
        cx.receipt = self.inner.receipt_target(&**provider, self.record.id, active.store_index);
        cx
    }

    /// Whether its circuit must let this call through as a probe, because the circuits of all
    /// candidates that may follow are open too. A planned call is made even if its circuit opened
    /// since.
    fn is_the_best_left(&self, at: usize) -> bool {
        let better = |other: &Candidate| self.may_follow(other) && !other.is_last_resort();
        self.plan.candidates[at].is_last_resort()
            || !self.plan.candidates[at + 1..].iter().any(better)
    }

    /// Classifies the result of a call and decides the next step.
    pub(super) async fn on_result(
        &mut self,
        active: ActiveAttempt,
        result: Result<Sent, Error>,
    ) -> Ended {
        let candidate = &self.plan.candidates[active.candidate];
        let result = match result {
            Err(error)
                if error.certainty() == Certainty::Unknown
                    && !carried_another_code(&error, candidate) =>
            {
                Box::pin(self.reconcile(active, error)).await
            }
            result => result,
        };
        let error = match result {
            Ok(sent) => return Ended::Sent(active, sent),
            Err(error) => error,
        };
        if error.blame() != Blame::Provider {
            // Stops all retries: another provider would bypass this refusal.
            self.refused.get_or_insert_default().store(true, Ordering::Relaxed);
        }
        let unknown = error.certainty() == Certainty::Unknown;
        self.possible += u32::from(unknown);
        let foreign = carried_another_code(&error, &self.plan.candidates[active.candidate]);
        self.foreign += u32::from(foreign);
        let next = self.next_after(active.candidate);
        let candidate = &self.plan.candidates[active.candidate];
        let situation = Situation {
            another_provider: next.is_some(),
            // All tries at this provider have failed already.
            may_retry: false,
            idempotent: candidate.provider().capabilities().idempotent,
            otpmux_code: candidate.source.is_otpmux(),
            duplicates_left: (self.inner.policy.max_duplicates + 1).saturating_sub(self.possible),
        };
        let step = next_step(&error, &situation);
        tracing::debug!(
            provider = %candidate.provider().id(),
            channel = %self.plan.request.channel,
            kind = error.kind().as_str(),
            certainty = error.certainty().as_str(),
            blame = error.blame().as_str(),
            ?step,
            "attempt failed",
        );
        if foreign {
            let provider = candidate.provider().id();
            tracing::error!(%provider, detail = error.detail(), "another code than ours was sent");
        }
        let state = match error.certainty() {
            _ if foreign => AttemptState::Rejected,
            Certainty::NotSent => AttemptState::NotSent,
            Certainty::Rejected => AttemptState::Rejected,
            Certainty::Unknown => AttemptState::Unknown,
        };
        self.end(active, state, Some(&error), Sent::new());
        Ended::Failed { next: next.filter(|_| step == NextStep::NextProvider), error }
    }

    /// Asks the vendor about a send whose answer was lost, if it finds sends by their key.
    async fn reconcile(&self, active: ActiveAttempt, error: Error) -> Result<Sent, Error> {
        let provider = self.plan.candidates[active.candidate].provider();
        let ends = self.deadline.min(Instant::now() + RECONCILE);
        if ends <= Instant::now() {
            return Err(error);
        }
        let key = self.record.send_attempts[active.index].key;
        let cx = Context::new(key).with_deadline(ends.into_std());
        let target = Target::new(self.plan.request.recipient.clone(), None);
        let status = reconcile::status(&**provider, &cx, &target).await;
        match status.and_then(|status| reconcile::state_of(status.delivery)) {
            Some(AttemptState::Accepted) => Ok(Sent::new()),
            Some(_) => Err(error.with_certainty(Certainty::Rejected)),
            None => Err(error),
        }
    }

    /// The next candidate that may follow. Once a message with otpmux's code may be out, only a
    /// provider that carries the same code may follow: a user must never hold two different codes.
    pub(super) fn next_after(&self, at: usize) -> Option<usize> {
        (at + 1..self.plan.candidates.len())
            .find(|&next| self.may_follow(&self.plan.candidates[next]))
    }

    fn may_follow(&self, candidate: &Candidate) -> bool {
        self.possible == 0 || candidate.source.is_otpmux()
    }

    /// Records the outcomes so far and starts the next send attempt, in one step of the store.
    /// `None` when the limits of all remaining providers are reached.
    pub(super) async fn begin(
        &mut self,
        mut next: usize,
        reason: Choice,
    ) -> Result<Option<ActiveAttempt>, NotBegun> {
        loop {
            self.tell_of_other_codes(next);
            let candidate = &self.plan.candidates[next];
            let reason = if candidate.is_last_resort() { Choice::LastResort } else { reason };
            let (id, entropy) = (self.record.id, &*self.inner.entropy);
            let ends_at = self.record.send_attempts[self.first].ends_at;
            let attempt = self
                .inner
                .new_attempt(id, candidate, reason, &self.plan.request.channel, ends_at, entropy)
                .map_err(NotBegun::Failed)?;
            let health_updates = self.inner.take_updates();
            let limit_hit = candidate.entry.limit_hit.clone();
            let now = self.inner.clock.now();
            let counted =
                limit_hit.as_ref().map(|limit_hit| Refund { key: limit_hit.key, at: now });
            let begin = StartAttempt {
                attempt: attempt.clone(),
                limit_hits: limit_hit.into_iter().collect(),
                ends: self.unrecorded.ends.clone(),
                skips: self.unrecorded.skips.clone(),
                health_updates: health_updates.clone(),
                resend: None,
                escalation: None,
                facts: Inner::event_facts(
                    &self.record,
                    &self.plan.request.channel,
                    candidate.provider().id(),
                ),
            };
            let begun = self.inner.store.start_attempt(self.record.id, begin, now).await;
            if begun.is_ok() {
                self.unrecorded.ends.clear();
                self.unrecorded.skips.clear();
            }
            match begun {
                Ok(AttemptStarted::Started(place)) => {
                    self.record.send_attempts.push(attempt);
                    self.attempt_begun = Instant::now();
                    let index = self.record.send_attempts.len() - 1;
                    return Ok(Some(ActiveAttempt {
                        candidate: next,
                        index,
                        store_index: place,
                        counted,
                    }));
                }
                Ok(AttemptStarted::LimitExceeded(_)) => {
                    self.pass_over(next, SkipReason::Limit);
                    match self.next_after(next) {
                        Some(after) => next = after,
                        None => return Ok(None),
                    }
                }
                // Cancelled, superseded or expired meanwhile: this code is no longer wanted.
                Ok(_) => return Err(NotBegun::Over),
                Err(error) => {
                    self.inner.providers.requeue(health_updates);
                    if error.certainty() != Certainty::NotSent {
                        let attempt = SendAttempt { failure: Some(error.kind()), ..attempt };
                        if let Some(lost) = self.unrecorded.lost.replace(Lost::SendAttempt(attempt))
                        {
                            let lost = Some(lost);
                            self.record_later(RecordOutcome {
                                close: true,
                                lost,
                                ..RecordOutcome::default()
                            });
                        }
                    }
                    return Err(NotBegun::Failed(error));
                }
            }
        }
    }

    /// Records as skipped the providers that would send another code.
    fn tell_of_other_codes(&mut self, next: usize) {
        let mut before = next;
        while before > 0 && self.possible > 0 {
            before -= 1;
            let candidate = &self.plan.candidates[before];
            let id = candidate.provider().id();
            let tried = self.record.send_attempts.iter().any(|attempt| attempt.provider == *id);
            if tried || candidate.source.is_otpmux() {
                break;
            }
            self.pass_over(before, SkipReason::OtherCode);
        }
    }

    fn pass_over(&mut self, at: usize, reason: SkipReason) {
        let skip =
            skip(self.plan.candidates[at].provider(), self.record.send_attempts.len(), reason);
        self.record.skips.push(skip.clone());
        self.unrecorded.skips.push(skip);
    }
}

/// Whether the vendor has certainly sent a message, but with another code than otpmux's.
fn carried_another_code(error: &Error, candidate: &Candidate) -> bool {
    error.kind() == ErrorKind::Configuration
        && error.certainty() == Certainty::Unknown
        && candidate.source.is_otpmux()
}
