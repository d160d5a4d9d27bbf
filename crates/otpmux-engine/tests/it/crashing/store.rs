use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Blame, Certainty, Error, ErrorKind, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, MemoryStore, ReceiptOf, Received, Record, RecordOutcome,
    Reschedule, StartAttempt, State, StoreState, VerificationId, VerificationStore,
};
use tokio::sync::Notify;

/// A fault, and the step of the store at which it occurs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    /// This many steps succeed before.
    pub(super) after: usize,
    /// The step is carried out, and only its answer is lost.
    pub(super) done: bool,
    /// A step that creates or starts is carried out later, after its caller has given it up.
    pub(super) late: bool,
    /// The process dies at the step; otherwise it gets an error.
    pub(super) dies: bool,
}

/// A memory store that outlives its processes.
#[derive(Debug)]
pub(super) struct CrashingStore {
    inner: MemoryStore,
    batches: bool,
    fault: Mutex<Option<Fault>>,
    died: Notify,
    late: Mutex<Vec<Late>>,
}

/// A step that is still under way.
#[derive(Debug)]
enum Late {
    Create(Box<Create>, SystemTime),
    Begin(VerificationId, Box<StartAttempt>, SystemTime),
}

impl CrashingStore {
    pub(super) fn new(batches: bool) -> Self {
        let inner = MemoryStore::new(1_000);
        let (fault, late) = (Mutex::default(), Mutex::default());
        Self { inner, batches, fault, died: Notify::new(), late }
    }

    pub(super) fn arm(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Carries out the steps that are still under way.
    pub(super) async fn deliver(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for step in late {
            match step {
                Late::Create(create, now) => drop(self.inner.create(*create, now).await),
                Late::Begin(id, begin, now) => {
                    drop(self.inner.start_attempt(id, *begin, now).await);
                }
            }
        }
    }

    fn comes_late(&self) -> bool {
        let fault = self.fault.lock().unwrap();
        matches!(&*fault, Some(Fault { after: 0, late: true, done: false, .. }))
    }

    /// Returns when a process has died in a step.
    pub(super) async fn died(&self) {
        self.died.notified().await;
    }

    /// The fault of this step, if there is one.
    fn turn(&self) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        match &mut *fault {
            Some(Fault { after: 0, .. }) => fault.take(),
            Some(fault) => {
                fault.after -= 1;
                None
            }
            None => None,
        }
    }

    async fn step<T>(
        &self,
        step: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let Some(fault) = self.turn() else { return step.await };
        if fault.done {
            drop(step.await);
        }
        if fault.dies {
            self.died.notify_one();
            return std::future::pending().await;
        }
        Err(Error::new(ErrorKind::Store, Certainty::Unknown, Blame::Internal))
    }
}

/// A step that changes nothing has no unknown effect.
fn read<T>(result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| error.with_certainty(Certainty::NotSent))
}

#[async_trait]
impl VerificationStore for CrashingStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        if self.comes_late() {
            self.late.lock().unwrap().push(Late::Create(Box::new(create.clone()), now));
        }
        self.step(self.inner.create(create, now)).await
    }
    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        if self.comes_late() {
            self.late.lock().unwrap().push(Late::Begin(id, Box::new(begin.clone()), now));
        }
        self.step(self.inner.start_attempt(id, begin, now)).await
    }
    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        self.step(self.inner.record_outcome(id, record_outcome, now)).await
    }
    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.step(self.inner.record_accepted(accepted, now)).await
    }
    fn batches_outcomes(&self) -> bool {
        self.batches
    }
    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        self.step(self.inner.check_guess(guess, now)).await
    }
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        self.step(self.inner.approve(id, guess, now)).await
    }
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.step(self.inner.end_guess(id, guess, end, now)).await
    }
    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        self.step(self.inner.receive(attempt, mark, now)).await
    }
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.step(self.inner.cancel(id, now)).await
    }
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        read(self.step(self.inner.load(id, now)).await)
    }
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        read(self.step(self.inner.health(now)).await)
    }
    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.step(self.inner.due(now, lease, most)).await
    }
    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.step(self.inner.reschedule(id, reschedule, now)).await
    }
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        self.inner.check_keys(keys).await
    }
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        self.inner.probe(now).await
    }
    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        self.inner.time().await
    }
}
