//! The client: all public methods are in this file; each calls the file of its name.

mod admin;
mod audit;
mod builder;
mod cancel;
mod deliver;
mod due;
mod events;
mod explain;
mod inner;
mod key_check;
mod live;
mod metrics;
mod payload;
mod providers;
mod rates;
mod receive;
mod reconcile;
mod reload;
mod report_queue;
mod request;
mod scoped;
mod selector;
mod send;
mod status;
mod store_time;
mod verify;
mod view;
mod wording;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use otpmux_core::{
    Balance, Code, CountryCode, Error, Outcome, ProviderId, Purpose, ReceiptAnswer, ReceiptRequest,
    Recipient, RecipientError, Verdict,
};
use tokio::sync::Mutex;

pub use admin::ProviderView;
pub use builder::{BuildError, ClientBuilder, ClientConfig, OpenStoreError};
pub use deliver::{CodeDelivery, CodeDeliveryStatus, CodeInTextError, NewDelivery};
pub use due::Timers;
pub use events::{EventDelivery, EventStream, TakenEvents};
pub use explain::{CandidateView, Explanation, LimitView, MessageView};
pub use metrics::describe_metrics;
pub use rates::LastHour;
pub use reload::Reloaded;
pub use request::{InFlight, NewVerification, Resend, Verify};
pub use scoped::{Scope, ScopedClient};
pub use selector::{Checked, Selector};
pub use view::{CodeSourceView, HistoryEntry, SendAttemptView, Verification, VerificationStatus};

use inner::Inner;

use crate::{
    AuditEntry, AuditSink, DeliveryId, EndpointName, EndpointState, EndpointStatus, EventEnd,
    EventId, EventSettings, EventType, StoreState, VerificationId, Wanted,
};

/// Client for sending and verifying one-time codes over one or several providers.
///
/// Cheap to clone; all clones share one state. Every method may be called from many tasks at once.
/// A call may be dropped at any await; the store then shows that it began.
///
/// ```no_run
/// use std::sync::Arc;
/// use otpmux_core::{Code, OtpProvider, Recipient};
/// use otpmux_engine::{NewVerification, OtpClient};
///
/// # async fn example(easyotp: Arc<dyn OtpProvider>, startmessaging: Arc<dyn OtpProvider>)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let client = OtpClient::builder().provider(easyotp).provider(startmessaging).build()?;
///
/// let to: Recipient = "+919876543210".parse()?;
/// let sent = client.send(NewVerification::to(to)).await?;
///
/// let typed: Code = "004217".parse()?;
/// if client.verify(sent.id, &typed).await?.is_approved() {
///     // let them in
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OtpClient(Arc<Shared>);

struct Shared {
    /// The current state. Every call loads it once and uses it until it returns.
    inner: ArcSwap<Inner>,
    /// Held while a reload builds the next state, so that reloads run one after the other.
    reloading: Mutex<()>,
}

/// Building and reloading.
impl OtpClient {
    /// Returns a builder. At least one provider is required; everything else has a default.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Builds the client that a configuration describes. Makes no request.
    ///
    /// # Errors
    ///
    /// The configuration contradicts itself.
    pub fn from_config<C: ClientConfig + ?Sized>(config: &C) -> Result<Self, C::Error> {
        Ok(config.client_builder()?.build()?)
    }

    /// Replaces providers, routes, keys and policy in one step. Calls under way finish with the old
    /// ones. Pending verifications can still be verified, at the providers that sent their codes. A
    /// provider that is unchanged keeps its connections and its health. On an error nothing
    /// changes.
    ///
    /// The builder's clock and entropy are ignored. Without a store or keys in the builder, the
    /// current ones stay.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`]. Besides: another store ([`BuildError::StoreChanged`]), no
    /// key that signs now ([`BuildError::KeyGone`]), a new key that differs from the one of other
    /// processes ([`BuildError::KeyDiffers`]) or could not be compared
    /// ([`BuildError::KeyUnchecked`]).
    pub async fn reload(&self, builder: ClientBuilder) -> Result<Reloaded, BuildError> {
        self.0.reload(builder).await
    }

    /// [`reload`](Self::reload) from a configuration.
    ///
    /// # Errors
    ///
    /// Those of [`reload`](Self::reload), in the configuration's error type.
    pub async fn reload_config<C: ClientConfig + ?Sized>(
        &self,
        config: &C,
    ) -> Result<Reloaded, C::Error> {
        Ok(self.reload(config.client_builder()?).await?)
    }

    /// A handle that sees verifications of some purposes only.
    #[must_use]
    pub fn scoped(&self, scope: Scope) -> ScopedClient {
        ScopedClient::new(self.clone(), scope)
    }
}

/// Verifications.
impl OtpClient {
    /// Sends a code by the first provider that accepts it. After a failure it tries further
    /// providers where [`next_step`](otpmux_core::next_step()) allows that.
    ///
    /// Returns once a vendor has accepted the message ([`confirmed`](Verification::confirmed)), or
    /// once a message may have gone out and no other may follow. In both cases the code can be
    /// verified, and an older verification of the same recipient and purpose is superseded. If
    /// nothing went out, the older code stays valid.
    ///
    /// # Errors
    ///
    /// Nothing went out for this verification, and no code is valid for it. Certainty
    /// [`NotSent`](otpmux_core::Certainty::NotSent): no provider could take the request (invalid,
    /// unsupported, no route), a limit is reached, or the store is out of reach. `NotSent` or
    /// [`Rejected`](otpmux_core::Certainty::Rejected): the last provider's error.
    /// [`Unknown`](otpmux_core::Certainty::Unknown) is the exception: a message may have gone out,
    /// but the store could not record it, or the verification was cancelled or superseded
    /// meanwhile.
    pub async fn send(&self, new: NewVerification) -> Result<Verification, Error> {
        self.inner().audited_send(new, None).await
    }

    /// Sends another message because the user asked for it. A code that otpmux generated is
    /// repeated, by another provider where there is one, by another channel if asked. Where no
    /// provider that can carry it is available, a vendor generates a second code, and
    /// [`new_code`](Verification::new_code) is true. Both codes are then valid until one is used,
    /// and share one count of guesses. A resend renews neither the TTL nor the guesses.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send). Besides, [`RateLimited`](otpmux_core::ErrorKind::RateLimited)
    /// with a [`retry_after`](Error::retry_after) before
    /// [`resend_after`](Verification::resend_after); [`NotFound`](otpmux_core::ErrorKind::NotFound)
    /// when no code is valid for the verification any more. With an idempotency key:
    /// [`KeyReused`](otpmux_core::ErrorKind::KeyReused) when it was used for another channel,
    /// [`Conflict`](otpmux_core::ErrorKind::Conflict) when the first request is under way and
    /// [`InFlight::Refuse`] was chosen.
    pub async fn resend(&self, id: VerificationId, resend: Resend) -> Result<Verification, Error> {
        self.inner().audited_resend(id, resend, &Scope::all(), None).await
    }

    /// Checks a code. A wrong code is an answer, not an error.
    ///
    /// The id selects the verification, so take it from a place that only the application can
    /// write, such as a server-side session. If it comes back from the user, call
    /// [`verify_for`](Self::verify_for).
    ///
    /// # Errors
    ///
    /// No error is an approval. The store is out of reach, or the vendor that generated the code
    /// could not be asked; then the guess is not counted, but with certainty
    /// [`Unknown`](otpmux_core::Certainty::Unknown) the vendor may have used the code up. With
    /// certainty unknown and [`Blame::Internal`](otpmux_core::Blame::Internal), the store's answer
    /// was lost: the code may have been checked and the verification used up. Only
    /// [`verify_with`](Self::verify_with) an idempotency key can be repeated then.
    pub async fn verify(&self, id: VerificationId, code: &Code) -> Result<Verdict, Error> {
        self.verify_with(id, code, Verify::new()).await
    }

    /// Checks a code for one recipient and purpose. A verification of another recipient or purpose
    /// is [`NotFound`](Verdict::NotFound), and no guess is counted. So a user who sends an id back
    /// cannot select a verification of a lesser purpose or of another number.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub async fn verify_for(
        &self,
        id: VerificationId,
        code: &Code,
        recipient: &Recipient,
        purpose: &Purpose,
    ) -> Result<Verdict, Error> {
        let verify = Verify::new().for_recipient(recipient.clone()).for_purpose(purpose.clone());
        self.verify_with(id, code, verify).await
    }

    /// [`verify`](Self::verify) with another selection or further details of the guess.
    ///
    /// A verification may be selected by its recipient and purpose: then nothing needs to be kept
    /// between the send and the verify. It is found in the same step of the store, and all counts
    /// are the same. A recipient without a verification gets [`NotFound`](Verdict::NotFound), and
    /// nothing is counted. Show users a verdict [without its reason](Verdict::without_reason), so
    /// that they do not learn whom a code was sent to.
    ///
    /// ```no_run
    /// # use otpmux_core::Code;
    /// # use otpmux_engine::{OtpClient, VerificationId, Verify};
    /// # async fn example(client: OtpClient, id: VerificationId, typed: Code)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// // One key for all repeats of one guess.
    /// let verify = Verify::new().with_idempotency_key("session-7-guess-1");
    /// let verdict = match client.verify_with(id, &typed, verify.clone()).await {
    ///     Ok(verdict) => verdict,
    ///     Err(_) => client.verify_with(id, &typed, verify).await?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```no_run
    /// # use otpmux_core::{Code, Purpose, Recipient};
    /// # use otpmux_engine::{OtpClient, Selector, Verify};
    /// # async fn example(client: OtpClient, to: Recipient, typed: Code)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let which = Selector::recipient(to, Purpose::new("login")?);
    /// if client.verify_with(which, &typed, Verify::new()).await?.is_approved() {
    ///     // let them in
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify). Besides, not sent:
    /// [`KeyReused`](otpmux_core::ErrorKind::KeyReused) when another code was checked under the
    /// same idempotency key.
    pub async fn verify_with(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        verify: Verify,
    ) -> Result<Verdict, Error> {
        Ok(self.check(which, code, verify).await?.verdict)
    }

    /// [`verify_with`](Self::verify_with), and the id of the verification that was selected.
    ///
    /// # Errors
    ///
    /// Those of [`verify_with`](Self::verify_with).
    pub async fn check(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        verify: Verify,
    ) -> Result<Checked, Error> {
        self.inner().audited_check(which.into(), code, verify, None).await
    }

    /// Returns the state of a verification. Asks the vendors that report delivery where the
    /// messages are. A send attempt whose answer was lost is recorded as accepted if its vendor
    /// knows it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound) when the id is unknown or past its retention;
    /// the store is out of reach. A vendor that cannot be asked is no error.
    pub async fn status(&self, id: VerificationId) -> Result<Verification, Error> {
        self.inner().status(id, &Scope::all()).await
    }

    /// Cancels a verification: no code is valid for it any more. Calls the vendors that can cancel,
    /// within the policy's deadline; their answers change nothing. Returns whether it was pending.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn cancel(&self, id: VerificationId) -> Result<bool, Error> {
        self.inner().audited_cancel(id, None).await
    }

    /// Parses a recipient as people type it. A number in national form is read as one of `country`
    /// or, without it, of the policy's [`default_country`](crate::Policy::default_country); see
    /// [`Recipient::parse_in`]. [`Verification::to`] shows how the text was understood.
    ///
    /// # Errors
    ///
    /// The error says what is missing or wrong, and does not repeat the text.
    pub fn read_recipient(
        &self,
        text: &str,
        country: Option<CountryCode>,
    ) -> Result<Recipient, RecipientError> {
        Recipient::parse_in(text, country.or(self.inner().policy.default_country))
    }
}

/// Deliveries: codes that the caller made and will check.
///
/// A delivery goes the way of a send: routes, limits, failover, hedging, one code for all send
/// attempts, history, receipts. It is no verification: no guess is ever checked against it, and it
/// neither supersedes nor is superseded. Its code is kept encrypted, and only until its TTL ends.
impl OtpClient {
    /// Delivers a code that the caller made, by the first provider that accepts it. Only providers
    /// that carry a given code are candidates.
    ///
    /// ```no_run
    /// # use otpmux_core::{Code, Outcome, Recipient};
    /// # use otpmux_engine::{NewDelivery, OtpClient};
    /// # async fn example(client: OtpClient, to: Recipient) -> Result<(), Box<dyn std::error::Error>> {
    /// let code = Code::given("0M53RF")?;
    /// let sent = client.deliver(NewDelivery::of(code, to)).await?;
    /// // Later, when the user has typed the right code:
    /// client.end_delivery(sent.id, Outcome::Approved).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), with the same certainties.
    pub async fn deliver(&self, new: NewDelivery) -> Result<CodeDelivery, Error> {
        self.inner().audited_deliver(new, None).await
    }

    /// Returns the state of a delivery, as [`status`](Self::status) does for a verification.
    ///
    /// # Errors
    ///
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound) when the id is unknown or the TTL has passed;
    /// the store is out of reach.
    pub async fn delivery(&self, id: DeliveryId) -> Result<CodeDelivery, Error> {
        self.inner().delivery(id, &Scope::all()).await
    }

    /// Delivers the same code again because the user asked for it, by another provider where there
    /// is one, by another channel if asked; within the limits of a [`resend`](Self::resend).
    ///
    /// # Errors
    ///
    /// Those of [`resend`](Self::resend); [`NotFound`](otpmux_core::ErrorKind::NotFound) also after
    /// [`end_delivery`](Self::end_delivery).
    pub async fn redeliver(&self, id: DeliveryId, resend: Resend) -> Result<CodeDelivery, Error> {
        self.inner().audited_redeliver(id, resend, &Scope::all(), None).await
    }

    /// Ends a delivery: its code was used, or is not wanted any more. It is not delivered again, and
    /// vendors that want to know how a verification ended are told, after this call. Returns whether
    /// it had not ended before; only the first outcome counts.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn end_delivery(&self, id: DeliveryId, outcome: Outcome) -> Result<bool, Error> {
        self.inner().audited_end_delivery(id, outcome, None).await
    }
}

/// Escalation: further messages, with the same code, for users who have not typed it.
///
/// A [route](crate::Route::escalate) says when and how. Something must ask the store what is due: one
/// task in each process, or calls of the application's own. Each step begins once, however many
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

    /// Spawns the task that asks the store what is due, about once a second, as long as a route
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
    /// [audit log](ClientBuilder::audit). `entry` is called only if there is one.
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

    /// Returns the [audit log](ClientBuilder::audit); `None` if there is none.
    pub fn audit_sink(&self) -> Option<Arc<dyn AuditSink>> {
        self.inner().audit_sink().cloned()
    }

    /// Writes the entries of the [audit log](ClientBuilder::audit) that wait. May block, so call it
    /// outside asynchronous tasks.
    pub fn flush_audit(&self) {
        if let Some(sink) = self.inner().audit_sink() {
            sink.flush();
        }
    }
}

/// Events.
impl OtpClient {
    /// Reads the events of one endpoint: every event at least once, in no particular order.
    ///
    /// ```no_run
    /// # use otpmux_engine::OtpClient;
    /// # async fn example(client: OtpClient) -> Result<(), otpmux_core::Error> {
    /// let mut events = client.events("billing")?;
    /// loop {
    ///     let event = events.next().await?;
    ///     println!("{} {}", event.id, event.event());
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// No such endpoint ([`NotFound`](otpmux_core::ErrorKind::NotFound)).
    pub fn events(&self, endpoint: &str) -> Result<EventStream, Error> {
        EventStream::of(self, endpoint)
    }

    /// The endpoints in force.
    #[must_use]
    pub fn event_settings(&self) -> EventSettings {
        self.inner().events.settings().clone()
    }

    /// Changes whenever this process has written events, so that they can be taken at once.
    #[must_use]
    pub fn events_written(&self) -> tokio::sync::watch::Receiver<()> {
        self.inner().events.waker().subscribe()
    }

    /// Takes events that are due, oldest first. Each is this process's for a minute; then another
    /// process may take it. End each with [`end_event`](Self::end_event).
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn take_events(&self, wanted: &[Wanted]) -> Result<TakenEvents, Error> {
        self.inner().take_events(wanted).await
    }

    /// Records what became of an event that was taken. Returns since when every try at its endpoint
    /// has failed, if the last one did.
    ///
    /// # Errors
    ///
    /// The store is out of reach: the event is due again when its lease ends.
    pub async fn end_event(
        &self,
        endpoint: &EndpointName,
        id: EventId,
        end: EventEnd,
    ) -> Result<Option<SystemTime>, Error> {
        self.inner().end_event(endpoint, id, end).await
    }

    /// Reads the events that wait for one endpoint, or for all, at most so many of each (and 1,000),
    /// oldest first.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn events_waiting(
        &self,
        endpoint: Option<&str>,
        most: usize,
    ) -> Result<Vec<EventDelivery>, Error> {
        self.inner().events_waiting(endpoint, most).await
    }

    /// Makes an event due now, wherever it waits. Returns whether there is such an event.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn retry_event(&self, id: EventId) -> Result<bool, Error> {
        self.inner().retry_event(id).await
    }

    /// Returns what the store knows about every endpoint in force.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn event_endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        self.inner().endpoint_statuses().await
    }

    /// Pauses an endpoint, switches it off or on again, for all processes of the store. Its events wait
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// No such endpoint ([`NotFound`](otpmux_core::ErrorKind::NotFound)); the store is out of reach.
    pub async fn set_endpoint(&self, name: &str, state: EndpointState) -> Result<(), Error> {
        self.inner().set_endpoint(name, state).await
    }

    /// Writes an event of this type whose purpose, provider and reason are `test`, for every endpoint that
    /// gets the type. Returns its id and the number of endpoints.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn trigger_event(&self, event: EventType) -> Result<(EventId, usize), Error> {
        self.inner().trigger_event(event).await
    }

    /// The time that events use: the store's.
    #[must_use]
    pub fn event_time(&self) -> SystemTime {
        self.inner().event_time()
    }
}

impl OtpClient {
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

impl OtpClient {
    fn of(inner: Inner) -> Self {
        let inner = ArcSwap::from_pointee(inner);
        Self(Arc::new(Shared { inner, reloading: Mutex::default() }))
    }

    fn inner(&self) -> Arc<Inner> {
        self.0.inner.load_full()
    }
}

impl fmt::Debug for OtpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("OtpClient")
            .field("providers", &inner.providers.active.keys())
            .field("store", &inner.store)
            .finish_non_exhaustive()
    }
}
