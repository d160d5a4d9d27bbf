//! The public methods of [`OtpClient`] for the program that runs it: timers, receipts, health, keys, the
//! audit log.

use std::sync::Arc;

use otpmux_core::{Balance, Error, ProviderId, Purpose, ReceiptAnswer, ReceiptRequest, Recipient};

use super::{Explanation, NewVerification, OtpClient, ProviderView, Timers};
use crate::{AuditEntry, AuditSink, StoreState, VerificationId};

/// Escalation: further messages, with the same code, for users who have not typed it.
///
/// A [route](crate::Route::escalate) says when and how. One task in each process, or calls by the
/// application, must ask the store for due verifications. Each step begins once, however many
/// processes ask; after a crash in a step, its message may have been sent and is not repeated.
impl OtpClient {
    /// Begins the steps whose time has come, and returns how many verifications it looked at. Returns
    /// when their sends have ended; they also end if this future is dropped. The result of a single
    /// step is no error: it is in the history of its verification, in logs and metrics.
    ///
    /// Call it once a second, or [spawn](Self::spawn_timers) the task that does.
    ///
    /// # Errors
    ///
    /// The store is out of reach, or a server key differs
    /// ([`check_keys`](Self::check_keys)): nothing was sent.
    pub async fn run_due(&self) -> Result<usize, Error> {
        self.inner().run_due().await
    }

    /// Spawns the task that asks the store for due verifications, every second or two, as long as a route
    /// escalates; otherwise it asks nothing. The task ends when its handle is dropped.
    pub fn spawn_timers(&self) -> Timers {
        Timers::spawn(self.clone())
    }
}

/// Receipts.
impl OtpClient {
    /// Whether a provider of this name takes receipts.
    #[must_use]
    pub fn takes_receipts(&self, provider: &ProviderId) -> bool {
        self.inner().reporting(provider).is_some()
    }

    /// Takes a vendor's request that reports on messages, and returns the body of the answer. The
    /// provider checks that the request is the vendor's. Its reports are merged into the send
    /// attempts: repeats, any order and late ones are harmless, and reports on messages that are
    /// unknown or gone change nothing. A report proves that the vendor has accepted its message; one
    /// that the message failed takes no code back.
    ///
    /// Answer the vendor with a success if this returns one, 401 after
    /// [`Unauthenticated`](otpmux_core::ErrorKind::Unauthenticated), 400 after
    /// [`Protocol`](otpmux_core::ErrorKind::Protocol), 404 after
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound), and 503 otherwise, so that the vendor repeats
    /// it.
    ///
    /// # Errors
    ///
    /// No such provider, or it takes no receipts ([`NotFound`](otpmux_core::ErrorKind::NotFound));
    /// the request is not the vendor's, or too old
    /// ([`Unauthenticated`](otpmux_core::ErrorKind::Unauthenticated)); it cannot be read
    /// ([`Protocol`](otpmux_core::ErrorKind::Protocol)); the store is out of reach
    /// ([`Store`](otpmux_core::ErrorKind::Store)): a part of a batch may have been taken, and the
    /// whole can be repeated.
    pub async fn receive(
        &self,
        provider: &ProviderId,
        request: &ReceiptRequest<'_>,
    ) -> Result<ReceiptAnswer, Error> {
        self.inner().receive(provider, request).await
    }
}

/// Operating.
impl OtpClient {
    /// Explains how a send would be routed now. Sends nothing, counts nothing, and calls neither a
    /// vendor nor the store: health is as this process knows it.
    ///
    /// Uses the plan that [`send`](Self::send) makes, so the two cannot differ.
    #[must_use]
    pub fn explain(&self, new: NewVerification) -> Explanation {
        self.inner().explain(new)
    }

    /// Returns all providers that may get messages, ordered by name, with their health as this
    /// process knows it. Makes no request; see [`refresh_health`](Self::refresh_health).
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderView> {
        self.inner().providers()
    }

    /// Switches on, or off, that approvals are counted by provider ([`ProviderView::last_hour`]). For
    /// that, each verification that was approved is read once more from the store, after the caller
    /// has the verdict. Off by default.
    pub fn count_approvals(&self, count: bool) {
        self.inner().rates.count_approvals(count);
    }

    /// Returns the verification of a recipient and purpose that is live: a code can be verified, and
    /// a guess is left. For operators who have no id: nothing is sent or counted, and no vendor is
    /// called. A recipient's verification that has ended is not found.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn live(
        &self,
        recipient: &Recipient,
        purpose: &Purpose,
    ) -> Result<Option<VerificationId>, Error> {
        self.inner().live(recipient, purpose).await
    }

    /// Reads the health updates of other processes from the store, as every send does.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn refresh_health(&self) -> Result<(), Error> {
        self.inner().refresh_health().await
    }

    /// Returns the balance of a vendor's account. Asks the vendor, within the policy's deadline.
    /// The metric `otpmux_provider_balance` then shows the answer.
    ///
    /// # Errors
    ///
    /// No such provider ([`NotFound`](otpmux_core::ErrorKind::NotFound)), its vendor reports no
    /// balance ([`Unsupported`](otpmux_core::ErrorKind::Unsupported)), or it could not be asked.
    pub async fn balance(&self, provider: &ProviderId) -> Result<Balance, Error> {
        self.inner().balance(provider).await
    }

    /// Checks that this process can verify codes: the store takes writes, and no other process uses
    /// another server key under the same id. A store that is [full](StoreState::Full) refuses new
    /// verifications only.
    ///
    /// Writes a small entry into the store, so call it once a second at most. Also
    /// [refreshes health](Self::refresh_health). Providers that fail do not make a process unready,
    /// because the codes that were sent can be verified.
    ///
    /// # Errors
    ///
    /// Not sent: the store is out of reach or refuses writes
    /// ([`Store`](otpmux_core::ErrorKind::Store)); a server key differs
    /// ([`Configuration`](otpmux_core::ErrorKind::Configuration)).
    pub async fn ready(&self) -> Result<StoreState, Error> {
        self.inner().ready().await
    }

    /// Checks that this process has the same server keys as the others that share its store. Sends,
    /// resends and verifies check it once by themselves; call this at startup to detect a
    /// difference early.
    ///
    /// # Errors
    ///
    /// Not sent: another key was used under the id of one of these
    /// ([`Configuration`](otpmux_core::ErrorKind::Configuration)), or the store is out of reach
    /// ([`Store`](otpmux_core::ErrorKind::Store)).
    pub async fn check_keys(&self) -> Result<(), Error> {
        self.inner().check_keys().await
    }

    /// Adds an entry of the program around this client to its
    /// [audit log](crate::ClientBuilder::audit). `entry` is called only if there is one.
    ///
    /// ```no_run
    /// # use std::time::SystemTime;
    /// # use otpmux_engine::{AuditEntry, OtpClient};
    /// # fn example(client: &OtpClient, now: SystemTime) {
    /// client.audit(|| AuditEntry::new("texts_changed", now));
    /// # }
    /// ```
    pub fn audit(&self, entry: impl FnOnce() -> AuditEntry) {
        self.inner().audit(entry);
    }

    /// Returns the [audit log](crate::ClientBuilder::audit); `None` if there is none.
    pub fn audit_sink(&self) -> Option<Arc<dyn AuditSink>> {
        self.inner().audit_sink().cloned()
    }

    /// Writes the entries of the [audit log](crate::ClientBuilder::audit) that wait. May block, so call it
    /// outside asynchronous tasks.
    pub fn flush_audit(&self) {
        if let Some(sink) = self.inner().audit_sink() {
            sink.flush();
        }
    }

    /// Records in the store what it does not know yet about sends that have returned, and returns
    /// when that is done. Call it before the process or its runtime ends.
    ///
    /// With a store of several processes, a send returns when its vendor has accepted it. That it
    /// was accepted is recorded within 50 ms, together with other sends. A process that ends before
    /// leaves the send attempt as `intended`, which counts as sent: its code can be verified.
    pub async fn flush(&self) {
        self.inner().accepted.flush().await;
    }
}
