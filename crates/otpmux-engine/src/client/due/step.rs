use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Channel, Error};

use super::step_at;
use crate::client::inner::{Inner, until};
use crate::client::metrics;
use crate::client::payload::Payload;
use crate::client::send::dispatch::Dispatch;
use crate::client::send::further::Further;
use crate::client::send::limits::limited;
use crate::client::send::plan::{Candidate, Plan, Requested, RoutePlan, Source, skip};
use crate::{
    AttemptStarted, AttemptState, Choice, EscalationTerms, Record, Reschedule, SkipReason, StepBy,
};

impl Inner {
    /// Begins the next step of a verification, in the route at this place: another message with the
    /// same code, as the user did not type it. Where none can be sent, the step is passed over.
    pub(super) async fn begin_step(
        self: &Arc<Self>,
        mut record: Record,
        payload: Payload,
        place: usize,
    ) -> Result<(), Error> {
        let (now, deadline) = (self.clock.now(), self.deadline());
        let step = record.escalations;
        let steps = self.steps_at(Some(place), &payload);
        let Some(by) = steps.get(usize::from(step)).map(|step| step.by.clone()) else {
            return Ok(());
        };
        let next_due_at = step_at(steps, step + 1, now, record.expires_at);
        let code = payload.code.clone();
        let (mut plan, refusal) = self.plan_step(&record, payload, &by, place, now)?;
        let terms = EscalationTerms { step, next_due_at };
        if plan.candidates.is_empty() {
            let why = refusal.as_ref().map_or("no provider can send it", |it| it.kind().as_str());
            return self.pass_over(&record, &mut plan, next_due_at, why, now).await;
        }
        let (begun, counted) =
            self.start_further(&mut record, &mut plan, Further::Step(terms), None, now).await?;
        let index = match begun {
            AttemptStarted::Started(index) => index,
            AttemptStarted::LimitExceeded(limit) => {
                let error = limited(&limit);
                plan.skip_first(record.send_attempts.len());
                let why = error.limit().unwrap_or("limit");
                return self.pass_over(&record, &mut plan, next_due_at, why, now).await;
            }
            // The user has acted meanwhile, or another process has begun this step.
            AttemptStarted::Over(_)
            | AttemptStarted::NotDue
            | AttemptStarted::TooSoon(_)
            | AttemptStarted::TooMany => return Ok(()),
        };
        record.escalations = step + 1;
        // Counted and logged there, with its result.
        let id = record.id;
        let mut dispatch = Dispatch::new(self, Box::new(record), plan, code, counted, deadline);
        let result = dispatch.run(index).await;
        self.audit_step(id, &result);
        metrics::escalated(if result.is_ok() { "sent" } else { "failed" });
        Ok(())
    }

    /// Passes over a step for which nothing can be sent.
    async fn pass_over(
        &self,
        record: &Record,
        plan: &mut Plan,
        next_due_at: Option<SystemTime>,
        why: &str,
        now: SystemTime,
    ) -> Result<(), Error> {
        let step = record.escalations;
        tracing::info!(
            verification = %record.id,
            route = plan.route + 1,
            step = step + 1,
            channel = plan.request.channel.as_str(),
            why,
            "step of escalation passed over"
        );
        metrics::escalated("skipped");
        let reschedule = Reschedule {
            step,
            next_step: step + 1,
            due_at: next_due_at.or(record.due_after_end),
            skips: std::mem::take(&mut plan.skips),
        };
        self.store.reschedule(record.id, reschedule, now).await
    }

    /// A plan for the message of a step, perhaps without candidates, and then perhaps with the reason.
    fn plan_step(
        &self,
        record: &Record,
        payload: Payload,
        by: &StepBy,
        place: usize,
        now: SystemTime,
    ) -> Result<(Plan, Option<Error>), Error> {
        let code = payload.code.clone();
        let length = payload.requested_length();
        let (request, wording) = payload.into_request();
        let mut request = Box::new(request);
        request.ttl = Some(until(record.expires_at, now));
        request.channel = match by {
            StepBy::Channel(channel) => channel.clone(),
            StepBy::Next => {
                record.send_attempts.last().map_or(request.channel, |newest| newest.channel.clone())
            }
        };
        let requested = Requested {
            code: code.as_ref(),
            exact_length: None,
            length,
            again: Some(record),
            given: false,
        };
        let planned =
            self.route_plan_in(place, &mut request, &wording, &requested, &*self.entropy, now)?;
        let RoutePlan { route, candidates, mut skips, refusal } = planned;
        let mut kept = Vec::with_capacity(candidates.len());
        for mut candidate in candidates {
            // The circuit of a last resort is open, which is noted: no user waits for this message.
            if candidate.is_last_resort() || !may_send(&candidate, record, by, &request.channel) {
                continue;
            }
            if repeats_the_code(&candidate, record) {
                candidate.reason = Choice::Escalation;
                kept.push(candidate);
            } else {
                let reason = SkipReason::OtherCode;
                skips.push(skip(candidate.provider(), record.send_attempts.len(), reason));
            }
        }
        // Those that have just failed this user come last.
        kept.sort_by_key(|candidate| was_called(candidate, record));
        Ok((Plan { request, wording, route, candidates: kept, skips }, refusal))
    }
}

/// Whether a provider may send this user a further message without being asked to: never after one of
/// unknown outcome, nor twice by one channel; the next provider is one that has sent nothing.
fn may_send(candidate: &Candidate, record: &Record, by: &StepBy, channel: &Channel) -> bool {
    let id = candidate.provider().id();
    let mut own = record.send_attempts.iter().filter(|attempt| attempt.provider == *id);
    own.all(|attempt| match attempt.state {
        AttemptState::NotSent | AttemptState::Rejected => true,
        AttemptState::Intended | AttemptState::Unknown => false,
        AttemptState::Accepted => *by != StepBy::Next && attempt.channel != *channel,
    })
}

/// Whether the user's code stays the same: otpmux's, or that of a vendor that repeats its own.
fn repeats_the_code(candidate: &Candidate, record: &Record) -> bool {
    match candidate.source {
        Source::Otpmux => record.code_is_out() || !record.vendor_code_is_out(),
        Source::Again { .. } => {
            let id = candidate.provider().id();
            let out = |attempt: &crate::SendAttempt| {
                attempt.provider == *id && !attempt.otpmux_code && attempt.state.may_have_sent()
            };
            record.send_attempts.iter().any(out)
        }
        Source::Vendor { .. } => false,
    }
}

fn was_called(candidate: &Candidate, record: &Record) -> bool {
    record.send_attempts.iter().any(|attempt| attempt.provider == *candidate.provider().id())
}
