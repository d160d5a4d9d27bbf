use std::time::Duration;

use otpmux_core::{Blame, Certainty, Channel, Error, ErrorKind, IdempotencyKey};

use super::before::key_reused;
use super::dispatch::Dispatch;
use super::kept::Kept;
use super::limits::{Counted, limited};
use super::{Inner, OtpClient, Resend, Scope, Verification, gone, no_entropy};
use crate::{
    AttemptStarted, Choice, LimitScope, Lost, RETENTION, Record, RecordOutcome, ResendTerms,
    SendAttempt, StartAttempt, VerificationId,
};

impl OtpClient {
    /// Sends again at the user's wish: the same code by a provider that carries ours, another one
    /// than before where there is one, by another channel if asked. Where all who carry ours are left
    /// alone or have just failed this user, by one that makes a code of its own: then
    /// [`new_code`](Verification::new_code) says so, both codes count, under one count of tries, and
    /// one of them lets in once. Neither the TTL nor the guesses are renewed.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); besides, refused by policy with a
    /// [`retry_after`](Error::retry_after) before [`resend_after`](Verification::resend_after), and
    /// [`ErrorKind::NotFound`] when no code is good for the verification any more.
    pub async fn resend(
        &self,
        id: VerificationId,
        channel: Option<Channel>,
    ) -> Result<Verification, Error> {
        self.resend_with(id, Resend { channel, ..Resend::default() }).await
    }

    /// [`resend`](Self::resend), for a request that may have a name.
    ///
    /// # Errors
    ///
    /// As [`resend`](Self::resend). Besides, not sent: [`ErrorKind::KeyReused`] when the name was
    /// used for another channel; [`ErrorKind::Conflict`] when the first request of this name is under
    /// way, and is not to be waited for.
    pub async fn resend_with(
        &self,
        id: VerificationId,
        resend: Resend,
    ) -> Result<Verification, Error> {
        self.resend_within(id, resend, &Scope::everything()).await
    }

    pub(super) async fn resend_within(
        &self,
        id: VerificationId,
        resend: Resend,
        scope: &Scope,
    ) -> Result<Verification, Error> {
        let inner = &self.inner();
        let deadline = inner.deadline();
        inner.has_same_keys().await?;
        let now = inner.clock.now();
        let ends_at = now + inner.policy.deadline;
        let mut record = inner.load_within(id, scope, now).await?;
        let name = resend.idempotency_key.as_deref();
        let named = name.map(|name| inner.resend_key(&record, name, &resend));
        let mut key = match named.transpose()? {
            None => None,
            Some(Named::Free(key)) => Some(key),
            Some(Named::Before) => return inner.before(record, resend.in_flight).await,
            Some(Named::KeyReused) => return Err(key_reused()),
        };
        let kept = Kept::open(&mut record, &inner.keys)?;
        let (mut plan, code) = inner.plan_resend(&record, kept, resend.channel.clone(), now)?;
        let delay = inner.resend_delay(record.resends + 1)?;
        let terms = ResendTerms { max_resends: inner.policy.max_resends, next_after: now + delay };
        let (attempt, place, counted) = loop {
            let first = &plan.candidates[0];
            let mut attempt = inner.new_attempt(
                id,
                first,
                first.reason,
                &plan.request.channel,
                ends_at,
                &*inner.entropy,
            )?;
            attempt.key = key.take().unwrap_or(attempt.key);
            let mut limit_hits = inner.limit_hits.of_plan(&plan, &record.recipient, &inner.keys);
            limit_hits.extend(first.member.limit_hit.clone());
            let counted = Counted::by(&limit_hits, now);
            let begin = StartAttempt {
                attempt: attempt.clone(),
                limit_hits,
                resend: Some(terms),
                ends: Vec::new(),
                skips: std::mem::take(&mut plan.skips),
                health_updates: Vec::new(),
            };
            record.skips.extend_from_slice(&begin.skips);
            let begun = inner.store.start_attempt(id, begin, now).await;
            let begun =
                begun.map_err(|error| inner.give_up_attempt(&record, &attempt, &counted, error));
            let refusal = match begun? {
                AttemptStarted::Started(place) => break (attempt, place, counted),
                AttemptStarted::Over(_) => return Err(gone()),
                AttemptStarted::TooSoon(wait) => refused("a resend so soon").with_retry_after(wait),
                AttemptStarted::TooMany => refused("more resends than one verification may have"),
                AttemptStarted::LimitExceeded(limit) => {
                    let send_attempts = record.send_attempts.len();
                    let another =
                        limit.scope == LimitScope::Provider && plan.pass_over_first(send_attempts);
                    if another {
                        key = name.map(|_| attempt.key);
                        continue;
                    }
                    limited(&limit)
                }
            };
            return match name {
                Some(name) => inner.after_refusal(id, name, &resend, refusal).await,
                None => Err(refusal),
            };
        };
        record.resend_after = terms.next_after;
        record.send_attempts.push(attempt);
        Dispatch::new(inner, record, plan, code, counted, deadline).run(place).await
    }
}

/// What is known of a named resend.
enum Named {
    /// It was not made, or came to nothing: its send attempt is to have this key.
    Free(IdempotencyKey),
    /// It was made.
    Before,
    /// The name was used for another one.
    KeyReused,
}

/// Bytes of a send attempt's key that say the resend's name, and up to where they say its content. The others
/// are random, so that each try has a send attempt of its own, also when one of them is still on its way.
const NAME: usize = 8;
const CONTENT: usize = 12;

impl Inner {
    /// After a resend whose beginning was answered by an error: its message was not sent, so whatever
    /// was written down, or is later, is to be recorded so.
    fn give_up_attempt(
        &self,
        record: &Record,
        attempt: &SendAttempt,
        counted: &Counted,
        error: Error,
    ) -> Error {
        if error.certainty() == Certainty::NotSent {
            return error;
        }
        let attempt = SendAttempt { failure: Some(error.kind()), ..attempt.clone() };
        let record_outcome = RecordOutcome {
            close: true,
            refunds: counted.message.iter().chain(&counted.provider).copied().collect(),
            lost: Some(Lost::SendAttempt(attempt)),
            ..RecordOutcome::default()
        };
        self.late.tell(record.id, record_outcome, record.expires_at + RETENTION);
        error.with_certainty(Certainty::NotSent)
    }

    /// Looks for a named resend among the send attempts. A send attempt that a named resend begins has a key that is
    /// made of the name, so the record needs no further place for it.
    fn resend_key(&self, record: &Record, name: &str, resend: &Resend) -> Result<Named, Error> {
        let mut random = [0; 16 - CONTENT];
        self.entropy.fill(&mut random).map_err(no_entropy)?;
        let channel = resend.channel.as_ref().map_or("", Channel::as_str);
        let content = self.keys.tag("resend content", channel.as_bytes());
        // One that came to nothing frees its name, but the vendor has seen its key: the next try has
        // another one.
        for round in 0..=record.send_attempts.len() {
            let text = format!("{}/{round}/{name}", record.id);
            let mut key = self.keys.tag("resend name", text.as_bytes());
            key[NAME..CONTENT].copy_from_slice(&content[NAME..CONTENT]);
            key[CONTENT..].copy_from_slice(&random);
            let key = IdempotencyKey::from_random(key);
            let same = |attempt: &SendAttempt, up_to| {
                attempt.key.to_bytes()[..up_to] == key.to_bytes()[..up_to]
            };
            let Some(first) = record.send_attempts.iter().position(|attempt| same(attempt, NAME))
            else {
                return Ok(Named::Free(key));
            };
            if !same(&record.send_attempts[first], CONTENT) {
                return Ok(Named::KeyReused);
            }
            let later = record.send_attempts[first + 1..].iter();
            let own = later.take_while(|attempt| attempt.reason != Choice::Resend);
            if [&record.send_attempts[first]]
                .into_iter()
                .chain(own)
                .any(|attempt| attempt.state.may_have_sent())
            {
                return Ok(Named::Before);
            }
        }
        Ok(Named::KeyReused)
    }

    /// A named resend was refused: because it was made a moment before, perhaps by another process.
    async fn after_refusal(
        &self,
        id: VerificationId,
        name: &str,
        resend: &Resend,
        refusal: Error,
    ) -> Result<Verification, Error> {
        let Some(record) = self.store.load(id, self.clock.now()).await? else { return Err(gone()) };
        match self.resend_key(&record, name, resend)? {
            Named::Before => self.before(record, resend.in_flight).await,
            Named::KeyReused => Err(key_reused()),
            Named::Free(_) => Err(refusal),
        }
    }
}

impl Inner {
    /// How long the user must wait after so many resends, with up to a tenth added at random once
    /// it has begun to grow.
    fn resend_delay(&self, resends: u32) -> Result<Duration, Error> {
        let delay = self.policy.resend_delay_after(resends);
        let mut random = [0; 1];
        self.entropy.fill(&mut random).map_err(no_entropy)?;
        Ok(delay + delay / 10 * u32::from(random[0]) / 255)
    }
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Policy).with_detail(what)
}
