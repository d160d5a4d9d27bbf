mod due_set;
mod expiry_queue;
mod limits;
mod outbox;
mod tables;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Blame, Certainty, Error, ErrorKind, Verdict};

use self::tables::{Tables, get};
use crate::store::limits::millis;
use crate::{
    AttemptStarted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed, HealthUpdate,
    KeyCheck, KeyId, Lost, Outbox, ReceiptOf, Received, Record, RecordOutcome, Reschedule,
    StartAttempt, State, StoreState, VerificationId, VerificationStore,
};

/// Keys of limits per verification that the store has room for: a recipient's hits are kept for
/// longer than its verifications.
const KEYS_PER_RECORD: usize = 8;

/// Store of a single process: bounded, expiring, lost when the process ends.
///
/// A store that is full of live verifications refuses new ones. If it dropped live ones instead, a
/// flood of sends would displace those of all other users.
pub struct MemoryStore {
    capacity: usize,
    tables: Mutex<Tables>,
}

impl MemoryStore {
    /// A store of at most `capacity` verifications, including those that ended within the last ten
    /// minutes. One takes about half a kilobyte.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, tables: Mutex::default() }
    }

    /// The number of verifications in the store.
    pub fn len(&self) -> usize {
        self.tables().records.len()
    }

    /// Whether the store is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn is_full(&self, tables: &Tables) -> bool {
        tables.records.len() >= self.capacity
            || tables.limits.logs.len() >= self.capacity.saturating_mul(KEYS_PER_RECORD)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // No step under the lock can panic half-way, so poisoned tables are still consistent.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows only the size, because the content is confidential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    /// 100,000 verifications, some 50 MB.
    fn default() -> Self {
        Self::new(100_000)
    }
}

fn full() -> Error {
    Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal)
        .with_detail("the memory store is full; raise its capacity or use a shared store")
}

#[async_trait]
impl VerificationStore for MemoryStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        let tables = &mut *self.tables();
        tables.drop_ended(now);
        let Create { mut record, external, limit_hits, repeat } = create;
        if let Some(before) = tables.before(&record, now) {
            return Ok(before);
        }
        let key = (record.recipient.counted(), record.purpose.clone());
        if repeat
            && !record.id.is_delivery()
            && let Some(live) = tables.repeatable(&key, now)
        {
            return Ok(Created::Live(Box::new(live)));
        }
        if tables.has_external(&external, now) {
            return Ok(Created::ExternalIdTaken);
        }
        if let Some(limited) = tables.limits.full(&limit_hits, now) {
            return Ok(Created::LimitExceeded(limited));
        }
        if tables.given_up.contains(&record.id) {
            return Ok(Created::GivenUp);
        }
        if self.is_full(tables) {
            return Err(full());
        }
        tables.limits.hit(&limit_hits, now);
        if !record.id.is_delivery()
            && let Some(older) = tables.newest.insert(key, record.id)
            && tables.change(older, now, |older| older.supersede(now)).is_some()
        {
            record.supersedes = Some(older);
        }
        if let Some(request) = &record.request {
            tables.named.insert(request.name, record.id);
        }
        if let Some(tag) = record.external {
            tables.external.insert(tag, record.id);
        }
        tables.outbox.add(record.events_of_creation(now));
        tables.ends.add(millis(record.kept_until()), record.id);
        tables.due.follow(record.id, None, record.due_at);
        tables.records.insert(record.id, Box::new(record));
        Ok(Created::New(tables.health(now)))
    }

    async fn start_attempt(
        &self,
        id: VerificationId,
        mut begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        let tables = &mut *self.tables();
        tables.apply(std::mem::take(&mut begin.health_updates));
        let limit_hits = std::mem::take(&mut begin.limit_hits);
        let full = tables.limits.full(&limit_hits, now);
        tables.find_by(id, &begin.ends, now);
        let begun = tables.change(id, now, |record| record.begin(begin, full, now));
        let Some(begun) = begun else { return Ok(AttemptStarted::Over(Verdict::NotFound)) };
        if matches!(begun, AttemptStarted::Started(_)) {
            tables.limits.hit(&limit_hits, now);
        }
        Ok(begun)
    }

    async fn record_outcome(
        &self,
        id: VerificationId,
        mut record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        let tables = &mut *self.tables();
        tables.apply(std::mem::take(&mut record_outcome.health_updates));
        let refunds = std::mem::take(&mut record_outcome.refunds);
        tables.find_by(id, &record_outcome.ends, now);
        let (close, unconfirmed) = (record_outcome.close, record_outcome.unconfirmed);
        let given_up = match record_outcome.lost {
            Some(Lost::Creation(until)) => Some(until),
            _ => None,
        };
        let recorded = tables.change(id, now, |record| {
            let refund = record.record_outcome(record_outcome);
            let failed = close && record.has_failed();
            let key = failed.then(|| (record.recipient.counted(), record.purpose.clone()));
            let events = record.events_of_unconfirmed(unconfirmed, now);
            (refund, record.state, key, events)
        });
        let Some((refund, state, failed, events)) = recorded else {
            if let Some(until) = given_up {
                tables.given_up.insert(id);
                tables.ends.add(millis(until), id);
            }
            return Ok(State::Closed);
        };
        tables.outbox.add(events);
        if let Some(key) = failed {
            tables.uncover(&key, now);
        }
        if refund {
            tables.limits.take_back(&refunds);
        }
        Ok(state)
    }

    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        let tables = &mut *self.tables();
        let Some(id) = tables.selected(guess, now) else { return Ok(Guessed::NONE) };
        let guessed = tables.guess(id, guess, now, |record, named, limits| {
            let wait = limits.wait(guess, &record.recipient, now);
            record.check_guess(guess, named, wait, now)
        });
        Ok(guessed.unwrap_or(Guessed::NONE))
    }

    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        let approve = self
            .tables()
            .guess(id, guess, now, |record, named, _| record.approve(guess, named, now));
        Ok(approve.unwrap_or(Verdict::NotFound))
    }

    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        let end =
            |record: &mut Record, named: &mut _, _: &_| ((), record.end_guess(guess, named, end));
        self.tables().guess(id, guess, now, end);
        Ok(())
    }

    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        let tables = &mut *self.tables();
        let found = match attempt {
            ReceiptOf::Attempt { id, place } => Some((id, place)),
            ReceiptOf::Reference(tag) => tables.referenced.get(&tag).copied(),
        };
        if let Some((id, place)) = found
            && let Some(record) = tables.get(id, now)
        {
            let received = record.receive(place, mark);
            if let Received::Changed { before, .. } = &received {
                let events = record.events_of_mark(place, *before, now);
                tables.outbox.add(events);
            }
            return Ok(received);
        }
        if let ReceiptOf::Reference(tag) = attempt {
            tables.drop_ended(now);
            if tables.early.len() < self.capacity {
                tables.keep_early(tag, mark, now);
            }
        }
        Ok(Received::Gone)
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        Ok(self.tables().change(id, now, |record| record.cancel(now)).unwrap_or(false))
    }

    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        let tables = &mut *self.tables();
        tables.drop_ended(now);
        let Tables { due, records, .. } = tables;
        let known = |id: &VerificationId| get(records, *id, now).is_some();
        let ids: Vec<_> = due.come(now).filter(known).take(most).collect();
        for id in &ids {
            tables.change(*id, now, |record| record.lease(now + lease));
        }
        Ok(ids)
    }

    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.tables().change(id, now, |record| record.reschedule(reschedule));
        Ok(())
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        Ok(self.tables().get(id, now).cloned())
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        Ok(self.tables().health(now))
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        let mut tables = self.tables();
        let mut differs = Vec::new();
        for key in keys {
            let known = tables.keys.entry(KeyId::clone(&key.id)).or_insert(key.value);
            if *known != key.value {
                differs.push(KeyId::clone(&key.id));
            }
        }
        Ok(differs)
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        let tables = &mut *self.tables();
        tables.drop_ended(now);
        Ok(if self.is_full(tables) { StoreState::Full } else { StoreState::Ok })
    }

    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        Ok(None)
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
    }
}
