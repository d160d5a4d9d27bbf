//! Delivering a code that the caller made and will check.

mod code_in_text;
mod methods;
mod request;
mod view;

use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Blame, Certainty, Error, ErrorKind, Outcome};

pub use code_in_text::CodeInTextError;
pub use request::NewDelivery;
pub use view::{CodeDelivery, CodeDeliveryStatus};

use super::inner::Inner;
use super::{Resend, Scope};
use crate::{DeliveryId, Record};

impl Inner {
    pub(super) async fn deliver(self: &Arc<Self>, new: NewDelivery) -> Result<CodeDelivery, Error> {
        let (new, code) = new.into_parts()?;
        CodeDelivery::of(self.send(Box::new(new), Some(code)).await?)
    }

    pub(super) async fn redeliver(
        self: &Arc<Self>,
        id: DeliveryId,
        resend: Resend,
        scope: &Scope,
    ) -> Result<CodeDelivery, Error> {
        let deadline = self.deadline();
        self.ensure_same_keys().await?;
        self.accepted.flush_one(id.record_id()).await;
        let record = self.load_delivery(id, scope, self.clock.now()).await?;
        let sent = self.resend_record(Box::new(record), &resend, None, deadline).await?;
        CodeDelivery::of(sent.ok_or_else(no_delivery)?)
    }

    pub(super) async fn delivery(
        &self,
        id: DeliveryId,
        scope: &Scope,
    ) -> Result<CodeDelivery, Error> {
        self.ensure_same_keys().await?;
        self.accepted.flush_one(id.record_id()).await;
        let now = self.clock.now();
        let record = self.load_delivery(id, scope, now).await?;
        CodeDelivery::of(self.status_of(record, now).await?)
    }

    pub(super) async fn end_delivery(
        self: &Arc<Self>,
        id: DeliveryId,
        outcome: Outcome,
    ) -> Result<bool, Error> {
        self.ensure_same_keys().await?;
        let ended = self.store.cancel(id.record_id(), self.clock.now()).await?;
        if ended {
            self.report_later(id.record_id(), outcome);
        }
        Ok(ended)
    }

    /// Reads a delivery whose purpose is in the scope.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the id is unknown, past its TTL, or of another purpose, all
    /// alike; the store is out of reach.
    pub(super) async fn load_delivery(
        &self,
        id: DeliveryId,
        scope: &Scope,
        now: SystemTime,
    ) -> Result<Record, Error> {
        let record = self.store.load(id.record_id(), now).await?;
        record.filter(|record| scope.contains(&record.purpose)).ok_or_else(no_delivery)
    }
}

fn no_delivery() -> Error {
    Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
        .with_detail("no pending delivery has this id; create a new delivery")
}
