use otpmux_core::{Delivery, Error, Recipient, Target};
use tokio::time::Instant;

use super::inner::{Inner, context};
use super::payload::Payload;
use super::{Scope, Verification, reconcile};
use crate::{AttemptEnd, AttemptState, Record, RecordOutcome, SendAttempt, VerificationId};

impl Inner {
    pub(super) async fn status(
        &self,
        id: VerificationId,
        scope: &Scope,
    ) -> Result<Verification, Error> {
        self.ensure_same_keys().await?;
        let now = self.clock.now();
        let mut record = self.load_in(id, scope, now).await?;
        let payload = Payload::open(&mut record, &self.keys)?;
        let deadline = self.deadline();
        let mut deliveries = Vec::with_capacity(record.send_attempts.len());
        for attempt in &record.send_attempts {
            deliveries.push(self.delivery(&payload.recipient, attempt, deadline).await);
        }
        self.reconcile(&mut record, &deliveries).await?;
        let mut view = Verification::of(&record, &payload.recipient, now);
        for (attempt, delivery) in view.send_attempts.iter_mut().zip(deliveries) {
            attempt.delivery = delivery;
        }
        view.metadata.clone_from(payload.metadata());
        Ok(view)
    }

    async fn delivery(
        &self,
        recipient: &Recipient,
        attempt: &SendAttempt,
        deadline: Instant,
    ) -> Option<Delivery> {
        let provider = self.providers.get(&attempt.provider)?;
        let target = Target::new(recipient.clone(), attempt.reference.clone());
        reconcile::delivery(&**provider, &context(attempt, deadline), &target).await
    }

    /// Records as accepted the send attempts of unknown outcome that their vendors know.
    async fn reconcile(
        &self,
        record: &mut Record,
        deliveries: &[Option<Delivery>],
    ) -> Result<(), Error> {
        let mut ends = Vec::new();
        for (place, (attempt, delivery)) in record.send_attempts.iter().zip(deliveries).enumerate()
        {
            let open = matches!(attempt.state, AttemptState::Intended | AttemptState::Unknown);
            // With a reference, the vendor's earlier message was sent again: that the first one
            // arrived proves nothing about this one.
            let found = delivery.and_then(reconcile::state_of) == Some(AttemptState::Accepted);
            if open && found && attempt.reference.is_none() {
                let state = AttemptState::Accepted;
                ends.push(AttemptEnd {
                    attempt: place,
                    state,
                    failure: None,
                    reference: None,
                    vendor: None,
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
