use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Code, Context, Delivery, Error, ErrorKind, NextStep, ResendRequest,
    SendRequest, Sent, Situation, Target, next_step,
};
use tokio::time::Instant;

use super::limits::Counted;
use super::line::Line;
use super::plan::{Candidate, Plan, Source, skip};
use super::standing::StillPending;
use super::{Inner, Verification, gone, metrics};
use crate::record::{AttemptState, Record};
use crate::{
    AttemptEnd, AttemptStarted, Choice, Lost, RETENTION, RecordOutcome, Refund, SendAttempt, Skip,
    SkipReason, StartAttempt, VendorTerms,
};

/// How long a vendor may take to tell what became of a send whose answer was lost.
const RECONCILE: Duration = Duration::from_secs(2);

/// One send or resend on its way through its candidates.
///
/// Invariant: every call was written down as a send attempt before it was made. `possible` counts the
/// messages of this send that may have gone out; together with the calls under way it never exceeds
/// one more than the duplicates that the policy allows.
pub(super) struct Dispatch<'a> {
    inner: &'a Arc<Inner>,
    /// The record as it was written down, with the send attempts of this send as they went on.
    record: Record,
    request: SendRequest,
    route: usize,
    candidates: Vec<Candidate>,
    /// The place of its first send attempt in `record`.
    first: usize,
    code: Option<Code>,
    begun: Instant,
    deadline: Instant,
    /// When its newest send attempt was begun.
    attempt_begun: Instant,
    /// Where the message and its first send attempt were counted.
    counted: Counted,
    possible: u32,
    /// How many of those certainly carry a code that is not ours and that nobody can verify.
    foreign: u32,
    standing: Arc<StillPending>,
    /// What the store is not told yet.
    untold: Untold,
}

#[derive(Default)]
struct Untold {
    ends: Vec<AttemptEnd>,
    skips: Vec<Skip>,
    /// Of calls that never reached their providers.
    refunds: Vec<Refund>,
    /// The beginning of a send attempt, whose answer was lost.
    lost: Option<Lost>,
}

/// A send attempt that is written down and not recorded.
#[derive(Clone, Copy)]
struct Flight {
    /// Its candidate.
    at: usize,
    /// Its place in this send's record.
    here: usize,
    /// Its place in the store's record, which other sends may have grown meanwhile.
    place: usize,
    /// Where its provider has counted it.
    counted: Option<Refund>,
}

/// How a send attempt ended, or two that flew side by side.
enum Ended {
    Sent(Flight, Sent),
    Failed { error: Error, next: Option<usize> },
}

/// Why there is no further send attempt.
enum NotBegun {
    /// The verification is.
    Over,
    Failed(Error),
}

type Call = Pin<Box<dyn Future<Output = Result<Sent, Error>> + Send>>;

impl<'a> Dispatch<'a> {
    /// For a record whose last send attempt is written down, and not yet called; it is the first candidate's.
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        record: Record,
        plan: Plan,
        code: Option<Code>,
        counted: Counted,
        deadline: Instant,
    ) -> Self {
        let begun = Instant::now();
        let Plan { request, route, candidates, .. } = plan;
        let first = record.send_attempts.len() - 1;
        let standing = Arc::new(StillPending::new(Arc::clone(inner), record.id));
        let untold = Untold::default();
        let (possible, foreign) = (0, 0);
        Self {
            inner,
            record,
            request,
            route,
            candidates,
            first,
            code,
            begun,
            deadline,
            attempt_begun: begun,
            counted,
            possible,
            foreign,
            standing,
            untold,
        }
    }

    /// `place` is that of the first send attempt in the store's record.
    pub(super) async fn run(mut self, place: usize) -> Result<Verification, Error> {
        let result = self.go_through(place).await;
        metrics::sent(self.begun, &self.request.recipient, &self.request.channel, &result);
        let line = Line {
            id: self.record.id,
            route: self.route,
            send_attempts: &self.record.send_attempts[self.first..],
            again: self.first > 0,
            channel: &self.request.channel,
            begun: self.begun,
        };
        line.write(&result);
        result
    }

    async fn go_through(&mut self, place: usize) -> Result<Verification, Error> {
        let (here, counted) = (self.record.send_attempts.len() - 1, self.counted.provider);
        let mut flight = Flight { at: 0, here, place, counted };
        loop {
            let ended = match self.hedge(flight) {
                Some((after, next)) => self.fly_hedged(flight, after, next).await,
                None => self.fly(flight).await,
            };
            let (error, next) = match ended {
                Ended::Sent(flight, sent) => return self.accepted(flight, sent).await,
                Ended::Failed { error, next } => (error, next),
            };
            let begun = match next {
                Some(next) => self.begin(next, Choice::Failover).await,
                None => Ok(None),
            };
            match begun {
                Ok(Some(next)) => flight = next,
                Ok(None) => return self.give_up(error).await,
                Err(NotBegun::Over) => {
                    self.write(true).await?;
                    return Err(gone().with_certainty(self.certainty()));
                }
                Err(NotBegun::Failed(error)) => {
                    let record_outcome = self.settlement(true);
                    self.tell_late(record_outcome);
                    return Err(error.with_certainty(self.certainty()));
                }
            }
        }
    }

    async fn fly(&mut self, flight: Flight) -> Ended {
        let candidate = &self.candidates[flight.at];
        candidate.fit(&mut self.request, self.code.as_ref());
        let result = call(candidate, &self.context(flight), &self.request).await;
        self.landed(flight, result).await
    }

    /// When to ask whom beside this send attempt, if that is allowed: both carry otpmux's code, and a
    /// duplicate is left.
    fn hedge(&self, flight: Flight) -> Option<(Duration, usize)> {
        let after = self.inner.policy.hedge_after?;
        let room = self.possible < self.inner.policy.max_duplicates;
        let next = self.next_after(flight.at)?;
        let both = [flight.at, next].map(|at| &self.candidates[at]);
        let fit = |it: &&Candidate| it.source.is_otpmux() && !it.is_last_resort();
        (room && both.iter().all(fit)).then_some((after, next))
    }

    async fn fly_hedged(&mut self, flight: Flight, after: Duration, next: usize) -> Ended {
        let mut first = self.launch(flight);
        tokio::select! {
            biased;
            result = &mut first => return self.landed(flight, result).await,
            () = tokio::time::sleep(after) => {}
        }
        // Whoever cannot be begun now, or is no longer wanted, is no reason to give up the first.
        let Ok(Some(beside)) = self.begin(next, Choice::Hedge).await else {
            let result = first.await;
            return self.landed(flight, result).await;
        };
        let mut second = self.launch(beside);
        let (landed, result, other, left) = tokio::select! {
            biased;
            result = &mut first => (flight, result, beside, second),
            result = &mut second => (beside, result, flight, first),
        };
        let error = match result {
            Ok(sent) => {
                // Dropped in mid-air: its message may go out all the same.
                drop(left);
                self.possible += 1;
                self.end(other, AttemptState::Unknown, None, Sent::new());
                return Ended::Sent(landed, sent);
            }
            Err(error) => error,
        };
        // While the other is under way it counts as sent.
        self.possible += 1;
        let ended = self.landed(landed, Err(error)).await;
        self.possible -= 1;
        let stopped = match ended {
            Ended::Failed { error, .. } if error.blame() != Blame::Provider => Some(error),
            Ended::Failed { .. } => None,
            Ended::Sent(..) => return ended,
        };
        match (self.landed(other, left.await).await, stopped) {
            (Ended::Failed { .. }, Some(error)) => Ended::Failed { error, next: None },
            (Ended::Failed { error, next }, None) => {
                let last = flight.at.max(beside.at);
                let next = next.and_then(|_| self.next_after(last));
                Ended::Failed { error, next }
            }
            (sent, _) => sent,
        }
    }

    fn launch(&self, flight: Flight) -> Call {
        let candidate = &self.candidates[flight.at];
        let mut request = self.request.clone();
        candidate.fit(&mut request, self.code.as_ref());
        let (provider, cx) = (Arc::clone(candidate.provider()), self.context(flight));
        Box::pin(async move { provider.send(&cx, &request).await })
    }

    /// What the call is given: a share of the time for each candidate that is left, since one that
    /// hangs must not use it up.
    fn context(&self, flight: Flight) -> Context {
        let shares = u32::try_from(self.candidates.len() - flight.at).unwrap_or(u32::MAX);
        let left = self.deadline.saturating_duration_since(self.attempt_begun);
        let ends = self.attempt_begun + left / shares;
        let standing: Arc<StillPending> = Arc::clone(&self.standing);
        Context::new(self.record.send_attempts[flight.here].key)
            .with_deadline(ends.into_std())
            .only_candidate(self.next_after(flight.at).is_none())
            .allow_half_open(self.is_the_best_left(flight.at))
            .with_cancel_check(standing)
    }

    /// Whether its breaker must let this call through, as nobody better is left: all who may follow
    /// are being left alone, too. What is planned is called, though its health was learnt meanwhile.
    fn is_the_best_left(&self, at: usize) -> bool {
        let better = |other: &Candidate| self.may_follow(other) && !other.is_last_resort();
        self.candidates[at].is_last_resort() || !self.candidates[at + 1..].iter().any(better)
    }

    /// Thinks about what a call came to.
    async fn landed(&mut self, flight: Flight, result: Result<Sent, Error>) -> Ended {
        let result = self.reconcile(flight, result).await;
        let error = match result {
            Ok(sent) => return Ended::Sent(flight, sent),
            Err(error) => error,
        };
        if error.blame() != Blame::Provider {
            self.standing.refuse();
        }
        let unknown = error.certainty() == Certainty::Unknown;
        self.possible += u32::from(unknown);
        let foreign = carried_another_code(&error, &self.candidates[flight.at]);
        self.foreign += u32::from(foreign);
        let next = self.next_after(flight.at);
        let candidate = &self.candidates[flight.at];
        let situation = Situation {
            another_provider: next.is_some(),
            // Around the adapter, that has been done.
            may_retry: false,
            idempotent: candidate.provider().capabilities().idempotent,
            otpmux_code_code: candidate.source.is_otpmux(),
            duplicates_left: (self.inner.policy.max_duplicates + 1).saturating_sub(self.possible),
        };
        let step = next_step(&error, &situation);
        tracing::debug!(
            provider = %candidate.provider().id(),
            channel = %self.request.channel,
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
        self.end(flight, state, Some(&error), Sent::new());
        Ended::Failed { next: next.filter(|_| step == NextStep::NextProvider), error }
    }

    /// Asks the vendor what became of a send whose answer was lost, where it finds it by our key.
    async fn reconcile(&self, flight: Flight, result: Result<Sent, Error>) -> Result<Sent, Error> {
        let error = match result {
            Err(error)
                if error.certainty() == Certainty::Unknown
                    && !carried_another_code(&error, &self.candidates[flight.at]) =>
            {
                error
            }
            result => return result,
        };
        let provider = self.candidates[flight.at].provider();
        let capabilities = provider.capabilities();
        let ends = self.deadline.min(Instant::now() + RECONCILE);
        if !(capabilities.status && capabilities.status_by_key) || ends <= Instant::now() {
            return Err(error);
        }
        let cx =
            Context::new(self.record.send_attempts[flight.here].key).with_deadline(ends.into_std());
        let target = Target::new(self.request.recipient.clone(), None);
        match provider.status(&cx, &target).await.map(|status| status.delivery) {
            Ok(Delivery::Accepted | Delivery::Sent | Delivery::Delivered) => Ok(Sent::new()),
            Ok(Delivery::Failed | Delivery::Expired) => {
                Err(error.with_certainty(Certainty::Rejected))
            }
            Ok(_) | Err(_) => Err(error),
        }
    }

    /// The next candidate that may follow. Once a message with otpmux's code may be out, only
    /// who carries the same one: the user must never hold two different codes.
    fn next_after(&self, at: usize) -> Option<usize> {
        (at + 1..self.candidates.len()).find(|&next| self.may_follow(&self.candidates[next]))
    }

    fn may_follow(&self, candidate: &Candidate) -> bool {
        self.possible == 0 || candidate.source.is_otpmux()
    }

    fn end(&mut self, flight: Flight, state: AttemptState, error: Option<&Error>, sent: Sent) {
        let failure = error.map(Error::kind);
        let vendor = self.terms(flight, &sent);
        let keep = |it| self.inner.keys.keep_reference(self.record.id, &self.request.recipient, it);
        let reference = sent.reference.and_then(keep);
        let attempt = &mut self.record.send_attempts[flight.here];
        (attempt.state, attempt.failure) = (state, failure);
        if state == AttemptState::NotSent {
            self.untold.refunds.extend(flight.counted);
        }
        if vendor.is_some() {
            attempt.vendor.clone_from(&vendor);
        }
        self.untold.ends.push(AttemptEnd {
            attempt: flight.place,
            state,
            failure,
            reference,
            vendor,
        });
    }

    /// What a vendor says of its own code, if anything, with what was known of it before. An expiry
    /// that is over tells of a clock, not of the code.
    fn terms(&self, flight: Flight, sent: &Sent) -> Option<Box<VendorTerms>> {
        let mut terms = self.candidates[flight.at].source.terms()?;
        let expires_at = sent.expires_at.filter(|at| *at > self.inner.clock.now());
        if expires_at.is_none() && sent.guesses_left.is_none() {
            return None;
        }
        terms.expires_at = expires_at.or(terms.expires_at);
        let most = sent.guesses_left.map(|left| self.record.guesses.saturating_add(left));
        terms.max_guesses = most.or(terms.max_guesses);
        Some(terms)
    }

    /// Settles what has ended and writes down the next send attempt, in one step of the store; `None` when
    /// all who are left have had as many messages as they may.
    async fn begin(&mut self, mut next: usize, reason: Choice) -> Result<Option<Flight>, NotBegun> {
        loop {
            self.tell_of_other_codes(next);
            let candidate = &self.candidates[next];
            let reason = if candidate.is_last_resort() { Choice::LastResort } else { reason };
            let (id, entropy) = (self.record.id, &*self.inner.entropy);
            let ends_at = self.record.send_attempts[self.first].ends_at;
            let attempt = self
                .inner
                .new_attempt(id, candidate, reason, &self.request.channel, ends_at, entropy)
                .map_err(NotBegun::Failed)?;
            let health_updates = self.inner.members.health_updates();
            let limit_hit = candidate.member.limit_hit.clone();
            let now = self.inner.clock.now();
            let counted =
                limit_hit.as_ref().map(|limit_hit| Refund { key: limit_hit.key, at: now });
            let begin = StartAttempt {
                attempt: attempt.clone(),
                limit_hits: limit_hit.into_iter().collect(),
                ends: self.untold.ends.clone(),
                skips: self.untold.skips.clone(),
                health_updates: health_updates.clone(),
                resend: None,
            };
            let begun = self.inner.store.start_attempt(self.record.id, begin, now).await;
            if begun.is_ok() {
                self.untold.ends.clear();
                self.untold.skips.clear();
            }
            match begun {
                Ok(AttemptStarted::Started(place)) => {
                    self.record.send_attempts.push(attempt);
                    self.attempt_begun = Instant::now();
                    let here = self.record.send_attempts.len() - 1;
                    return Ok(Some(Flight { at: next, here, place, counted }));
                }
                Ok(AttemptStarted::LimitExceeded(_)) => {
                    self.pass_over(next, SkipReason::Limit);
                    match self.next_after(next) {
                        Some(after) => next = after,
                        None => return Ok(None),
                    }
                }
                // Cancelled, superseded or expired meanwhile: nobody waits for this code any more.
                Ok(_) => return Err(NotBegun::Over),
                Err(error) => {
                    self.inner.members.take_back(health_updates);
                    if error.certainty() != Certainty::NotSent {
                        let attempt = SendAttempt { failure: Some(error.kind()), ..attempt };
                        if let Some(lost) = self.untold.lost.replace(Lost::SendAttempt(attempt)) {
                            let lost = Some(lost);
                            self.tell_late(RecordOutcome {
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

    /// Notes who was passed over on the way to a candidate: those who would send another code.
    fn tell_of_other_codes(&mut self, next: usize) {
        let mut before = next;
        while before > 0 && self.possible > 0 {
            before -= 1;
            let candidate = &self.candidates[before];
            let id = candidate.provider().id();
            let tried = self.record.send_attempts.iter().any(|attempt| attempt.provider == *id);
            if tried || candidate.source.is_otpmux() {
                break;
            }
            self.pass_over(before, SkipReason::OtherCode);
        }
    }

    fn pass_over(&mut self, at: usize, reason: SkipReason) {
        let skip = skip(self.candidates[at].provider(), self.record.send_attempts.len(), reason);
        self.record.skips.push(skip.clone());
        self.untold.skips.push(skip);
    }

    async fn accepted(&mut self, flight: Flight, sent: Sent) -> Result<Verification, Error> {
        self.possible += 1;
        self.end(flight, AttemptState::Accepted, None, sent);
        self.write(false).await
    }

    async fn give_up(&mut self, error: Error) -> Result<Verification, Error> {
        // Closes only what has sent nothing: a resend that fails leaves the earlier messages and
        // their code as good as they were.
        let nothing_out = self.possible == self.foreign;
        let written = self.write(true).await;
        let error = match self.certainty() {
            Certainty::Unknown => error.with_certainty(Certainty::Unknown),
            _ => error,
        };
        if nothing_out { written.and(Err(error)) } else { written }
    }

    async fn write(&mut self, close: bool) -> Result<Verification, Error> {
        let now = self.inner.clock.now();
        let record_outcome = self.settlement(close);
        let health_updates = self.inner.members.health_updates();
        let told =
            RecordOutcome { health_updates: health_updates.clone(), ..record_outcome.clone() };
        match self.inner.store.record_outcome(self.record.id, told, now).await {
            // It may have been cancelled, superseded or used while the call was under way.
            Ok(state) => self.record.state = state,
            Err(error) => {
                self.inner.members.take_back(health_updates);
                self.tell_late(record_outcome);
                return Err(error.with_certainty(self.certainty()));
            }
        }
        Ok(Verification::of(&self.record, &self.request.recipient, now))
    }

    /// How it has ended, without what is health updates of providers.
    fn settlement(&mut self, close: bool) -> RecordOutcome {
        let Untold { ends, skips, mut refunds, lost } = std::mem::take(&mut self.untold);
        if self.possible == 0 {
            refunds.append(&mut self.counted.message);
        }
        RecordOutcome { ends, skips, close, refunds, lost, health_updates: Vec::new() }
    }

    /// Has the store told once it can be: what is known must not look like a process that died.
    fn tell_late(&self, record_outcome: RecordOutcome) {
        let until = self.record.expires_at + RETENTION;
        self.inner.late.tell(self.record.id, record_outcome, until);
    }

    /// What is known of this send as a whole.
    fn certainty(&self) -> Certainty {
        if self.possible > 0 { Certainty::Unknown } else { Certainty::NotSent }
    }
}

/// Whether the vendor has certainly sent, but not otpmux's code.
fn carried_another_code(error: &Error, candidate: &Candidate) -> bool {
    error.kind() == ErrorKind::Configuration
        && error.certainty() == Certainty::Unknown
        && candidate.source.is_otpmux()
}

async fn call(candidate: &Candidate, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
    let provider = candidate.provider();
    match &candidate.source {
        Source::Otpmux | Source::Vendor { .. } => provider.send(cx, request).await,
        Source::Again { target, .. } => {
            let mut again = ResendRequest::new(target.clone());
            again.channel = Some(request.channel.clone());
            provider.resend(cx, &again).await
        }
    }
}
