use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, Lost, Outbox, ReceiptOf, Received, Record, RecordOutcome,
    Reschedule, StartAttempt, State, StoreState, VerificationId, VerificationStore,
};

use crate::failure::{Fault, of_guess};
use crate::open::{self, OpenError};
use crate::options::{Durability, Options};
use crate::tables::{Tables, stamp};
use crate::writer::Writer;

/// The most accepted send attempts that one step records.
const ACCEPTED: usize = 64;

/// Store of a single machine: one file, shared by any number of processes.
///
/// Cheap to share in an `Arc`. One thread of each store runs the operations, in batches that are
/// committed together; an operation completes after its commit. When the last handle is dropped,
/// the queued operations are finished, and the thread ends.
///
/// # Errors of its operations
///
/// Each is of kind [`ErrorKind::Store`](otpmux_core::ErrorKind::Store): the file cannot be written
/// or is damaged, another process keeps it locked, or it has reached its size. Nothing was sent.
/// The operation was rolled back, unless the disk failed during the commit.
pub struct SqliteStore {
    pub(crate) writer: Writer,
    path: PathBuf,
    durability: Durability,
}

impl SqliteStore {
    /// Opens the database at a path on a local disk, or creates one that only its owner can read.
    /// Blocks meanwhile: call it when a service starts.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, is not a database of otpmux, or has another version.
    #[expect(clippy::needless_pass_by_value, reason = "options to come may be used up")]
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let Options { durability, busy_timeout, max_bytes } = options;
        let path = path.as_ref();
        let conn = open::open(path, durability, busy_timeout)?;
        let writer = Writer::start(conn, busy_timeout, max_bytes).map_err(OpenError::Thread)?;
        Ok(Self { writer, path: path.to_owned(), durability })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl VerificationStore for SqliteStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        self.writer.ask(stamp(now), move |tables| tables.create(&create, now)).await
    }

    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        self.writer.ask(stamp(now), move |tables| tables.start_attempt(id, begin, now)).await
    }

    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        let step = move |tables: &Tables<'_>| tables.record_outcome(id, record_outcome, now);
        self.writer.ask(stamp(now), step).await
    }

    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        let now = stamp(now);
        let mut left = accepted;
        while !left.is_empty() {
            // Not all in one step: other steps of the same batch would wait for all of them.
            let some: Vec<_> = left.drain(..left.len().min(ACCEPTED)).collect();
            self.writer.ask(now, move |tables| tables.record_accepted(some, now)).await?;
        }
        Ok(())
    }

    fn batches_outcomes(&self) -> bool {
        true
    }

    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        let guess = guess.clone();
        let step = move |tables: &Tables<'_>| tables.check_guess(&guess, now);
        self.writer.ask(stamp(now), step).await.map_err(of_guess)
    }

    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        let guess = guess.clone();
        let step = move |tables: &Tables<'_>| tables.approve(id, &guess, now);
        self.writer.ask(stamp(now), step).await.map_err(of_guess)
    }

    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        let guess = guess.clone();
        let step = move |tables: &Tables<'_>| tables.end_guess(id, &guess, end, now);
        self.writer.ask(stamp(now), step).await.map_err(of_guess)
    }

    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        let now = stamp(now);
        self.writer.ask(now, move |tables| tables.receive(attempt, mark, now)).await
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.writer.ask(stamp(now), move |tables| tables.cancel(id, now)).await
    }

    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.writer.ask(stamp(now), move |tables| tables.due(now, lease, most)).await
    }

    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        let now = stamp(now);
        self.writer.ask(now, move |tables| tables.reschedule(id, reschedule, now)).await
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        let now = stamp(now);
        let load = move |tables: &Tables<'_>| Ok(tables.find(id, now)?.map(|found| found.record));
        self.writer.ask(now, load).await
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        let now = stamp(now);
        self.writer.ask(now, move |tables| Ok(tables.health(now)?)).await
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        let keys = keys.to_vec();
        // This step does not depend on the time.
        self.writer.ask(0, move |tables| Ok(tables.check_keys(&keys)?)).await
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        let now = stamp(now);
        self.writer.ask(now, move |tables| Ok(tables.probe(now)?)).await
    }

    /// Processes of one machine share one clock.
    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        Ok(None)
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }
}

/// The steps of the store contract. Each loads, lets the engine decide, and writes; a step that
/// refuses does so before it writes.
impl Tables<'_> {
    fn create(&self, create: &Create, at: SystemTime) -> Result<Created, Fault> {
        let Create { record, external, limit_hits, repeat } = create;
        let now = stamp(at);
        if let Some(request) = record.request.as_deref()
            && let Some(before) = self.named(request.name, now)?
            && !before.record.has_failed()
        {
            let before = Box::new(before.record);
            let same = before.request.as_deref().is_some_and(|it| it.content == request.content);
            return Ok(if same { Created::Replayed(before) } else { Created::KeyReused });
        }
        if *repeat
            && !record.id.is_delivery()
            && let Some(live) = self.repeatable(record, at)?
        {
            return Ok(Created::Live(Box::new(live)));
        }
        for tag in external {
            if self.external(*tag, now)?.is_some_and(|found| !found.record.has_failed()) {
                return Ok(Created::ExternalIdTaken);
            }
        }
        if let Some(limited) = self.full(limit_hits, now)? {
            return Ok(Created::LimitExceeded(limited));
        }
        self.need_room()?;
        if !self.put_newest(record, at)? {
            return Ok(Created::GivenUp);
        }
        self.hit(limit_hits, now)?;
        self.add_events(record.events_of_creation(at))?;
        Ok(Created::New(self.health(now)?))
    }

    fn start_attempt(
        &self,
        id: VerificationId,
        mut begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Fault> {
        let at = stamp(now);
        let found = self.find(id, at)?;
        self.learn(&begin.health_updates)?;
        let Some(mut found) = found else { return Ok(AttemptStarted::Over(Verdict::NotFound)) };
        let limit_hits = std::mem::take(&mut begin.limit_hits);
        let full = self.full(&limit_hits, at)?;
        let told = !begin.ends.is_empty() || !begin.skips.is_empty();
        self.find_by(&mut found, &begin.ends, at)?;
        let begun = found.record.begin(begin, full, now);
        let is_attempt = matches!(begun, AttemptStarted::Started(_));
        if is_attempt {
            self.hit(&limit_hits, at)?;
        }
        if is_attempt || told {
            self.update(&found)?;
        }
        Ok(begun)
    }

    fn record_outcome(
        &self,
        id: VerificationId,
        mut record_outcome: RecordOutcome,
        at: SystemTime,
    ) -> Result<State, Fault> {
        let now = stamp(at);
        let found = self.find(id, now)?;
        self.learn(&record_outcome.health_updates)?;
        let Some(mut found) = found else {
            if let Some(Lost::Creation(until)) = record_outcome.lost {
                self.give_up(id, until)?;
            }
            return Ok(State::Closed);
        };
        let refunds = std::mem::take(&mut record_outcome.refunds);
        let (close, unconfirmed) = (record_outcome.close, record_outcome.unconfirmed);
        self.find_by(&mut found, &record_outcome.ends, now)?;
        let was = found.record.before();
        let due = found.record.record_outcome(record_outcome);
        self.update(&found)?;
        self.add_events(found.record.events_since(was, at))?;
        self.add_events(found.record.events_of_unconfirmed(unconfirmed, at))?;
        if close && found.record.has_failed() {
            self.uncover(&found.record, now)?;
        }
        for refund in refunds.iter().filter(|_| due) {
            self.take_back(refund.key, stamp(refund.at))?;
        }
        Ok(found.record.state)
    }

    fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Fault> {
        let Some(mut found) = self.find(id, stamp(now))? else { return Ok(false) };
        let (state, before) = (found.record.state, found.record.before());
        let live = found.record.cancel(now);
        if found.record.state != state {
            self.update_state(&found)?;
            self.add_events(found.record.events_since(before, now))?;
        }
        Ok(live)
    }
}
