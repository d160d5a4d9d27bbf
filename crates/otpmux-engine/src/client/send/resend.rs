use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, Channel, ClientContext, Error, ErrorKind, IdempotencyKey};
use tokio::time::Instant;

use super::dispatch::Dispatch;
use super::further::Further;
use super::idempotency::{key_reused, under_way};
use super::limits::{Counted, limited};
use crate::client::inner::{Inner, gone, no_entropy, until};
use crate::client::payload::Payload;
use crate::client::{Resend, Scope, Verification};
use crate::{
    AttemptStarted, Choice, Lost, Record, RecordOutcome, ResendTerms, SendAttempt, VerificationId,
};

impl Inner {
    pub(in crate::client) async fn resend(
        self: &Arc<Self>,
        id: VerificationId,
        resend: Resend,
        scope: &Scope,
    ) -> Result<Verification, Error> {
        let deadline = self.deadline();
        self.ensure_same_keys().await?;
        self.accepted.flush_one(id).await;
        let record = self.load_in(id, scope, self.clock.now()).await?;
        self.resend_record(Box::new(record), &resend, None, deadline).await?.ok_or_else(gone)
    }

    /// `None`, before anything is sent, if no code is valid for the verification any more.
    /// `repeats` is the client of a send that is a resend.
    pub(in crate::client) async fn resend_record(
        self: &Arc<Self>,
        mut record: Box<Record>,
        resend: &Resend,
        repeats: Option<&ClientContext>,
        deadline: Instant,
    ) -> Result<Option<Verification>, Error> {
        let (id, now) = (record.id, self.clock.now());
        let name = resend.idempotency_key.as_deref();
        let named = name.map(|name| self.resend_key(&record, name, resend));
        let key = match named.transpose()? {
            None => None,
            Some(Named::Free(key)) => Some(key),
            Some(Named::Before) => return self.replay(*record, resend.in_flight).await.map(Some),
            Some(Named::KeyReused) => return Err(key_reused()),
        };
        if record.over(now).is_some() {
            return Ok(None);
        }
        if repeats.is_some()
            && under_way(&record, now).is_some()
            && self.accepted.flush_one(id).await
        {
            let Some(recorded) = self.store.load(id, now).await? else { return Ok(None) };
            *record = recorded;
        }
        if repeats.is_some()
            && let Some(left) = under_way(&record, now)
        {
            // Its first message is on its way in another call.
            let wait = until(record.resend_after, now).max(left);
            return Err(refused("a resend so soon").with_retry_after(wait));
        }
        let payload = Payload::open(&mut record, &self.keys)?;
        let (channel, locale) = (resend.channel.clone(), resend.locale.clone());
        let (mut plan, code) = self.plan_resend(&record, payload, channel, locale, now)?;
        if let Some(client) = repeats {
            plan.request.client = client.clone();
        }
        let delay = self.resend_delay(record.resends + 1)?;
        let terms = ResendTerms { max_resends: self.policy.max_resends, next_after: now + delay };
        let further = Further::Resend(terms);
        let (begun, counted) =
            self.start_further(&mut record, &mut plan, further, key, now).await?;
        let refusal = match begun {
            AttemptStarted::Started(place) => {
                record.resend_after = terms.next_after;
                record.due_at = record.due_after_end;
                let mut dispatch = Dispatch::new(self, record, plan, code, counted, deadline);
                return dispatch.run(place).await.map(Some);
            }
            // Only a step of escalation is not due.
            AttemptStarted::Over(_) | AttemptStarted::NotDue => return Ok(None),
            AttemptStarted::TooSoon(wait) => refused("a resend so soon").with_retry_after(wait),
            AttemptStarted::TooMany => {
                let refusal = refused("more resends than one verification may have");
                match repeats {
                    // Then a send is a new one.
                    Some(_) => refusal.with_retry_after(until(record.expires_at, now)),
                    None => refusal,
                }
            }
            AttemptStarted::LimitExceeded(limit) => {
                self.report_blocked(&plan.request, &record.recipient, &limit);
                limited(&limit)
            }
        };
        match name {
            Some(name) => self.after_refusal(id, name, resend, refusal).await.map(Some),
            None => Err(refusal),
        }
    }
}

/// The state of a resend's idempotency key.
enum Named {
    /// The resend was not made, or it failed: its send attempt must have this key.
    Free(IdempotencyKey),
    /// The resend was made.
    Before,
    /// The key was used for another resend.
    KeyReused,
}

/// Bytes `..NAME` of a send attempt's key are a hash of the resend's idempotency key, and
/// `NAME..CONTENT` one of its content. The others are random, so that each try has a send attempt
/// with another key, also while one of them is still under way.
const NAME: usize = 8;
const CONTENT: usize = 12;

impl Inner {
    /// After a resend whose start returned an error: its message was not sent, so an attempt that
    /// was written, or is written later, must say so.
    pub(super) fn give_up_attempt(
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
            refunds: counted.all(),
            lost: Some(Lost::SendAttempt(attempt)),
            ..RecordOutcome::default()
        };
        self.outcomes.tell(record.id, record_outcome, record.kept_until());
        error.with_certainty(Certainty::NotSent)
    }

    /// Looks for a resend with an idempotency key among the send attempts. Their keys contain its
    /// hash, so the record needs no other field for it.
    fn resend_key(&self, record: &Record, name: &str, resend: &Resend) -> Result<Named, Error> {
        let mut random = [0; 16 - CONTENT];
        self.entropy.fill(&mut random).map_err(no_entropy)?;
        let channel = resend.channel.as_ref().map_or("", Channel::as_str);
        // No word of a channel holds the separator.
        let content = match &resend.locale {
            Some(locale) => format!("{channel}/{locale}"),
            None => channel.to_owned(),
        };
        let content = self.keys.tag("resend content", content.as_bytes());
        // A failed resend releases its idempotency key, but the vendor has seen the send attempt's
        // key: the next try has another one.
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

    /// A resend with an idempotency key was refused because it was made just before, perhaps by
    /// another process.
    async fn after_refusal(
        &self,
        id: VerificationId,
        name: &str,
        resend: &Resend,
        refusal: Error,
    ) -> Result<Verification, Error> {
        let Some(record) = self.store.load(id, self.clock.now()).await? else { return Err(gone()) };
        match self.resend_key(&record, name, resend)? {
            Named::Before => self.replay(record, resend.in_flight).await,
            Named::KeyReused => Err(key_reused()),
            Named::Free(_) => Err(refusal),
        }
    }
}

impl Inner {
    /// The wait after so many resends, with up to a tenth added at random once it has begun to
    /// grow.
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
