//! The outcomes of a send: what is recorded of them, and when.

use otpmux_core::{Certainty, Error, ErrorKind, Sent};

use super::{ActiveAttempt, Dispatch, Unrecorded};
use crate::client::Verification;
use crate::client::inner::Inner;
use crate::client::rates::Event;
use crate::store::record::AttemptState;
use crate::{AcceptedAttempt, AttemptEnd, HealthUpdate, RecordOutcome, Unconfirmed, VendorTerms};

impl Dispatch<'_> {
    /// Takes down the end of a send attempt, for the next write.
    pub(in crate::client::send) fn end(
        &mut self,
        active: ActiveAttempt,
        state: AttemptState,
        error: Option<&Error>,
        sent: Sent,
    ) {
        let failure = error.map(Error::kind);
        let vendor = self.terms(active, &sent);
        let candidate = self.plan.candidates[active.candidate].provider();
        let found_by = match sent.receipt_reference.as_ref().or(sent.reference.as_ref()) {
            Some(reference) if candidate.capabilities().receipts_by_reference => {
                Some(self.inner.keys.reference_tag(candidate.id(), reference.as_str()))
            }
            _ => None,
        };
        if state == AttemptState::Accepted {
            self.inner.rates.count(candidate.id(), Event::Accepted, self.inner.clock.now());
        }
        let keep =
            |it| self.inner.keys.keep_reference(self.record.id, &self.plan.request.recipient, it);
        let reference = sent.reference.and_then(keep);
        let attempt = &mut self.record.send_attempts[active.index];
        (attempt.state, attempt.failure) = (state, failure);
        if state == AttemptState::NotSent {
            self.unrecorded.refunds.extend(active.counted);
        }
        if vendor.is_some() {
            attempt.vendor.clone_from(&vendor);
        }
        self.unrecorded.ends.push(AttemptEnd {
            attempt: active.store_index,
            state,
            failure,
            reference,
            vendor,
            found_by,
        });
    }

    /// What the vendor reports about its own code, merged with what was known before. An expiry in
    /// the past is ignored: it comes from a wrong clock.
    fn terms(&self, active: ActiveAttempt, sent: &Sent) -> Option<Box<VendorTerms>> {
        let mut terms = self.plan.candidates[active.candidate].source.terms()?;
        let expires_at = sent.expires_at.filter(|at| *at > self.inner.clock.now());
        if expires_at.is_none() && sent.guesses_left.is_none() {
            return None;
        }
        terms.expires_at = expires_at.or(terms.expires_at);
        let most = sent.guesses_left.map(|left| self.record.guesses.saturating_add(left));
        terms.max_guesses = most.or(terms.max_guesses);
        Some(terms)
    }

    pub(super) async fn accepted(
        &mut self,
        active: ActiveAttempt,
        sent: Sent,
    ) -> Result<Verification, Error> {
        self.possible += 1;
        self.end(active, AttemptState::Accepted, None, sent);
        let health_updates = self.inner.take_updates();
        if health_updates.is_empty()
            && let Some(accepted) = self.may_wait()
        {
            self.inner.accepted.record_soon(accepted, self.record.kept_until());
            let now = self.inner.clock.now();
            return Ok(Verification::of(&self.record, &self.plan.request.recipient, now));
        }
        self.write(false, health_updates).await
    }

    /// Returns the outcome of this send if it may be recorded later, and takes it: the only send
    /// attempt of a verification was accepted, nothing else is to be recorded, and nothing that
    /// comes next needs it.
    fn may_wait(&mut self) -> Option<AcceptedAttempt> {
        let Unrecorded { ends, skips, refunds, lost } = &mut self.unrecorded;
        let (true, [end], [attempt]) =
            (self.inner.accepted.defers(), &mut ends[..], &self.record.send_attempts[..])
        else {
            return None;
        };
        let provider = self.inner.providers.get(&attempt.provider)?;
        // A report to the vendor needs its reference.
        let needed = !attempt.otpmux_code
            || end.vendor.is_some()
            || end.found_by.is_some()
            || provider.capabilities().report;
        if needed || !(skips.is_empty() && refunds.is_empty() && lost.is_none()) {
            return None;
        }
        let reference = end.reference.take();
        let accepted = AcceptedAttempt { id: self.record.id, attempt: end.attempt, reference };
        ends.clear();
        Some(accepted)
    }

    pub(super) async fn give_up(&mut self, error: Error) -> Result<Verification, Error> {
        // Closes the record only if nothing was sent: after a failed resend, the earlier messages
        // and their code stay valid.
        let nothing_out = self.possible == self.foreign;
        let written = self.write(true, self.inner.take_updates()).await;
        let error = match self.certainty() {
            Certainty::Unknown => error.with_certainty(Certainty::Unknown),
            _ => error,
        };
        if nothing_out { written.and(Err(error)) } else { written }
    }

    pub(super) async fn write(
        &mut self,
        close: bool,
        health_updates: Vec<HealthUpdate>,
    ) -> Result<Verification, Error> {
        let now = self.inner.clock.now();
        let record_outcome = self.settlement(close);
        let told =
            RecordOutcome { health_updates: health_updates.clone(), ..record_outcome.clone() };
        match self.inner.store.record_outcome(self.record.id, told, now).await {
            // It may have been cancelled, superseded or used while the call was under way.
            Ok(state) => {
                self.record.state = state;
                self.inner.events.wake();
            }
            Err(error) => {
                self.inner.providers.requeue(health_updates);
                self.record_later(record_outcome);
                return Err(error.with_certainty(self.certainty()));
            }
        }
        Ok(Verification::of(&self.record, &self.plan.request.recipient, now))
    }

    /// Takes the outcomes that are not in the store yet, without health updates.
    pub(super) fn settlement(&mut self, close: bool) -> RecordOutcome {
        let Unrecorded { ends, skips, mut refunds, lost } = std::mem::take(&mut self.unrecorded);
        if self.possible == 0 {
            refunds.extend(self.counted.take_message());
        }
        let unconfirmed = if close { self.unconfirmed(&ends) } else { None };
        RecordOutcome { ends, skips, close, refunds, lost, health_updates: Vec::new(), unconfirmed }
    }

    /// Whether this send ends without a confirmation of a message that may have been sent.
    fn unconfirmed(&self, ends: &[AttemptEnd]) -> Option<Unconfirmed> {
        if self.possible == self.foreign {
            return None;
        }
        let last = self.record.send_attempts.len() - 1;
        let place = ends.last().map_or(last, |end| end.attempt);
        let reason = self.record.send_attempts[last].failure.unwrap_or(ErrorKind::Timeout);
        Inner::unconfirmed(&self.record, place, reason)
    }

    /// Queues an outcome for the store, so that the record does not look like that of a process
    /// that died.
    pub(super) fn record_later(&self, record_outcome: RecordOutcome) {
        let until = self.record.kept_until();
        self.inner.outcomes.tell(self.record.id, record_outcome, until);
    }

    /// The certainty of this send as a whole.
    pub(super) fn certainty(&self) -> Certainty {
        if self.possible > 0 { Certainty::Unknown } else { Certainty::NotSent }
    }
}
