//! Receipts: what vendors report about the delivery of messages.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Certainty, Context, Correlation, Delivery, Error, ErrorKind, IdempotencyKey,
    OtpProvider, ProviderId, Receipt, ReceiptAnswer, ReceiptFailure, ReceiptRequest, ReceiptTarget,
    plain_words,
};
use tokio::time::Instant;

use super::inner::Inner;
use super::metrics::{self, ReceiptResult};
use super::payload::Payload;
use super::rates::Event;
use crate::{DeliveryMark, ReceiptOf, Received, Record, StepBy, VerificationId};

/// How long an adapter may take, a request for a certificate included. Vendors wait for an answer
/// for one to ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

impl Inner {
    /// Where a vendor reports on the message of a send attempt; `None` if it does not, or if this
    /// service has no public address.
    pub(super) fn receipt_target(
        &self,
        provider: &dyn OtpProvider,
        id: VerificationId,
        place: usize,
    ) -> Option<ReceiptTarget> {
        let url = self.receipt_url.as_deref()?;
        provider.capabilities().receipts?;
        let name = provider.id();
        let token = self.keys.receipt_token(name, id, u8::try_from(place).ok()?);
        Some(ReceiptTarget::new(&format!("{url}/{name}"), token))
    }

    /// The adapter of a provider whose vendor sends receipts.
    pub(super) fn reporting(&self, provider: &ProviderId) -> Option<&Arc<dyn OtpProvider>> {
        let adapter = self.providers.adapter(provider)?;
        adapter.capabilities().receipts.is_some().then_some(adapter)
    }

    pub(super) async fn receive(
        &self,
        provider: &ProviderId,
        request: &ReceiptRequest<'_>,
    ) -> Result<ReceiptAnswer, Error> {
        let adapter = self.reporting(provider).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
                .with_detail("no provider of this name takes receipts")
        })?;
        let result = self.read_and_take(provider, &**adapter, request).await;
        if let Err(error) = &result {
            let result = match error.kind() {
                ErrorKind::Unauthenticated => ReceiptResult::Forged,
                ErrorKind::Protocol => ReceiptResult::Unreadable,
                _ => ReceiptResult::Failed,
            };
            metrics::receipt(provider, result);
            // A stranger can send any number of forged ones.
            tracing::debug!(%provider, outcome = error.kind().as_str(), "receipt refused");
        }
        result
    }

    async fn read_and_take(
        &self,
        provider: &ProviderId,
        adapter: &dyn OtpProvider,
        request: &ReceiptRequest<'_>,
    ) -> Result<ReceiptAnswer, Error> {
        // No vendor sees this key: the request is the vendor's.
        let cx = Context::new(IdempotencyKey::from_random([0; 16]))
            .with_deadline((Instant::now() + PATIENCE).into_std());
        let receipts = adapter.receipts(&cx, request).await?;
        if !receipts.receipts.is_empty() {
            self.ensure_same_keys().await?;
        }
        for receipt in &receipts.receipts {
            let result = self.take(provider, receipt).await?;
            metrics::receipt(provider, result);
        }
        Ok(receipts.answer)
    }

    /// Merges one report into its send attempt.
    async fn take(&self, provider: &ProviderId, receipt: &Receipt) -> Result<ReceiptResult, Error> {
        let now = self.clock.now();
        // A vendor's clock may be ahead.
        let at = receipt.at.filter(|at| *at <= now).unwrap_or(now);
        let mark = DeliveryMark::new(receipt.delivery, at, receipt.is_final);
        match &receipt.correlation {
            Correlation::Token(token) => match self.keys.open_receipt_token(provider, token) {
                Some((id, place)) => {
                    let attempt = ReceiptOf::Attempt { id, place };
                    self.merge(attempt, mark, receipt, now).await
                }
                None => Ok(ReceiptResult::Unknown),
            },
            Correlation::Reference(reference) => {
                for tag in self.keys.reference_tags(provider, reference.as_str()) {
                    let attempt = ReceiptOf::Reference(tag);
                    match self.merge(attempt, mark, receipt, now).await? {
                        ReceiptResult::Late => {}
                        result => return Ok(result),
                    }
                }
                Ok(ReceiptResult::Late)
            }
            _ => Ok(ReceiptResult::Unknown),
        }
    }

    async fn merge(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        receipt: &Receipt,
        now: SystemTime,
    ) -> Result<ReceiptResult, Error> {
        Ok(match self.store.receive(attempt, mark, now).await? {
            Received::Changed { record, place, before } => {
                if record.due_at.is_some() {
                    self.bring_forward(&record, place, receipt.failure.as_ref(), now).await;
                }
                self.on_change(*record, place, before, receipt.failure.as_ref());
                self.events.wake();
                ReceiptResult::Changed
            }
            Received::Same => ReceiptResult::Repeated,
            Received::Gone => ReceiptResult::Late,
        })
    }

    /// A message that certainly did not arrive makes the next step due at once, if the step helps: if
    /// its provider is to blame, or if the step goes by another channel.
    async fn bring_forward(
        &self,
        record: &Record,
        place: u8,
        failure: Option<&ReceiptFailure>,
        now: SystemTime,
    ) {
        let Some(attempt) = record.send_attempts.get(usize::from(place)) else { return };
        let lost = attempt.delivery.is_some_and(|mark| {
            mark.is_final() && matches!(mark.delivery(), Delivery::Failed | Delivery::Expired)
        });
        let newest = record.newest_out().is_some_and(|newest| newest.key == attempt.key);
        if !lost || !newest || record.next_step_at(now).is_none_or(|at| at <= now) {
            return;
        }
        let mut opened = record.clone();
        let Ok(payload) = Payload::open(&mut opened, &self.keys) else { return };
        let steps = self.steps_of(record, &payload);
        let step = steps.get(usize::from(record.escalations)).map(|step| &step.by);
        let helps = match (failure.map(|failure| failure.blame), step) {
            (None | Some(Blame::Provider), Some(_)) => true,
            (Some(Blame::Recipient), Some(StepBy::Channel(channel))) => *channel != attempt.channel,
            (_, None) | (Some(_), Some(_)) => false,
        };
        if helps && let Err(error) = self.reschedule(record, Some(now), now).await {
            // Its own time remains.
            tracing::debug!(verification = %record.id, %error, "a step was not brought forward");
        }
    }

    fn on_change(
        &self,
        mut record: Record,
        place: u8,
        before: Option<DeliveryMark>,
        failure: Option<&ReceiptFailure>,
    ) {
        let Some(attempt) = record.send_attempts.get(usize::from(place)).cloned() else { return };
        let Some(mark) = attempt.delivery else { return };
        tracing::info!(
            verification = %record.id,
            send_attempt = place,
            provider = %attempt.provider,
            channel = attempt.channel.as_str(),
            delivery = mark.delivery().as_str(),
            is_final = mark.is_final(),
            blame = failure.map_or("none", |failure| failure.blame.as_str()),
            reason = failure.map(|failure| plain_words(&failure.detail)).unwrap_or_default(),
            "receipt taken"
        );
        self.audit_receipt(&record, &attempt, mark, failure);
        let delivered = |mark: DeliveryMark| mark.delivery() == Delivery::Delivered;
        if delivered(mark) && !before.is_some_and(delivered) {
            // The send or resend began so long before its deadline.
            let begun = attempt.ends_at.checked_sub(self.policy.deadline);
            let took = begun.and_then(|begun| mark.at().duration_since(begun).ok());
            self.rates.count(&attempt.provider, Event::Delivered, self.clock.now());
            let payload = Payload::open(&mut record, &self.keys).ok();
            let recipient = payload.as_ref().map(|payload| &payload.recipient);
            metrics::delivered(&attempt, recipient, took.unwrap_or_default());
        }
    }
}
