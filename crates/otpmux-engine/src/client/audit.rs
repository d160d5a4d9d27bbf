//! Entries of the audit log about the calls of a client. Without a sink, a call costs one look.

use std::fmt;
use std::sync::Arc;

use otpmux_core::{Certainty, Code, Error, Outcome, Purpose, ReceiptFailure, Recipient};

use super::inner::Inner;
use super::{
    Checked, CodeDelivery, NewDelivery, NewVerification, OpenStoreError, Resend, Scope, Selector,
    Verification, Verify,
};
use crate::numbers::country_of;
use crate::{
    AuditEntry, AuditSink, DeliveryId, DeliveryMark, Record, SendAttempt, SendAttemptView,
    VerificationId,
};

/// The audit log of a client.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    /// The name under which it was opened.
    name: Option<Box<str>>,
    sink: Arc<dyn AuditSink>,
}

/// An audit log that is open, or that is opened when a client is built.
pub(super) enum NewAudit {
    Open(Arc<dyn AuditSink>),
    Named { name: String, open: Box<OpenAudit> },
}

/// Opens an audit log.
pub(super) type OpenAudit = dyn FnOnce() -> Result<Arc<dyn AuditSink>, OpenStoreError> + Send;

impl NewAudit {
    /// Opens it, unless `before` is the one of this name.
    pub(super) fn open(self, before: Option<&Audit>) -> Result<Audit, OpenStoreError> {
        match self {
            Self::Open(sink) => Ok(Audit { name: None, sink }),
            Self::Named { name, open } => {
                match before.filter(|it| it.name.as_deref() == Some(&*name)) {
                    Some(before) => Ok(before.clone()),
                    None => Ok(Audit { name: Some(name.into()), sink: open()? }),
                }
            }
        }
    }
}

impl fmt::Debug for NewAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(sink) => f.debug_tuple("Open").field(sink).finish(),
            Self::Named { name, .. } => {
                f.debug_struct("Named").field("name", name).finish_non_exhaustive()
            }
        }
    }
}

/// The entry of a call under way; recorded when it is dropped at the latest.
pub(super) struct OpenEntry {
    inner: Arc<Inner>,
    sink: Arc<dyn AuditSink>,
    entry: Option<AuditEntry>,
}

impl OpenEntry {
    fn set(&mut self, set: impl FnOnce(&mut AuditEntry)) {
        if let Some(entry) = &mut self.entry {
            set(entry);
        }
    }

    fn of_recipient(&mut self, recipient: &Recipient, purpose: &Purpose) {
        let hash = self.inner.keys.hash(recipient).audit_text();
        self.set(|entry| {
            entry.recipient_hash = Some(hash);
            entry.purpose = Some(purpose.to_string());
            entry.country = recipient.phone().and_then(country_of);
        });
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.at = self.inner.clock.now();
            self.sink.record(entry);
        }
    }
}

/// `None` without an audit log.
type Opened = Option<Box<OpenEntry>>;

/// Records the entry of a call that has ended.
fn end(opened: Opened, set: impl FnOnce(&mut AuditEntry)) {
    if let Some(mut opened) = opened {
        opened.set(|entry| {
            entry.outcome = None;
            set(entry);
        });
    }
}

impl Inner {
    /// Begins the entry of a call of this tenant.
    fn begin(self: &Arc<Self>, event: &'static str, tenant: Option<&str>) -> Opened {
        let audit = self.audit.as_ref()?;
        let mut entry = AuditEntry::new(event, self.clock.now());
        entry.api_key = tenant.map(str::to_owned);
        entry.outcome = Some("abandoned");
        let (inner, sink) = (Arc::clone(self), Arc::clone(&audit.sink));
        Some(Box::new(OpenEntry { inner, sink, entry: Some(entry) }))
    }

    pub(super) async fn audited_send(
        self: &Arc<Self>,
        new: Box<NewVerification>,
        tenant: Option<&str>,
    ) -> Result<Verification, Error> {
        let mut opened = self.begin("send", tenant);
        if let Some(opened) = &mut opened {
            opened.of_recipient(&new.recipient, &new.options.purpose);
            let channel = new.channel_or_default().to_string();
            opened.set(|entry| entry.channel = Some(channel));
        }
        let result = self.send(new, None).await;
        end(opened, |entry| sent(entry, &result));
        result
    }

    pub(super) async fn audited_resend(
        self: &Arc<Self>,
        id: VerificationId,
        resend: Resend,
        scope: &Scope,
        tenant: Option<&str>,
    ) -> Result<Verification, Error> {
        let opened = self.of_id("resend", id, tenant);
        let result = self.resend(id, resend, scope).await;
        end(opened, |entry| sent(entry, &result));
        result
    }

    /// Records a step of escalation.
    pub(super) fn audit_step(
        self: &Arc<Self>,
        id: VerificationId,
        result: &Result<Verification, Error>,
    ) {
        end(self.of_id("escalate", id, None), |entry| sent(entry, result));
    }

    pub(super) async fn audited_deliver(
        self: &Arc<Self>,
        new: NewDelivery,
        tenant: Option<&str>,
    ) -> Result<CodeDelivery, Error> {
        let mut opened = self.begin("deliver", tenant);
        if let Some(opened) = &mut opened {
            opened.of_recipient(&new.recipient, &new.options.purpose);
            let channel = new.options.channel.as_ref().map(ToString::to_string);
            opened.set(|entry| entry.channel = channel);
        }
        let result = self.deliver(new).await;
        end(opened, |entry| delivered(entry, &result));
        result
    }

    pub(super) async fn audited_redeliver(
        self: &Arc<Self>,
        id: DeliveryId,
        resend: Resend,
        scope: &Scope,
        tenant: Option<&str>,
    ) -> Result<CodeDelivery, Error> {
        let opened = self.of_id("redeliver", id.record_id(), tenant);
        let result = self.redeliver(id, resend, scope).await;
        end(opened, |entry| delivered(entry, &result));
        result
    }

    pub(super) async fn audited_check(
        self: &Arc<Self>,
        which: &Selector,
        code: &Code,
        verify: &Verify,
        tenant: Option<&str>,
    ) -> Result<Checked, Error> {
        let mut opened = self.begin("verify", tenant);
        if let Some(opened) = &mut opened {
            match which {
                Selector::Id(id) => opened.set(|entry| entry.id = Some(id.to_string())),
                Selector::Recipient { recipient, purpose } => {
                    opened.of_recipient(recipient, purpose);
                }
                Selector::External { purpose, .. } => {
                    opened.set(|entry| entry.purpose = Some(purpose.to_string()));
                }
            }
        }
        let result = self.check(which, code, verify, tenant).await;
        end(opened, |entry| match &result {
            Ok(checked) => {
                entry.verdict = Some(checked.verdict.as_str());
                if let Some(id) = checked.id {
                    entry.id = Some(id.to_string());
                }
            }
            Err(error) => entry.failed(error),
        });
        result
    }

    pub(super) async fn audited_cancel(
        self: &Arc<Self>,
        id: VerificationId,
        tenant: Option<&str>,
    ) -> Result<bool, Error> {
        let opened = self.of_id("cancel", id, tenant);
        let result = self.cancel(id).await;
        end(opened, |entry| match &result {
            Ok(true) => entry.outcome = Some("cancelled"),
            Ok(false) => entry.outcome = Some("not_pending"),
            Err(error) => entry.failed(error),
        });
        result
    }

    pub(super) async fn audited_end_delivery(
        self: &Arc<Self>,
        id: DeliveryId,
        outcome: Outcome,
        tenant: Option<&str>,
    ) -> Result<bool, Error> {
        let opened = self.of_id("end_delivery", id.record_id(), tenant);
        let result = self.end_delivery(id, outcome).await;
        end(opened, |entry| match &result {
            Ok(true) => entry.outcome = Some(outcome.as_str()),
            Ok(false) => entry.outcome = Some("not_pending"),
            Err(error) => entry.failed(error),
        });
        result
    }

    /// Records that a receipt has changed what is known about a message.
    pub(super) fn audit_receipt(
        &self,
        record: &Record,
        attempt: &SendAttempt,
        mark: DeliveryMark,
        failure: Option<&ReceiptFailure>,
    ) {
        let Some(audit) = &self.audit else { return };
        let mut entry = AuditEntry::new("receipt", self.clock.now());
        entry.id = Some(record.id.to_string());
        entry.recipient_hash = Some(record.recipient.audit_text());
        entry.purpose = Some(record.purpose.to_string());
        entry.channel = Some(attempt.channel.to_string());
        entry.provider = Some(attempt.provider.to_string());
        entry.delivery = Some(mark.delivery().as_str());
        entry.blame = failure.map(|failure| failure.blame.as_str());
        audit.sink.record(entry);
    }

    /// Passes on an entry of the program around this client.
    pub(super) fn audit(&self, entry: impl FnOnce() -> AuditEntry) {
        if let Some(audit) = &self.audit {
            audit.sink.record(entry());
        }
    }

    pub(super) fn audit_sink(&self) -> Option<&Arc<dyn AuditSink>> {
        self.audit.as_ref().map(|audit| &audit.sink)
    }

    fn of_id(
        self: &Arc<Self>,
        event: &'static str,
        id: VerificationId,
        tenant: Option<&str>,
    ) -> Opened {
        let mut opened = self.begin(event, tenant);
        if let Some(opened) = &mut opened {
            opened.set(|entry| entry.id = Some(id.to_string()));
        }
        opened
    }
}

fn sent(entry: &mut AuditEntry, result: &Result<Verification, Error>) {
    match result {
        Ok(sent) => went_out(entry, &sent.id, &sent.channel, sent.confirmed, &sent.send_attempts),
        Err(error) => entry.failed(error),
    }
}

fn delivered(entry: &mut AuditEntry, result: &Result<CodeDelivery, Error>) {
    match result {
        Ok(sent) => went_out(entry, &sent.id, &sent.channel, sent.confirmed, &sent.send_attempts),
        Err(error) => entry.failed(error),
    }
}

fn went_out(
    entry: &mut AuditEntry,
    id: &dyn fmt::Display,
    channel: &otpmux_core::Channel,
    confirmed: bool,
    attempts: &[SendAttemptView],
) {
    entry.id = Some(id.to_string());
    entry.channel = Some(channel.to_string());
    entry.tried(attempts);
    if confirmed {
        entry.outcome = Some("confirmed");
    } else {
        entry.outcome = Some("unconfirmed");
        entry.certainty = Some(Certainty::Unknown.as_str());
    }
}
