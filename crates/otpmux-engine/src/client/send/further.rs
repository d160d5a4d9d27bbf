//! The start of a further message of a verification: a resend, or a step of escalation.

use std::time::SystemTime;

use otpmux_core::{Error, IdempotencyKey};

use super::limits::Counted;
use super::plan::Plan;
use crate::client::inner::Inner;
use crate::{AttemptStarted, EscalationTerms, LimitScope, Record, ResendTerms, StartAttempt};

/// Why a further message is sent, with the terms that the store checks.
#[derive(Clone, Copy)]
pub(in crate::client) enum Further {
    /// The user asked for it.
    Resend(ResendTerms),
    /// A step of escalation is due.
    Step(EscalationTerms),
}

impl Inner {
    /// Starts a send attempt at the first candidate whose own limit has room, and adds it to the
    /// record; passes over the candidates before it. `key` replaces its random idempotency key. The
    /// plan must have a candidate.
    ///
    /// Without [`AttemptStarted::Started`], nothing was started or counted.
    pub(in crate::client) async fn start_further(
        &self,
        record: &mut Record,
        plan: &mut Plan,
        further: Further,
        key: Option<IdempotencyKey>,
        now: SystemTime,
    ) -> Result<(AttemptStarted, Counted), Error> {
        let ends_at = now + self.policy.deadline;
        let (resend, escalation) = match further {
            Further::Resend(terms) => (Some(terms), None),
            Further::Step(terms) => (None, Some(terms)),
        };
        loop {
            let first = &plan.candidates[0];
            let mut attempt = self.new_attempt(
                record.id,
                first,
                first.reason,
                &plan.request.channel,
                ends_at,
                &*self.entropy,
            )?;
            attempt.key = key.unwrap_or(attempt.key);
            let limit_hits = plan.limit_hits(&self.limit_hits, &record.recipient, &self.keys);
            let counted = Counted::by(&limit_hits, now);
            let begin = StartAttempt {
                attempt: attempt.clone(),
                limit_hits,
                resend,
                escalation,
                ends: Vec::new(),
                skips: std::mem::take(&mut plan.skips),
                health_updates: Vec::new(),
                facts: Self::event_facts(record, &plan.request.channel, first.provider().id()),
            };
            record.skips.extend_from_slice(&begin.skips);
            let begun = self.store.start_attempt(record.id, begin, now).await;
            let begun =
                begun.map_err(|error| self.give_up_attempt(record, &attempt, &counted, error))?;
            match &begun {
                AttemptStarted::Started(_) => record.send_attempts.push(attempt),
                AttemptStarted::LimitExceeded(limit)
                    if limit.scope == LimitScope::Provider
                        && plan.pass_over_first(record.send_attempts.len()) =>
                {
                    continue;
                }
                _ => {}
            }
            return Ok((begun, counted));
        }
    }
}
