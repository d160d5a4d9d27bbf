use std::sync::Arc;

use otpmux_core::{Error, Outcome, Target};
use tokio::time::Instant;

use super::inner::{Inner, context};
use super::payload::Payload;
use crate::VerificationId;

impl Inner {
    pub(super) async fn cancel(self: &Arc<Self>, id: VerificationId) -> Result<bool, Error> {
        if id.is_delivery() {
            return Ok(false);
        }
        self.ensure_same_keys().await?;
        let was_pending = self.store.cancel(id, self.clock.now()).await?;
        self.events.wake();
        if was_pending {
            self.report_later(id, Outcome::Cancelled);
            let deadline = self.deadline();
            // Nothing can undo the cancel any more, so no failure below may hide it.
            let _ = tokio::time::timeout_at(deadline, self.cancel_at_vendors(id, deadline)).await;
        }
        Ok(was_pending)
    }

    async fn cancel_at_vendors(&self, id: VerificationId, deadline: Instant) {
        let Ok(Some(mut record)) = self.store.load(id, self.clock.now()).await else { return };
        let Ok(payload) = Payload::open(&mut record, &self.keys) else { return };
        for (provider, attempt) in self.live_attempts(&record) {
            if !attempt.otpmux_code && provider.capabilities().cancel {
                let target = Target::new(payload.recipient.clone(), attempt.reference.clone());
                if let Err(error) = provider.cancel(&context(attempt, deadline), &target).await {
                    tracing::debug!(%error, "cancelled here, but not at the vendor");
                }
            }
        }
    }
}
