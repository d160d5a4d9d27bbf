#![expect(clippy::expect_used, reason = "without the store's outbox there is none here")]

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, Create, Created, DeliveryMark, DueEvents, EndedEvent,
    EndpointName, EndpointState, EndpointStatus, EventsEnded, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, NewEvent, Outbox, QueuedEvent, ReceiptOf, Received, Record,
    RecordOutcome, Reschedule, StartAttempt, State, StoreState, VerificationId, VerificationStore,
    Wanted,
};

/// What a [`WrappedStore`] does with the steps of the store in it.
///
/// ```
/// use otpmux_core::{Blame, Certainty, Error, ErrorKind};
/// use otpmux_engine::{MemoryStore, VerificationStore};
/// use otpmux_testkit::{StoreWrapper, WrappedStore};
///
/// /// A store at which only health updates can be read.
/// #[derive(Debug)]
/// struct Unreachable(MemoryStore);
///
/// impl StoreWrapper for Unreachable {
///     fn store(&self) -> &dyn VerificationStore {
///         &self.0
///     }
///
///     async fn step<T: Send>(
///         &self,
///         name: &'static str,
///         step: impl Future<Output = Result<T, Error>> + Send,
///     ) -> Result<T, Error> {
///         if name == "health" {
///             return step.await;
///         }
///         Err(Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let store = WrappedStore(Unreachable(MemoryStore::new(10)));
/// assert!(store.health(std::time::SystemTime::now()).await.is_ok());
/// assert!(store.probe(std::time::SystemTime::now()).await.is_err());
/// # }
/// ```
pub trait StoreWrapper: fmt::Debug + Send + Sync + 'static {
    /// Returns the store that carries the steps out.
    fn store(&self) -> &dyn VerificationStore;

    /// Carries a step out, or not. `name` is the method of [`VerificationStore`] or [`Outbox`];
    /// nothing happens before `step` is polled.
    fn step<T: Send>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, Error>> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send;

    /// Sees the content of a step that writes a verification, before [`step`](Self::step).
    fn before(&self, _input: StepInput<'_>) {}

    /// Returns the answer of [`VerificationStore::batches_outcomes`].
    fn batches_outcomes(&self) -> bool {
        self.store().batches_outcomes()
    }
}

/// The content of a step that writes a verification.
#[derive(Debug)]
#[non_exhaustive]
pub enum StepInput<'a> {
    /// Of [`VerificationStore::create`].
    Create(&'a Create, SystemTime),
    /// Of [`VerificationStore::start_attempt`].
    StartAttempt(VerificationId, &'a StartAttempt, SystemTime),
    /// Of [`VerificationStore::record_accepted`].
    RecordAccepted(&'a [AcceptedAttempt]),
}

/// A store in front of another one: each step goes through its [`StoreWrapper`].
#[derive(Debug)]
pub struct WrappedStore<W>(pub W);

impl<W> Deref for WrappedStore<W> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.0
    }
}

impl<W: StoreWrapper> WrappedStore<W> {
    fn events(&self) -> &dyn Outbox {
        self.store().outbox().expect("the outbox that this one is in front of")
    }
}

#[async_trait]
impl<W: StoreWrapper> VerificationStore for WrappedStore<W> {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        self.before(StepInput::Create(&create, now));
        self.step("create", self.store().create(create, now)).await
    }
    async fn start_attempt(
        &self,
        id: VerificationId,
        start: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        self.before(StepInput::StartAttempt(id, &start, now));
        self.step("start_attempt", self.store().start_attempt(id, start, now)).await
    }
    async fn record_outcome(
        &self,
        id: VerificationId,
        outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        self.step("record_outcome", self.store().record_outcome(id, outcome, now)).await
    }
    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.before(StepInput::RecordAccepted(&accepted));
        self.step("record_accepted", self.store().record_accepted(accepted, now)).await
    }
    fn batches_outcomes(&self) -> bool {
        StoreWrapper::batches_outcomes(&self.0)
    }
    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        self.step("check_guess", self.store().check_guess(guess, now)).await
    }
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        self.step("approve", self.store().approve(id, guess, now)).await
    }
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.step("end_guess", self.store().end_guess(id, guess, end, now)).await
    }
    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        self.step("receive", self.store().receive(attempt, mark, now)).await
    }
    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.step("due", self.store().due(now, lease, most)).await
    }
    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.step("reschedule", self.store().reschedule(id, reschedule, now)).await
    }
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.step("cancel", self.store().cancel(id, now)).await
    }
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        self.step("load", self.store().load(id, now)).await
    }
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        self.step("health", self.store().health(now)).await
    }
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        self.step("check_keys", self.store().check_keys(keys)).await
    }
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        self.step("probe", self.store().probe(now)).await
    }
    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        self.step("time", self.store().time()).await
    }
    fn outbox(&self) -> Option<&dyn Outbox> {
        self.store().outbox().map(|_| self as &dyn Outbox)
    }
}

#[async_trait]
impl<W: StoreWrapper> Outbox for WrappedStore<W> {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        self.step("put_event", self.events().put_event(event, now)).await
    }
    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        self.step("events_due", self.events().events_due(wanted, lease, now)).await
    }
    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        self.step("end_events", self.events().end_events(ended, now)).await
    }
    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        self.step("events_waiting", self.events().events_waiting(endpoint, most)).await
    }
    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        self.step("endpoints", self.events().endpoints(endpoints)).await
    }
    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        self.step("set_endpoint", self.events().set_endpoint(endpoint, state)).await
    }
}
