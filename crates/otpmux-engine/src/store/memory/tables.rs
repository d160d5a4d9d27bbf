//! What a memory store holds, and how its tables follow one another.

use std::collections::HashSet;
use std::convert::Infallible;
use std::hash::BuildHasherDefault;
use std::time::SystemTime;

use otpmux_core::{ProviderId, Purpose};

use super::due_set::DueSet;
use super::expiry_queue::ExpiryQueue;
use super::limits::Limits;
use super::outbox::WaitingEvents;
use crate::keyed_map::{KeyHasher, KeyedMap};
use crate::store::limits::millis;
use crate::store::steps::{selected, uncovered};
use crate::store::{EARLY_RECEIPT, HEALTH_TTL, HEALTH_UPDATES_KEPT};
use crate::{
    AttemptEnd, Counted, Created, DeliveryMark, Guess, HealthUpdate, KeyId, NamedGuess, Received,
    RecipientHash, Record, VerificationId, Which,
};

/// Boxed: a table of large records would move them all whenever it grows.
type Records = KeyedMap<VerificationId, Box<Record>>;

#[derive(Default)]
pub(super) struct Tables {
    pub(super) records: Records,
    /// The newest verification of a recipient, in any spelling, and purpose.
    pub(super) newest: KeyedMap<([u8; 16], Purpose), VerificationId>,
    /// Verifications by idempotency key of their request.
    pub(super) named: KeyedMap<[u8; 16], VerificationId>,
    /// Verifications by their callers' ids.
    pub(super) external: KeyedMap<[u8; 16], VerificationId>,
    /// Send attempts by the reference that their vendors' receipts name.
    pub(super) referenced: KeyedMap<[u8; 16], (VerificationId, u8)>,
    /// The keys of a verification in `referenced`.
    pub(super) references: KeyedMap<VerificationId, Vec<[u8; 16]>>,
    /// Marks of receipts that came before their reference, and until when they count.
    pub(super) early: KeyedMap<[u8; 16], (DeliveryMark, SystemTime)>,
    /// When entries of `early` may be dropped.
    pub(super) early_ends: ExpiryQueue<[u8; 16]>,
    /// Verifications that were given up and must not be created any more.
    pub(super) given_up: HashSet<VerificationId, BuildHasherDefault<KeyHasher>>,
    /// When records, and entries of `given_up`, may be dropped.
    pub(super) ends: ExpiryQueue<VerificationId>,
    pub(super) due: DueSet,
    pub(super) limits: Limits,
    /// Guesses by name.
    pub(super) guesses: KeyedMap<[u8; 16], NamedGuess>,
    /// The keys of a verification in `guesses`: few, because only counted guesses are kept.
    pub(super) guess_names: KeyedMap<VerificationId, Vec<[u8; 16]>>,
    /// By provider and process.
    pub(super) health: KeyedMap<(ProviderId, u64), HealthUpdate>,
    /// The check values of server keys.
    pub(super) keys: KeyedMap<KeyId, [u8; 32]>,
    pub(super) outbox: WaitingEvents,
}

impl Tables {
    pub(super) fn drop_ended(&mut self, now: SystemTime) {
        let millis = millis(now);
        self.limits.drop_ended(millis);
        while let Some(ids) = self.ends.take(millis) {
            for id in ids {
                self.forget(id);
            }
        }
        while let Some(tags) = self.early_ends.take(millis) {
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
        self.due.follow(id, record.due_at, None);
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

    pub(super) fn get(&mut self, id: VerificationId, now: SystemTime) -> Option<&mut Record> {
        get(&mut self.records, id, now)
    }

    /// Runs a step that may change when the verification is due, or make an event true; `None` when there is no record.
    pub(super) fn change<T>(
        &mut self,
        id: VerificationId,
        now: SystemTime,
        step: impl FnOnce(&mut Record) -> T,
    ) -> Option<T> {
        let record = get(&mut self.records, id, now)?;
        let (due_before, was) = (record.due_at, record.before());
        let told = step(record);
        self.due.follow(id, due_before, record.due_at);
        self.outbox.add(record.events_since(was, now));
        Some(told)
    }

    /// Remembers the references that the receipts of send attempts name, and takes the receipts
    /// that came before.
    pub(super) fn find_by(&mut self, id: VerificationId, ends: &[AttemptEnd], now: SystemTime) {
        if ends.iter().all(|end| end.found_by.is_none()) {
            return;
        }
        let Self { records, early, referenced, references, outbox, .. } = self;
        let Some(record) = get(records, id, now) else { return };
        let named = ends.iter().filter(|end| end.attempt < record.send_attempts.len());
        let named = named.filter_map(|end| Some((end.found_by?, u8::try_from(end.attempt).ok()?)));
        let named: Vec<_> = named.collect();
        for (tag, place) in &named {
            if let Some((mark, until)) = early.get(tag)
                && now < *until
                && let Received::Changed { before, .. } = record.receive(*place, *mark)
            {
                outbox.add(record.events_of_mark(*place, before, now));
            }
        }
        for (tag, place) in named {
            early.remove(&tag);
            referenced.insert(tag, (id, place));
            references.entry(id).or_default().push(tag);
        }
    }

    /// Keeps the mark of a receipt whose reference may still come.
    pub(super) fn keep_early(&mut self, tag: [u8; 16], mark: DeliveryMark, now: SystemTime) {
        let until = now + EARLY_RECEIPT;
        let known = self.early.get(&tag).filter(|(_, until)| now < *until);
        let mark = known.map_or(mark, |(known, _)| known.merge(mark));
        self.early.insert(tag, (mark, until));
        self.early_ends.add(millis(until), tag);
    }

    /// The verification that a guess was counted at under its name, or else the one that it selects.
    pub(super) fn selected(&self, guess: &Guess, now: SystemTime) -> Option<VerificationId> {
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
    pub(super) fn guess<T>(
        &mut self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
        step: impl FnOnce(&mut Record, &mut Option<NamedGuess>, &Limits) -> (T, Counted),
    ) -> Option<T> {
        let Self { records, guesses, guess_names, limits, due, outbox, .. } = self;
        let record = get(records, id, now)?;
        let name = guess.name().map(|it| it.name);
        let before = name.and_then(|name| guesses.get(&name)).filter(|it| it.id == id).copied();
        let (mut named, due_before) = (before, record.due_at);
        let was = record.before();
        let (told, counted) = step(record, &mut named, limits);
        due.follow(id, due_before, record.due_at);
        outbox.add(record.events_since(was, now));
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
    pub(super) fn has_external(&mut self, tags: &[[u8; 16]], now: SystemTime) -> bool {
        tags.iter().any(|tag| {
            let id = self.external.get(tag).copied();
            id.and_then(|id| self.get(id, now)).is_some_and(|record| !record.has_failed())
        })
    }

    /// The result of an earlier request with the idempotency key of this one.
    pub(super) fn before(&mut self, record: &Record, now: SystemTime) -> Option<Created> {
        let request = record.request.as_deref()?;
        let id = *self.named.get(&request.name)?;
        let before = self.get(id, now).filter(|before| !before.has_failed())?;
        let same = before.request.as_deref().is_some_and(|it| it.content == request.content);
        Some(if same { Created::Replayed(Box::new(before.clone())) } else { Created::KeyReused })
    }

    /// The verification of this recipient and purpose that a send may repeat.
    pub(super) fn repeatable(
        &mut self,
        key: &([u8; 16], Purpose),
        now: SystemTime,
    ) -> Option<Record> {
        let id = *self.newest.get(key)?;
        self.get(id, now).filter(|newest| newest.is_repeatable(now)).map(|newest| newest.clone())
    }

    /// Runs after a verification of this recipient and purpose failed.
    pub(super) fn uncover(&mut self, key: &([u8; 16], Purpose), now: SystemTime) {
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

    pub(super) fn apply(&mut self, health_updates: Vec<HealthUpdate>) {
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

    pub(super) fn health(&self, now: SystemTime) -> Vec<HealthUpdate> {
        let payload = |update: &&HealthUpdate| now < update.at + HEALTH_TTL;
        self.health.values().filter(payload).cloned().collect()
    }
}

/// A record, unless its retention has passed.
pub(super) fn get(
    records: &mut Records,
    id: VerificationId,
    now: SystemTime,
) -> Option<&mut Record> {
    records.get_mut(&id).map(|record| &mut **record).filter(|record| is_kept(record, now))
}

/// Whether its retention has not passed.
fn is_kept(record: &Record, now: SystemTime) -> bool {
    now < record.kept_until()
}
