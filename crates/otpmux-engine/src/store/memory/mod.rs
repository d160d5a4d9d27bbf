mod expiry_queue;
mod keyed_map;
mod limits;

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use otpmux_core::{Blame, Certainty, Error, ErrorKind, ProviderId, Purpose, Verdict};

use self::expiry_queue::ExpiryQueue;
use self::keyed_map::{KeyHasher, KeyedMap};
use self::limits::Limits;
use crate::store::limits::millis;
use crate::store::steps::{selected, uncovered};
use crate::store::{EARLY_RECEIPT, HEALTH_TTL, HEALTH_UPDATES_KEPT};
use crate::{
    AttemptEnd, AttemptStarted, Counted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, Lost, NamedGuess, ReceiptOf, Received, RecipientHash, Record,
    RecordOutcome, StartAttempt, State, StoreState, VerificationId, VerificationStore, Which,
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

/// Boxed: a table of large records would move them all whenever it grows.
type Records = KeyedMap<VerificationId, Box<Record>>;

#[derive(Default)]
struct Tables {
    records: Records,
    /// The newest verification of a recipient, in any spelling, and purpose.
    newest: KeyedMap<([u8; 16], Purpose), VerificationId>,
    /// Verifications by idempotency key of their request.
    named: KeyedMap<[u8; 16], VerificationId>,
    /// Verifications by their callers' ids.
    external: KeyedMap<[u8; 16], VerificationId>,
    /// Send attempts by the reference that their vendors' receipts name.
    referenced: KeyedMap<[u8; 16], (VerificationId, u8)>,
    /// The keys of a verification in `referenced`.
    references: KeyedMap<VerificationId, Vec<[u8; 16]>>,
    /// Marks of receipts that came before their reference, and until when they count.
    early: KeyedMap<[u8; 16], (DeliveryMark, SystemTime)>,
    /// When entries of `early` may be dropped.
    early_ends: ExpiryQueue<[u8; 16]>,
    /// Verifications that were given up and must not be created any more.
    given_up: HashSet<VerificationId, BuildHasherDefault<KeyHasher>>,
    /// When records, and entries of `given_up`, may be dropped.
    ends: ExpiryQueue<VerificationId>,
    limits: Limits,
    /// Guesses by name.
    guesses: KeyedMap<[u8; 16], NamedGuess>,
    /// The keys of a verification in `guesses`: few, because only counted guesses are kept.
    guess_names: KeyedMap<VerificationId, Vec<[u8; 16]>>,
    /// By provider and process.
    health: BTreeMap<(ProviderId, u64), HealthUpdate>,
    /// The check values of server keys.
    keys: BTreeMap<KeyId, [u8; 32]>,
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

impl Tables {
    fn drop_ended(&mut self, now: SystemTime) {
        self.limits.drop_ended(now);
        while let Some(ids) = self.ends.take(millis(now)) {
            for id in ids {
                self.forget(id);
            }
        }
        while let Some(tags) = self.early_ends.take(millis(now)) {
            for tag in tags {
                if self.early.get(&tag).is_some_and(|(_, until)| *until <= now) {
                    self.early.remove(&tag);
                }
            }
        }
    }

    fn forget(&mut self, id: VerificationId) {
        self.given_up.remove(&id);
        let Some(record) = self.records.remove(&id) else { return };
        for tag in self.references.remove(&id).unwrap_or_default() {
            if self.referenced.get(&tag).is_some_and(|(of, _)| *of == id) {
                self.referenced.remove(&tag);
            }
        }
        for name in self.guess_names.remove(&id).unwrap_or_default() {
            if self.guesses.get(&name).is_some_and(|named| named.id == id) {
                self.guesses.remove(&name);
            }
        }
        let Record { recipient, purpose, request, external, .. } = *record;
        let key = (recipient.counted(), purpose);
        if self.newest.get(&key) == Some(&id) {
            self.newest.remove(&key);
        }
        if let Some(request) = request
            && self.named.get(&request.name) == Some(&id)
        {
            self.named.remove(&request.name);
        }
        if let Some(tag) = external
            && self.external.get(&tag) == Some(&id)
        {
            self.external.remove(&tag);
        }
    }

    fn get(&mut self, id: VerificationId, now: SystemTime) -> Option<&mut Record> {
        get(&mut self.records, id, now)
    }

    /// Remembers the references that the receipts of send attempts name, and takes the receipts
    /// that came before.
    fn find_by(&mut self, id: VerificationId, ends: &[AttemptEnd], now: SystemTime) {
        let Self { records, early, referenced, references, .. } = self;
        let Some(record) = get(records, id, now) else { return };
        let named = ends.iter().filter(|end| end.attempt < record.send_attempts.len());
        let named = named.filter_map(|end| Some((end.found_by?, u8::try_from(end.attempt).ok()?)));
        let named: Vec<_> = named.collect();
        for (tag, place) in &named {
            if let Some((mark, until)) = early.get(tag)
                && now < *until
            {
                record.receive(*place, *mark);
            }
        }
        for (tag, place) in named {
            early.remove(&tag);
            referenced.insert(tag, (id, place));
            references.entry(id).or_default().push(tag);
        }
    }

    /// Keeps the mark of a receipt whose reference may still come.
    fn keep_early(&mut self, tag: [u8; 16], mark: DeliveryMark, now: SystemTime) {
        let until = now + EARLY_RECEIPT;
        let known = self.early.get(&tag).filter(|(_, until)| now < *until);
        let mark = known.map_or(mark, |(known, _)| known.merge(mark));
        self.early.insert(tag, (mark, until));
        self.early_ends.add(millis(until), tag);
    }

    /// The verification that a guess was counted at under its name, or else the one that it selects.
    fn selected(&self, guess: &Guess, now: SystemTime) -> Option<VerificationId> {
        let known = |id: VerificationId| {
            self.records.get(&id).map(|record| &**record).filter(|record| is_kept(record, now))
        };
        let before = guess.name().and_then(|name| self.guesses.get(&name.name));
        if let Some(record) = before.and_then(|before| known(before.id)) {
            return Some(record.id);
        }
        let of = |id: Option<&VerificationId>| known(*id?);
        let found: Vec<&Record> = match guess.which() {
            Which::Id(id) => return Some(*id),
            Which::Recipient { hashes, purpose } => {
                let newest =
                    |hash: &RecipientHash| of(self.newest.get(&(hash.counted(), purpose.clone())));
                hashes.iter().filter_map(newest).collect()
            }
            Which::External(tags) => {
                let all = tags.iter().filter_map(|tag| of(self.external.get(tag)));
                // One that has failed has released its external id.
                all.filter(|record| !record.has_failed()).collect()
            }
        };
        selected(found, |record| record.expires_at).map(|record| record.id)
    }

    /// Runs a step of a guess with the state under its name; `None` when there is no record.
    fn guess<T>(
        &mut self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
        step: impl FnOnce(&mut Record, &mut Option<NamedGuess>, &Limits) -> (T, Counted),
    ) -> Option<T> {
        let Self { records, guesses, guess_names, limits, .. } = self;
        let record = get(records, id, now)?;
        let name = guess.name().map(|it| it.name);
        let before = name.and_then(|name| guesses.get(&name)).filter(|it| it.id == id).copied();
        let mut named = before;
        let (told, counted) = step(record, &mut named, limits);
        if let Some(name) = name
            && named != before
        {
            let names = guess_names.entry(id).or_default();
            names.retain(|other| *other != name);
            match named {
                Some(named) => {
                    names.push(name);
                    guesses.insert(name, named);
                }
                None => drop(guesses.remove(&name)),
            }
        }
        limits.count_guess(guess, &record.recipient, counted, now);
        Some(told)
    }

    /// Whether a verification that may have sent something has this external id.
    fn has_external(&mut self, tags: &[[u8; 16]], now: SystemTime) -> bool {
        tags.iter().any(|tag| {
            let id = self.external.get(tag).copied();
            id.and_then(|id| self.get(id, now)).is_some_and(|record| !record.has_failed())
        })
    }

    /// The result of an earlier request with the idempotency key of this one.
    fn before(&mut self, record: &Record, now: SystemTime) -> Option<Created> {
        let request = record.request.as_deref()?;
        let id = *self.named.get(&request.name)?;
        let before = self.get(id, now).filter(|before| !before.has_failed())?;
        let same = before.request.as_deref().is_some_and(|it| it.content == request.content);
        Some(if same { Created::Replayed(Box::new(before.clone())) } else { Created::KeyReused })
    }

    /// The verification of this recipient and purpose that a send may repeat.
    fn repeatable(&mut self, key: &([u8; 16], Purpose), now: SystemTime) -> Option<Record> {
        let id = *self.newest.get(key)?;
        self.get(id, now).filter(|newest| newest.is_repeatable(now)).map(|newest| newest.clone())
    }

    /// Runs after a verification of this recipient and purpose failed.
    fn uncover(&mut self, key: &([u8; 16], Purpose), now: SystemTime) {
        let Self { newest, records, .. } = self;
        let Some(id) = newest.get_mut(key) else { return };
        let look = |id| Ok::<_, Infallible>(get(records, id, now).map(|record| record.behind()));
        let Ok(uncovered) = uncovered(*id, look);
        match uncovered.and_then(|id| records.get_mut(&id)) {
            Some(record) => {
                *id = record.id;
                record.restore();
            }
            None => drop(newest.remove(key)),
        }
    }

    fn apply(&mut self, health_updates: Vec<HealthUpdate>) {
        for update in health_updates {
            let provider = update.provider.clone();
            let key = (provider.clone(), update.witness.process);
            let known = self.health.get(&key);
            if known.is_none_or(|known| known.at <= update.at) {
                self.health.insert(key, update);
                self.forget_updates_beyond(HEALTH_UPDATES_KEPT, &provider);
            }
        }
    }

    fn forget_updates_beyond(&mut self, most: usize, provider: &ProviderId) {
        let of = |key: &(ProviderId, u64)| key.0 == *provider;
        if self.health.keys().filter(|key| of(key)).count() > most {
            let all = self.health.iter().filter(|(key, _)| of(key));
            let oldest =
                all.min_by_key(|(key, update)| (update.at, key.1)).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.health.remove(&key));
        }
    }

    fn health(&self, now: SystemTime) -> Vec<HealthUpdate> {
        let payload = |update: &&HealthUpdate| now < update.at + HEALTH_TTL;
        self.health.values().filter(payload).cloned().collect()
    }
}

/// A record, unless its retention has passed.
fn get(records: &mut Records, id: VerificationId, now: SystemTime) -> Option<&mut Record> {
    records.get_mut(&id).map(|record| &mut **record).filter(|record| is_kept(record, now))
}

/// Whether its retention has not passed.
fn is_kept(record: &Record, now: SystemTime) -> bool {
    now < record.kept_until()
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
            && let Some(older) = get(&mut tables.records, older, now)
        {
            older.supersede(now);
            record.supersedes = Some(older.id);
        }
        if let Some(request) = &record.request {
            tables.named.insert(request.name, record.id);
        }
        if let Some(tag) = record.external {
            tables.external.insert(tag, record.id);
        }
        tables.ends.add(millis(record.kept_until()), record.id);
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
        let Some(record) = tables.get(id, now) else {
            return Ok(AttemptStarted::Over(Verdict::NotFound));
        };
        let begun = record.begin(begin, full, now);
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
        let Some(record) = tables.get(id, now) else {
            if let Some(Lost::Creation(until)) = record_outcome.lost {
                tables.given_up.insert(id);
                tables.ends.add(millis(until), id);
            }
            return Ok(State::Closed);
        };
        let close = record_outcome.close;
        let due = record.record_outcome(record_outcome);
        let state = record.state;
        if close && record.has_failed() {
            let key = (record.recipient.counted(), record.purpose.clone());
            tables.uncover(&key, now);
        }
        if due {
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
            return Ok(record.receive(place, mark));
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
        Ok(self.tables().get(id, now).is_some_and(|record| record.cancel(now)))
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
}
