//! Sending a code: plan, record, call provider after provider, record the outcome.

pub(super) mod accepted_queue;
mod candidate;
pub(super) mod dispatch;
mod entropy_buffer;
pub(super) mod further;
mod hedge;
pub(super) mod idempotency;
pub(super) mod limits;
mod log_line;
pub(super) mod outcome_queue;
pub(super) mod plan;
mod repeat;
mod resend;
pub(super) mod retry;
mod retry_budget;
mod still_pending;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{Blame, Certainty, Code, Entropy, EntropyError, Error, ErrorKind};

use crate::client::due::step_at;
use crate::client::inner::{Inner, invalid, no_entropy};
use crate::client::payload::{Asked, NewPayload, Terms};
use crate::client::{NewVerification, SendOptions, Verification};
use crate::{
    AttemptEnd, AttemptState, Create, Created, DeliveryId, EscalationStep, LimitScope, Lost,
    Record, RecordOutcome, State, VerificationId,
};
use dispatch::Dispatch;
use entropy_buffer::EntropyBuffer;
use idempotency::key_reused;
use limits::{Counted, limited};
use plan::Plan;

impl Inner {
    /// Plans, stores the record with its first send attempt, and starts [`Dispatch`].
    /// `given` is a code that the caller made: then this is a delivery, and no guess ever finds it.
    pub(in crate::client) async fn send(
        self: &Arc<Self>,
        mut new: Box<NewVerification>,
        given: Option<Code>,
    ) -> Result<Verification, Error> {
        let (now, deadline) = (self.clock.now(), self.deadline());
        let ends_at = now + self.policy.deadline;
        let entropy = EntropyBuffer::fetch(&*self.entropy).map_err(no_entropy)?;
        let (terms, delivers) = (Terms::take(&mut new), given.is_some());
        let in_flight = new.options.in_flight;
        let repeat = if delivers { None } else { self.repeats(&new, terms.name.as_deref()) };
        check_metadata(&terms.metadata)?;
        self.check_steps(&terms.steps)?;
        let code = given.map_or_else(|| self.new_code(&new, &entropy), Ok)?;
        let mut plan = self.plan_send(new, &code, delivers, &entropy, now)?;
        self.ensure_same_keys().await?;
        // The store's time, which is known from here on.
        let now = self.clock.now();
        let id = new_id(delivers, &entropy).map_err(no_entropy)?;
        let candidates = &plan.candidates;
        let ours = candidates.iter().any(|c| c.source.is_otpmux()).then_some(&code);
        let wished = candidates.iter().find_map(|c| c.source.requested_length());
        let tag = terms.name.as_deref().map(|name| {
            let (request, wording) = (&plan.request, &plan.wording);
            let given = delivers.then_some(&code);
            self.idempotency_record(name, &Asked { request, wording, given, terms: &terms })
        });
        let payload = NewPayload::of(&plan.request, &plan.wording, &terms, ours, wished);
        let sealed = payload.seal(id, &self.keys, &entropy).map_err(no_entropy)?;
        let request = &plan.request;
        let ttl = request.ttl.unwrap_or(self.policy.ttl);
        let due_at = self.first_due_at(&plan, &terms.steps, now, ttl);
        let due_at = due_at.filter(|_| terms.escalate && !delivers);
        let external = terms
            .external_id
            .as_ref()
            .map_or_else(Vec::new, |id| self.keys.external_tags(id, &request.purpose));
        let mut record = Box::new(Record {
            id,
            recipient: self.keys.hash(&request.recipient),
            purpose: request.purpose.clone(),
            external: external.first().copied(),
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: plan.code_length(&code),
            expires_at: now + ttl,
            guesses: 0,
            max_guesses: self.policy.max_guesses,
            resends: 0,
            resend_after: now + self.policy.resend_delay,
            due_at,
            due_after_end: None,
            escalations: 0,
            sealed,
            send_attempts: Vec::new(),
            skips: Vec::new(),
            request: tag.map(Box::new),
            events: None,
        });
        self.add_events(&mut record, request, &terms.metadata);
        // No guess is checked against the code of a delivery.
        record.code = ours.filter(|_| !delivers).map(|code| self.keys.sign(&record, code));
        let counted = loop {
            self.set_first_attempt(&mut record, &plan, ends_at, &entropy)?;
            let limit_hits = plan.limit_hits(&self.limit_hits, &record.recipient, &self.keys);
            let counted = Counted::by(&limit_hits, now);
            let create = Create {
                record: (*record).clone(),
                external: external.clone(),
                limit_hits,
                repeat: repeat.is_some(),
            };
            let created = self.store.create(create, now).await;
            match created.map_err(|error| self.give_up_creation(&record, &counted, error))? {
                Created::New(updates) => {
                    self.providers.apply(&updates, now);
                    self.events.wake();
                    break counted;
                }
                Created::Replayed(before) => return self.replay(*before, in_flight).await,
                Created::KeyReused => return Err(key_reused()),
                Created::Live(live) => {
                    // Boxed: few sends are repeats, and all would be as large.
                    let again = Box::pin(self.repeat(live, repeat.as_deref(), deadline));
                    if let Some(sent) = again.await? {
                        return Ok(sent);
                    }
                }
                Created::ExternalIdTaken => return Err(external_id_taken()),
                Created::GivenUp => return Err(given_up()),
                Created::LimitExceeded(limit) => {
                    let another = limit.scope == LimitScope::Provider && plan.pass_over_first(0);
                    if !another {
                        self.report_blocked(&plan.request, &record.recipient, &limit);
                        return Err(limited(&limit));
                    }
                }
            }
        };
        Dispatch::new(self, record, plan, Some(code), counted, deadline).run(0).await
    }
}

impl Inner {
    /// Begins a new record with the send attempt at the first candidate.
    fn set_first_attempt(
        &self,
        record: &mut Record,
        plan: &Plan,
        ends_at: SystemTime,
        entropy: &dyn Entropy,
    ) -> Result<(), Error> {
        let (first, channel) = (&plan.candidates[0], &plan.request.channel);
        let attempt =
            self.new_attempt(record.id, first, first.reason, channel, ends_at, entropy)?;
        record.send_attempts = vec![attempt];
        record.skips.clone_from(&plan.skips);
        let facts = Self::event_facts(record, channel, first.provider().id());
        if let (Some(events), Some(facts)) = (&mut record.events, facts) {
            events.facts = facts;
        }
        Ok(())
    }
}

fn external_id_taken() -> Error {
    Error::new(ErrorKind::Conflict, Certainty::NotSent, Blame::Caller).with_detail(
        "the external id names an earlier verification that is still known; verify or resend that \
         one, or send with a new external id",
    )
}

fn new_id(delivers: bool, entropy: &dyn Entropy) -> Result<VerificationId, EntropyError> {
    if delivers {
        DeliveryId::generate(entropy).map(DeliveryId::record_id)
    } else {
        VerificationId::generate(entropy)
    }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal)
        .with_detail("the store has carried it out too late, and nothing of it; ask again")
}

pub(in crate::client) fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    if SendOptions::metadata_fits(metadata) {
        return Ok(());
    }
    Err(invalid(
        "metadata holds at most 16 entries, with keys of 1 to 40 characters and values of at most \
         200",
    ))
}

impl Inner {
    /// When the first step of escalation is due; no message is sent to a test recipient.
    fn first_due_at(
        &self,
        plan: &Plan,
        steps: &[EscalationStep],
        now: SystemTime,
        ttl: Duration,
    ) -> Option<SystemTime> {
        let of_route = &self.routes.as_slice()[plan.route].escalate;
        let steps = if steps.is_empty() { of_route } else { steps };
        if plan.is_test() { None } else { step_at(steps, 0, now, now + ttl) }
    }

    /// Checks a request's own steps of escalation.
    fn check_steps(&self, steps: &[EscalationStep]) -> Result<(), Error> {
        if steps.is_empty() {
            return Ok(());
        }
        if !self.request_steps {
            return Err(invalid("this service takes no steps of escalation in requests"));
        }
        EscalationStep::check_all(steps).map_err(invalid)
    }

    /// After a creation that returned an error: no message was sent, so a record that was written,
    /// or is written later, must say so.
    fn give_up_creation(&self, record: &Record, counted: &Counted, error: Error) -> Error {
        if error.certainty() == Certainty::NotSent {
            return error;
        }
        let until = record.kept_until();
        let end = AttemptEnd {
            attempt: 0,
            state: AttemptState::NotSent,
            failure: Some(error.kind()),
            reference: None,
            vendor: None,
            found_by: None,
        };
        let record_outcome = RecordOutcome {
            ends: vec![end],
            close: true,
            refunds: counted.all(),
            lost: Some(Lost::Creation(until)),
            ..RecordOutcome::default()
        };
        self.outcomes.tell(record.id, record_outcome, until);
        error.with_certainty(Certainty::NotSent)
    }

    pub(in crate::client) fn new_code(
        &self,
        new: &NewVerification,
        entropy: &dyn Entropy,
    ) -> Result<Code, Error> {
        let length = new.code_length.unwrap_or(self.policy.code_length);
        self.policy.check_code_length(length).map_err(invalid)?;
        Code::generate(length, entropy).map_err(|_| no_entropy(EntropyError::new()))
    }
}
