use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Blame, Certainty, Error, ErrorKind, Purpose, Verdict};

use crate::{
    Attempt, BeginLeg, Begun, Guess, RecipientHash, Record, SettleLeg, State, VerificationId,
    VerificationStore,
};

/// How long a record outlives its code, so that a late user is told "expired" and not "not found".
const GRACE: Duration = Duration::from_mins(10);

/// The store of a single process: bounded, expiring, gone with the process.
///
/// A store that is full of live verifications refuses new ones. Giving up live ones instead would
/// let a flood of sends throw everybody else out.
pub struct MemoryStore {
    capacity: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    /// Boxed: a table of large records would move them all whenever it grows.
    records: HashMap<VerificationId, Box<Record>>,
    /// The newest verification of a recipient and purpose.
    newest: HashMap<(RecipientHash, Purpose), VerificationId>,
    /// When records may be thrown away, soonest first.
    ends: BTreeSet<(SystemTime, VerificationId)>,
}

impl MemoryStore {
    /// A store of at most `capacity` verifications, those that have ended within the last ten
    /// minutes included. One takes about half a kilobyte.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, shelf: Mutex::default() }
    }

    /// How many verifications it holds.
    pub fn len(&self) -> usize {
        self.shelf().records.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // No step under the lock can panic half-way, so a poisoned shelf is still a whole one.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    /// What it holds is what it protects: only its size is shown.
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

impl Shelf {
    fn drop_ended(&mut self, now: SystemTime) {
        while let Some(&(end, id)) = self.ends.first() {
            if end > now {
                break;
            }
            self.ends.pop_first();
            if let Some(record) = self.records.remove(&id) {
                let Record { recipient, purpose, .. } = *record;
                let key = (recipient, purpose);
                if self.newest.get(&key) == Some(&id) {
                    self.newest.remove(&key);
                }
            }
        }
    }

    /// A record, unless its time is over even for being told so.
    fn get(&mut self, id: VerificationId, now: SystemTime) -> Option<&mut Record> {
        let record = self.records.get_mut(&id)?;
        (now < record.expires_at + GRACE).then_some(record)
    }
}

#[async_trait]
impl VerificationStore for MemoryStore {
    async fn create(&self, record: Record, now: SystemTime) -> Result<(), Error> {
        let guarded = &mut *self.shelf();
        guarded.drop_ended(now);
        if guarded.records.len() >= self.capacity {
            return Err(Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Policy)
                .with_detail(
                    "the memory store is full; raise its capacity or use a shared store",
                ));
        }
        let key = (record.recipient, record.purpose.clone());
        if let Some(older) = guarded.newest.insert(key, record.id)
            && let Some(older) = guarded.records.get_mut(&older)
            && older.state == State::Pending
        {
            older.state = State::Closed;
        }
        guarded.ends.insert((record.expires_at + GRACE, record.id));
        guarded.records.insert(record.id, Box::new(record));
        Ok(())
    }

    async fn begin_leg(
        &self,
        id: VerificationId,
        begin: BeginLeg,
        now: SystemTime,
    ) -> Result<Begun, Error> {
        let outcome = self.shelf().get(id, now).map(|record| record.begin(begin, now));
        Ok(outcome.unwrap_or(Begun::Over(Verdict::NotFound)))
    }

    async fn settle_leg(
        &self,
        id: VerificationId,
        settle: SettleLeg,
        now: SystemTime,
    ) -> Result<State, Error> {
        let state = self.shelf().get(id, now).map(|record| {
            record.settle(settle);
            record.state
        });
        Ok(state.unwrap_or(State::Closed))
    }

    async fn attempt(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Attempt, Error> {
        let attempt = self.shelf().get(id, now).map(|record| record.attempt(guess, now));
        Ok(attempt.unwrap_or(Attempt::Verdict(Verdict::NotFound)))
    }

    async fn approve(&self, id: VerificationId, now: SystemTime) -> Result<Verdict, Error> {
        let verdict = self.shelf().get(id, now).map(|record| record.approve(now));
        Ok(verdict.unwrap_or(Verdict::NotFound))
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        Ok(self.shelf().get(id, now).is_some_and(|record| {
            let live = record.over(now).is_none();
            if live {
                record.state = State::Closed;
            }
            live
        }))
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        Ok(self.shelf().get(id, now).cloned())
    }
}
