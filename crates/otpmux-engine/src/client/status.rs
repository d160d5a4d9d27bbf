use std::time::SystemTime;

use otpmux_core::{Error, Recipient, Target};
use tokio::time::Instant;

use super::inner::{Inner, context};
use super::payload::Payload;
use super::{Scope, Verification, reconcile};
use crate::{
    AttemptEnd, AttemptState, DeliveryMark, Record, RecordOutcome, SendAttempt, VerificationId,
};

impl Inner {
    pub(super) async fn status(
        &self,
        id: VerificationId,
        scope: &Scope,
    ) -> Result<Verification, Error> {
        self.ensure_same_keys().await?;
        self.accepted.flush_one(id).await;
        let now = self.clock.now();
        let record = self.load_in(id, scope, now).await?;
        self.status_of(record, now).await
    }

    /// The state of a verification or delivery, and of its messages as far as vendors report them.
    pub(super) async fn status_of(
        &self,
        mut record: Record,
        now: SystemTime,
    ) -> Result<Verification, Error> {
        let payload = Payload::open(&mut record, &self.keys)?;
        let deadline = self.deadline();
        let mut deliveries = Vec::with_capacity(record.send_attempts.len());
        for attempt in &record.send_attempts {
            deliveries.push(self.delivery_of(&payload.recipient, attempt, deadline, now).await);
        }
        self.reconcile(&mut record, &deliveries).await?;
        for (attempt, told) in record.send_attempts.iter_mut().zip(deliveries) {
            let both = attempt.delivery.zip(told).map(|(known, told)| known.merge(told));
            attempt.delivery = both.or(attempt.delivery).or(told);
        }
        let mut view = Verification::of(&record, &payload.recipient, now);
        view.metadata.clone_from(payload.metadata());
        Ok(view)
    }

    /// The delivery of a message as its vendor reports it now. The vendor is not asked if a receipt
    /// has reported the final one.
    async fn delivery_of(
        &self,
        recipient: &Recipient,
        attempt: &SendAttempt,
        deadline: Instant,
        now: SystemTime,
    ) -> Option<DeliveryMark> {
        if attempt.delivery.as_ref().is_some_and(DeliveryMark::is_final) {
            return None;
        }
        let provider = self.providers.get(&attempt.provider)?;
        let target = Target::new(recipient.clone(), attempt.reference.clone());
        let status = reconcile::status(&**provider, &context(attempt, deadline), &target).await?;
        Some(DeliveryMark::new(status.delivery, status.delivered_at.unwrap_or(now), false))
    }

    /// Records as accepted the send attempts of unknown outcome that their vendors know.
    async fn reconcile(
        &self,
        record: &mut Record,
        deliveries: &[Option<DeliveryMark>],
    ) -> Result<(), Error> {
        let mut ends = Vec::new();
        for (place, (attempt, delivery)) in record.send_attempts.iter().zip(deliveries).enumerate()
        {
            let open = matches!(attempt.state, AttemptState::Intended | AttemptState::Unknown);
            // With a reference, the vendor's earlier message was sent again: that the first one
            // arrived proves nothing about this one.
            let told = delivery.as_ref().map(DeliveryMark::delivery);
            let found = told.and_then(reconcile::state_of) == Some(AttemptState::Accepted);
            if open && found && attempt.reference.is_none() {
                let state = AttemptState::Accepted;
                ends.push(AttemptEnd {
                    attempt: place,
                    state,
                    failure: None,
                    reference: None,
                    vendor: None,
                    found_by: None,
                });
            }
        }
        if !ends.is_empty() {
            let record_outcome = RecordOutcome { ends, ..RecordOutcome::default() };
            record.record_outcome(record_outcome.clone());
            let now = self.clock.now();
            record.state = self.store.record_outcome(record.id, record_outcome, now).await?;
        }
        Ok(())
    }
}
