//! Verifications that are due: what a process does about them.

mod decide;
mod step;
mod timers;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::Error;
use tokio::task::JoinHandle;

pub use timers::Timers;

use super::inner::Inner;
use super::payload::Payload;
use crate::{EscalationStep, Record, Reschedule, VerificationId, background};
use decide::{Decision, decide};

/// How long a process has one that it took: time to load it and to begin its step. After that, another
/// process takes it, and only one of them begins the step.
const LEASE: Duration = Duration::from_secs(10);

/// The most that a process takes at once.
pub(super) const MOST: usize = 64;

impl Inner {
    /// Whether anything may ever be due: else the store is not asked.
    pub(super) fn watches_due(&self) -> bool {
        self.events.want_failed()
            || self.request_steps
            || self.routes.as_slice().iter().any(|route| !route.escalate.is_empty())
    }

    /// Takes at most so many that are due, and looks at each in a separate task, which ends also if
    /// nothing waits for it.
    pub(super) async fn take_due(
        self: &Arc<Self>,
        most: usize,
    ) -> Result<Vec<JoinHandle<()>>, Error> {
        self.ensure_same_keys().await?;
        let ids = self.store.due(self.clock.now(), LEASE, most).await?;
        let look = |id| {
            let inner = Arc::clone(self);
            background::spawn(async move {
                if let Err(error) = inner.look_at(id).await {
                    // It comes again when its lease has ended.
                    tracing::warn!(verification = %id, %error, "a due verification could not be processed");
                }
            })
        };
        Ok(ids.into_iter().map(look).collect())
    }

    /// Takes what is due and looks at all of it; returns how many those were.
    pub(super) async fn run_due(self: &Arc<Self>) -> Result<usize, Error> {
        let mut count = 0;
        loop {
            let looks = self.take_due(MOST).await?;
            let taken = looks.len();
            for look in looks {
                // A panic was reported where it happened.
                let _ = look.await;
            }
            count += taken;
            if taken < MOST {
                return Ok(count);
            }
        }
    }

    async fn look_at(self: &Arc<Self>, id: VerificationId) -> Result<(), Error> {
        let now = self.clock.now();
        let Some(record) = self.store.load(id, now).await? else { return Ok(()) };
        if now >= record.expires_at {
            self.report_expired(&record).await?;
            return self.rest(&record, now).await;
        }
        if !record.awaits_step(record.escalations) || record.over(now).is_some() {
            return self.rest(&record, now).await;
        }
        let mut opened = record.clone();
        let payload = Payload::open(&mut opened, &self.keys)?;
        let place = self.place_of(&record, &payload);
        let steps = self.steps_at(place, &payload);
        match (decide(&record, steps, now, self.policy.deadline), place) {
            (Decision::Begin, Some(place)) => self.begin_step(opened, payload, place).await,
            (Decision::Wait(at), _) => self.reschedule(&record, Some(at), now).await,
            (Decision::Begin | Decision::Never, _) => self.rest(&record, now).await,
        }
    }

    /// The route of a verification that was sent: the one that applied to its first message.
    fn place_of(&self, record: &Record, payload: &Payload) -> Option<usize> {
        self.routes.place(&payload.recipient, payload.channel(), &record.purpose)
    }

    /// Its own steps, or those that its route has now.
    pub(super) fn steps_of<'a>(
        &'a self,
        record: &Record,
        payload: &'a Payload,
    ) -> &'a [EscalationStep] {
        self.steps_at(self.place_of(record, payload), payload)
    }

    /// The same, by the place of its route.
    fn steps_at<'a>(&'a self, place: Option<usize>, payload: &'a Payload) -> &'a [EscalationStep] {
        if !payload.steps().is_empty() {
            return payload.steps();
        }
        place.map_or(&[][..], |place| &self.routes.as_slice()[place].escalate)
    }

    /// Nothing is sent for it any more.
    async fn rest(&self, record: &Record, now: SystemTime) -> Result<(), Error> {
        let due_at = record.due_after_end.filter(|at| *at > now);
        self.reschedule(record, due_at, now).await
    }

    /// Changes the time of the step that is next.
    pub(super) async fn reschedule(
        &self,
        record: &Record,
        due_at: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<(), Error> {
        let step = record.escalations;
        let reschedule = Reschedule { step, next_step: step, due_at, skips: Vec::new() };
        self.store.reschedule(record.id, reschedule, now).await
    }
}

/// When this step is due after a message that was sent now, if the code is valid long enough.
pub(super) fn step_at(
    steps: &[EscalationStep],
    step: u8,
    now: SystemTime,
    expires_at: SystemTime,
) -> Option<SystemTime> {
    let at = now + steps.get(usize::from(step))?.after;
    (at + EscalationStep::LEFT <= expires_at).then_some(at)
}
