use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, Outbox, ReceiptOf, Received, Record, RecordOutcome, Reschedule,
    StartAttempt, State, StoreState, VerificationId, VerificationStore, Which,
};

use crate::answer::Answer;
use crate::call::Call;
use crate::error::Read;
use crate::options::{Options, OptionsError, Time};
use crate::pool::Pool;
use crate::steps::send_attempts::MOST_ACCEPTED;
use crate::steps::{self, creation, due_set, guesses, receipts, send_attempts, standing};

/// After so many new verifications, a store removes what is over.
const CREATIONS: u32 = 32;

/// The most verifications, and the most limits, that one sweep removes. Each takes some locks, and a
/// server has some thousands for all of its sessions.
const SWEEP: i64 = 64;
/// The most sweeps at one time: they remove some times as much as comes in between.
const SWEEPS: u32 = 32;

/// Store on PostgreSQL, for any number of processes.
///
/// Every operation is one function of the database, called by one statement: one transaction and one
/// round trip. If PostgreSQL cannot be reached, does not answer in time, refuses or gives an
/// unreadable answer, the operation fails with
/// [`ErrorKind::Store`](otpmux_core::ErrorKind::Store), whose text says what to do; it never approves
/// a code. An operation whose answer was lost may have been carried out, and then the error says so.
pub struct PostgresStore {
    pool: Arc<Pool>,
    time: Time,
    created: AtomicU32,
    sweeping: Arc<AtomicBool>,
}

impl PostgresStore {
    /// Creates a store on the server of this URL. It may name several hosts, separated by commas: the
    /// first that takes writes is used.
    ///
    /// Connects at the first call, and again after a lost connection: a process can start without
    /// PostgreSQL, and returns errors until it can be reached. [`health`] reports whether it can. The
    /// first connection creates the schema, its tables and its functions, unless
    /// [`migrate`](Options::migrate) is off. Calls must run within a tokio runtime.
    ///
    /// # Errors
    ///
    /// The URL or options are invalid.
    ///
    /// [`health`]: VerificationStore::health
    #[expect(clippy::needless_pass_by_value, reason = "options to come may be used up")]
    pub fn connect(url: impl AsRef<str>, options: Options) -> Result<Self, OptionsError> {
        Ok(Self {
            pool: Arc::new(Pool::new(url.as_ref(), &options)?),
            time: options.time,
            created: AtomicU32::new(0),
            sweeping: Arc::default(),
        })
    }

    pub(crate) async fn run<T>(
        &self,
        call: Call,
        read: impl FnOnce(Answer) -> Read<T>,
    ) -> Result<T, Error> {
        let answer = self.pool.call(&call).await.and_then(read);
        answer.map_err(|error| error.into_error(call.step, call.only_reads()))
    }

    /// Removes what is over, beside the calls: a task, at most one at a time. What it leaves goes
    /// with a later one, of any process.
    fn sweep(&self, now: SystemTime) {
        if self.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let (pool, sweeping) = (Arc::clone(&self.pool), Arc::clone(&self.sweeping));
        tokio::spawn(async move {
            for _ in 0..SWEEPS {
                let call = Call::new("sweep").time(now).number(SWEEP);
                let swept = pool.call(&call).await.and_then(|mut answer| answer.number::<i64>());
                if !swept.is_ok_and(|rows| rows >= SWEEP) {
                    break;
                }
            }
            sweeping.store(false, Ordering::Relaxed);
        });
    }
}

#[async_trait]
impl VerificationStore for PostgresStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        let call = creation::create(&create, now);
        let created = self.run(call, |answer| creation::created(answer, &create.limit_hits)).await;
        if self.created.fetch_add(1, Ordering::Relaxed) % CREATIONS == CREATIONS - 1 {
            self.sweep(now);
        }
        created
    }

    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        let call = send_attempts::start(id, &begin, now);
        self.run(call, |answer| send_attempts::started(answer, &begin.limit_hits)).await
    }

    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        let call = send_attempts::record_outcome(id, record_outcome, now);
        self.run(call, send_attempts::recorded).await
    }

    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        for some in accepted.chunks(MOST_ACCEPTED) {
            self.run(send_attempts::record_accepted(some, now), Answer::done).await?;
        }
        Ok(())
    }

    fn batches_outcomes(&self) -> bool {
        true
    }

    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        if matches!(guess.which(), Which::Id(id) if id.is_delivery()) {
            return Ok(Guessed::NONE);
        }
        self.run(guesses::check(guess, now), guesses::checked).await
    }

    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        if id.is_delivery() {
            return Ok(Verdict::NotFound);
        }
        self.run(guesses::approve(id, guess, now), Answer::verdict).await
    }

    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        if id.is_delivery() {
            return Ok(());
        }
        self.run(guesses::end(id, guess, end, now), Answer::done).await
    }

    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        self.run(receipts::receive(attempt, mark, now), receipts::received).await
    }

    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.run(due_set::due(now, lease, most), due_set::ids).await
    }

    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.run(due_set::reschedule(id, &reschedule, now), Answer::done).await
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.run(steps::cancel(id, now), steps::cancelled).await
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        self.run(steps::load(id, now), steps::loaded).await
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        self.run(standing::health(now), standing::updates).await
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        let call = standing::check_keys(keys);
        self.run(call, |answer| standing::differing(answer, keys)).await
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        self.run(standing::probe(now), standing::probed).await?;
        self.sweep(now);
        Ok(StoreState::Ok)
    }

    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        match self.time {
            Time::Caller => Ok(None),
            Time::Server => self.run(Call::new("time"), standing::time_of_clock).await.map(Some),
        }
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("pool", &self.pool).finish_non_exhaustive()
    }
}
