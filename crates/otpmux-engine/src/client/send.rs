use std::collections::BTreeMap;

use otpmux_core::{Blame, Certainty, Code, Entropy, EntropyError, Error, ErrorKind};

use super::before::key_reused;
use super::dispatch::Dispatch;
use super::kept::Kept;
use super::limits::{Counted, limited};
use super::pool::Pool;
use super::{Inner, NewVerification, OtpClient, Verification, invalid, no_entropy};
use crate::{
    AttemptEnd, AttemptState, Create, Created, LimitScope, Lost, RETENTION, Record, RecordOutcome,
    State, VerificationId,
};

impl OtpClient {
    /// Sends a code, by the first provider that takes it, and by further ones where
    /// [`next_step`](otpmux_core::next_step) allows.
    ///
    /// Answers once it is known that a message went out ([`confirmed`](Verification::confirmed)), or
    /// that one may have gone out and no other must follow. Either way the code can be typed. An older
    /// verification of the same recipient and purpose is over then. One that failed leaves the code
    /// that the user holds as good as it was.
    ///
    /// # Errors
    ///
    /// Nothing went out for this verification, and no code is good for it. Not sent: no provider
    /// could take the request (invalid, unsupported, no route), or the store is out of reach.
    /// Refused or not sent: the last provider's own error. An error with certainty unknown is the
    /// exception: a message may have gone out, but it could not be written down, or the
    /// verification was cancelled or superseded meanwhile.
    pub async fn send(&self, mut new: NewVerification) -> Result<Verification, Error> {
        let inner = &self.inner();
        let (now, deadline) = (inner.clock.now(), inner.deadline());
        let ends_at = now + inner.policy.deadline;
        let pool = Pool::fetch(&*inner.entropy).map_err(no_entropy)?;
        let (name, in_flight) = (new.idempotency_key.take(), new.in_flight);
        let (asked_length, metadata) = (new.code_length, std::mem::take(&mut new.metadata));
        check_metadata(&metadata)?;
        let code = inner.new_code(&new, &pool)?;
        let mut plan = inner.plan_send(new, &code, &pool, now)?;
        inner.has_same_keys().await?;
        // By the store's time, which is known from here on.
        let now = inner.clock.now();
        let id = VerificationId::generate(&pool).map_err(no_entropy)?;
        let candidates = &plan.candidates;
        let ours = candidates.iter().any(|c| c.source.is_otpmux()).then_some(&code);
        let wished = candidates.iter().find_map(|c| c.source.wished_length());
        let tag = name.map(|name| inner.request_tag(&name, &plan.request, asked_length, &metadata));
        let kept = Kept::of(&plan.request, ours, wished).with_metadata(metadata);
        let sealed = kept.seal(id, &inner.keys, &pool).map_err(no_entropy)?;
        let request = &plan.request;
        let ttl = request.ttl.unwrap_or(inner.policy.ttl);
        let mut record = Record {
            id,
            recipient: inner.keys.hash(&request.recipient),
            purpose: request.purpose.clone(),
            state: State::Pending,
            supersedes: None,
            code: ours.map(|code| inner.keys.sign(id, code)),
            code_length: plan.code_length(&code),
            expires_at: now + ttl,
            guesses: 0,
            max_guesses: inner.policy.max_guesses,
            resends: 0,
            resend_after: now + inner.policy.resend_delay,
            sealed,
            send_attempts: Vec::new(),
            skips: Vec::new(),
            request: tag.map(Box::new),
        };
        let counted = loop {
            let first = &plan.candidates[0];
            record.send_attempts = vec![inner.new_attempt(
                id,
                first,
                first.reason,
                &plan.request.channel,
                ends_at,
                &pool,
            )?];
            record.skips.clone_from(&plan.skips);
            let mut limit_hits = inner.limit_hits.of_plan(&plan, &record.recipient, &inner.keys);
            limit_hits.extend(first.member.limit_hit.clone());
            let counted = Counted::by(&limit_hits, now);
            let create = Create { record: record.clone(), limit_hits };
            let created = inner.store.create(create, now).await;
            match created.map_err(|error| inner.give_up_creation(&record, &counted, error))? {
                Created::New(updates) => {
                    inner.members.learn(&updates, now);
                    break counted;
                }
                Created::Replayed(before) => return inner.before(*before, in_flight).await,
                Created::KeyReused => return Err(key_reused()),
                Created::GivenUp => return Err(given_up()),
                Created::LimitExceeded(limit) => {
                    let another = limit.scope == LimitScope::Provider && plan.pass_over_first(0);
                    if !another {
                        return Err(limited(&limit));
                    }
                }
            }
        };
        Dispatch::new(inner, record, plan, Some(code), counted, deadline).run(0).await
    }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal)
        .with_detail("the store has carried it out too late, and nothing of it; ask again")
}

pub(super) fn check_metadata(metadata: &BTreeMap<String, String>) -> Result<(), Error> {
    if NewVerification::metadata_fits(metadata) {
        return Ok(());
    }
    Err(invalid(
        "metadata holds at most 16 entries, with keys of 1 to 40 characters and values of at most \
         200",
    ))
}

impl Inner {
    /// After a creation whose answer was an error: no message was sent, so whatever was written down,
    /// or is later, is to be recorded so.
    fn give_up_creation(&self, record: &Record, counted: &Counted, error: Error) -> Error {
        if error.certainty() == Certainty::NotSent {
            return error;
        }
        let until = record.expires_at + RETENTION;
        let end = AttemptEnd {
            attempt: 0,
            state: AttemptState::NotSent,
            failure: Some(error.kind()),
            reference: None,
            vendor: None,
        };
        let record_outcome = RecordOutcome {
            ends: vec![end],
            close: true,
            refunds: counted.message.iter().chain(&counted.provider).copied().collect(),
            lost: Some(Lost::Creation(until)),
            ..RecordOutcome::default()
        };
        self.late.tell(record.id, record_outcome, until);
        error.with_certainty(Certainty::NotSent)
    }

    pub(super) fn new_code(
        &self,
        new: &NewVerification,
        entropy: &dyn Entropy,
    ) -> Result<Code, Error> {
        let length = new.code_length.unwrap_or(self.policy.code_length);
        self.policy.check_code_length(length).map_err(invalid)?;
        Code::generate(length, entropy).map_err(|_| no_entropy(EntropyError::new()))
    }
}
