#![expect(clippy::expect_used, reason = "without the store's outbox there is none here")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Counts the calls of a store, each of which is one round trip for a store on a server.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// use otpmux_engine::{MemoryStore, VerificationStore};
/// use otpmux_testkit::CountingStore;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), otpmux_core::Error> {
/// let store = CountingStore::new(Arc::new(MemoryStore::new(10)));
/// store.health(SystemTime::now()).await?;
/// assert_eq!(store.take(), [("health", 1)].into());
/// assert_eq!(store.total(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CountingStore {
    store: Arc<dyn VerificationStore>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
}

impl CountingStore {
    /// Counts the calls of this store.
    pub fn new(store: Arc<dyn VerificationStore>) -> Arc<Self> {
        Arc::new(Self { store, calls: Mutex::default() })
    }

    /// Returns how often each method was called since the last `take`, and begins again.
    pub fn take(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the number of calls since the last [`take`](Self::take).
    pub fn total(&self) -> u64 {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn count(&self, method: &'static str) -> &dyn VerificationStore {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(method).or_default() += 1;
        &*self.store
    }

    fn count_event(&self, method: &'static str) -> &dyn Outbox {
        self.count(method).outbox().expect("the outbox whose calls are counted")
    }
}

#[async_trait]
impl VerificationStore for CountingStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        self.count("create").create(create, now).await
    }
    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        self.count("start_attempt").start_attempt(id, begin, now).await
    }
    async fn record_outcome(
        &self,
        id: VerificationId,
        outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        self.count("record_outcome").record_outcome(id, outcome, now).await
    }
    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.count("record_accepted").record_accepted(accepted, now).await
    }
    fn batches_outcomes(&self) -> bool {
        self.store.batches_outcomes()
    }
    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        self.count("check_guess").check_guess(guess, now).await
    }
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        self.count("approve").approve(id, guess, now).await
    }
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.count("end_guess").end_guess(id, guess, end, now).await
    }
    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        self.count("receive").receive(attempt, mark, now).await
    }
    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.count("due").due(now, lease, most).await
    }
    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.count("reschedule").reschedule(id, reschedule, now).await
    }
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.count("cancel").cancel(id, now).await
    }
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        self.count("load").load(id, now).await
    }
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        self.count("health").health(now).await
    }
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        self.count("check_keys").check_keys(keys).await
    }
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        self.count("probe").probe(now).await
    }
    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        self.count("time").time().await
    }
    fn outbox(&self) -> Option<&dyn Outbox> {
        self.store.outbox().map(|_| self as &dyn Outbox)
    }
}

#[async_trait]
impl Outbox for CountingStore {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        self.count_event("put_event").put_event(event, now).await
    }
    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        self.count_event("events_due").events_due(wanted, lease, now).await
    }
    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        self.count_event("end_events").end_events(ended, now).await
    }
    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        self.count_event("events_waiting").events_waiting(endpoint, most).await
    }
    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        self.count_event("endpoints").endpoints(endpoints).await
    }
    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        self.count_event("set_endpoint").set_endpoint(endpoint, state).await
    }
}
