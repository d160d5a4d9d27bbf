use otpmux_core::{Delivery, Error, Recipient, Target};
use tokio::time::Instant;

use super::kept::Kept;
use super::{Inner, OtpClient, Scope, Verification, context};
use crate::{AttemptEnd, AttemptState, Record, RecordOutcome, SendAttempt, VerificationId};

impl OtpClient {
    /// Tells where a verification stands, and asks the vendors that can tell where its messages
    /// are. A send attempt whose answer was lost is recorded if its vendor knows it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](otpmux_core::ErrorKind::NotFound) when it is unknown or long gone;
    /// the store is out of reach. A vendor that cannot be asked is no error.
    pub async fn status(&self, id: VerificationId) -> Result<Verification, Error> {
        self.status_within(id, &Scope::everything()).await
    }

    pub(super) async fn status_within(
        &self,
        id: VerificationId,
        scope: &Scope,
    ) -> Result<Verification, Error> {
        let inner = self.inner();
        inner.has_same_keys().await?;
        let now = inner.clock.now();
        let mut record = inner.load_within(id, scope, now).await?;
        let kept = Kept::open(&mut record, &inner.keys)?;
        let deadline = inner.deadline();
        let mut deliveries = Vec::with_capacity(record.send_attempts.len());
        for attempt in &record.send_attempts {
            deliveries.push(inner.delivery(&kept.recipient, attempt, deadline).await);
        }
        inner.reconcile(&mut record, &deliveries).await?;
        let mut view = Verification::of(&record, &kept.recipient, now);
        for (attempt, delivery) in view.send_attempts.iter_mut().zip(deliveries) {
            attempt.delivery = delivery;
        }
        view.metadata.clone_from(kept.metadata());
        Ok(view)
    }
}

impl Inner {
    async fn delivery(
        &self,
        recipient: &Recipient,
        attempt: &SendAttempt,
        deadline: Instant,
    ) -> Option<Delivery> {
        let provider = self.members.get(&attempt.provider)?;
        let capabilities = provider.capabilities();
        let can_find = attempt.reference.is_some() || capabilities.status_by_key;
        if !capabilities.status || !can_find {
            return None;
        }
        let target = Target::new(recipient.clone(), attempt.reference.clone());
        match provider.status(&context(attempt, deadline), &target).await {
            Ok(status) => Some(status.delivery),
            Err(error) => {
                tracing::debug!(%error, "the vendor did not tell the status");
                None
            }
        }
    }

    /// Settles the send attempts that may have been sent and, as their vendors say, were.
    async fn reconcile(
        &self,
        record: &mut Record,
        deliveries: &[Option<Delivery>],
    ) -> Result<(), Error> {
        let mut ends = Vec::new();
        for (place, (attempt, delivery)) in record.send_attempts.iter().zip(deliveries).enumerate()
        {
            let open = matches!(attempt.state, AttemptState::Intended | AttemptState::Unknown);
            // With a reference it is a vendor's message sent again: that the first one arrived says
            // nothing about this one.
            let found = attempt.reference.is_none()
                && matches!(
                    delivery,
                    Some(Delivery::Accepted | Delivery::Sent | Delivery::Delivered)
                );
            if open && found {
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
