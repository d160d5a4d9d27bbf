//! Named guesses as rows, and the steps of every guess.

use std::time::{Duration, SystemTime};

use otpmux_core::Verdict;
use otpmux_engine::{
    Counted, Guess, GuessEnd, GuessState, Guessed, NamedGuess, Record, VerificationId, Which,
    selected,
};
use rusqlite::{OptionalExtension, params};

use crate::failure::{Fault, store_error};
use crate::records::Found;
use crate::tables::{Tables, stamp, time};

impl Tables<'_> {
    pub(crate) fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Fault> {
        let Some(found) = self.selected(guess, stamp(now))? else { return Ok(Guessed::NONE) };
        self.step(found, guess, now, |record, named| {
            let wait = self.wait(guess, record, stamp(now))?;
            Ok(record.check_guess(guess, named, wait, now))
        })
    }

    pub(crate) fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Fault> {
        let Some(found) = self.find(id, stamp(now))? else { return Ok(Verdict::NotFound) };
        self.step(found, guess, now, |record, named| Ok(record.approve(guess, named, now)))
    }

    pub(crate) fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Fault> {
        let Some(found) = self.find(id, stamp(now))? else { return Ok(()) };
        self.step(found, guess, now, |record, named| Ok(((), record.end_guess(guess, named, end))))
    }

    /// Returns the verification that a guess was counted at under its name, or else the one that it
    /// selects.
    fn selected(&self, guess: &Guess, now: i64) -> Result<Option<Found>, Fault> {
        if let Which::Id(id) = guess.which() {
            return self.find(*id, now);
        }
        if let Some(name) = guess.name() {
            let sql = "SELECT record FROM guesses WHERE name = ?1";
            if let Some(number) = self.number(sql, [name.name])?
                && let Some(found) = self.at(number, now)?
            {
                return Ok(Some(found));
            }
        }
        let mut all = Vec::new();
        match guess.which() {
            Which::Id(_) => {}
            Which::Recipient { hashes, purpose } => {
                for hash in hashes {
                    all.extend(self.newest_of(hash, purpose, now)?);
                }
            }
            Which::External(tags) => {
                for tag in tags {
                    // One that has failed has released its external id.
                    all.extend(self.external(*tag, now)?.filter(|it| !it.record.has_failed()));
                }
            }
        }
        Ok(selected(all, |found| found.record.expires_at))
    }

    /// Lets the engine decide about a guess at a record, and writes the changes.
    fn step<T>(
        &self,
        mut found: Found,
        guess: &Guess,
        now: SystemTime,
        decide: impl FnOnce(&mut Record, &mut Option<NamedGuess>) -> Result<(T, Counted), Fault>,
    ) -> Result<T, Fault> {
        let at = stamp(now);
        let name = guess.name().map(|it| it.name);
        let before = match name {
            Some(name) => self.named_guess(&found, name)?,
            None => None,
        };
        let (mut named, was) = (before, (found.record.state, found.record.guesses));
        let record_was = found.record.before();
        let (told, counted) = decide(&mut found.record, &mut named)?;
        self.add_events(found.record.events_since(record_was, now))?;
        if let Some(name) = name
            && named != before
        {
            self.keep_guess(found.number, name, named)?;
        }
        let [own, total] = guess.counters(&found.record.recipient);
        match counted {
            Counted::Nothing => {}
            Counted::Hit => {
                self.hit_key(own.0, own.1, at)?;
                self.hit_key(total.0, total.1, at)?;
            }
            Counted::Reset { hit } => {
                self.empty(own.0)?;
                hit.map_or(Ok(()), |hit| self.take_back(total.0, stamp(hit)))?;
            }
            Counted::TakenBack(hit) => {
                self.take_back(own.0, stamp(hit))?;
                self.take_back(total.0, stamp(hit))?;
            }
        }
        if (found.record.state, found.record.guesses) != was {
            self.update_state(&found)?;
        }
        Ok(told)
    }

    /// Returns how long the windows of a guess have no room.
    fn wait(&self, guess: &Guess, record: &Record, now: i64) -> Result<Option<Duration>, Fault> {
        let mut wait = None;
        for (key, windows) in guess.counters(&record.recipient) {
            let full = self.full_key(key, windows, now)?;
            wait = wait.max(full.map(|limited| limited.retry_after));
        }
        Ok(wait)
    }

    fn named_guess(&self, found: &Found, name: [u8; 16]) -> Result<Option<NamedGuess>, Fault> {
        let sql = "SELECT content, state, number, counted_at FROM guesses \
            WHERE record = ?1 AND name = ?2";
        let mut statement = self.prepare(sql)?;
        let row = statement.query_row(params![found.number, name], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, u32>(2)?, row.get(3)?))
        });
        let Some((content, state, number, counted_at)) = row.optional()? else { return Ok(None) };
        let state = match (state, time(counted_at)) {
            (0, Some(counted_at)) => GuessState::Asking { calls: number, counted_at },
            (1, _) => GuessState::Wrong(number),
            (2, _) => GuessState::Approved,
            _ => {
                return Err(Fault::Refused(store_error(
                    "a guess cannot be read: it is damaged, or a newer program wrote it",
                )));
            }
        };
        Ok(Some(NamedGuess { id: found.record.id, content, state }))
    }

    fn keep_guess(
        &self,
        record: i64,
        name: [u8; 16],
        named: Option<NamedGuess>,
    ) -> Result<(), Fault> {
        let Some(NamedGuess { content, state, .. }) = named else {
            let sql = "DELETE FROM guesses WHERE record = ?1 AND name = ?2";
            self.run(sql, params![record, name])?;
            return Ok(());
        };
        let (state, number, counted_at) = match state {
            GuessState::Asking { calls, counted_at } => (0, calls, stamp(counted_at)),
            GuessState::Wrong(left) => (1, left, 0),
            GuessState::Approved => (2, 0, 0),
        };
        let sql = "INSERT OR REPLACE INTO guesses (record, name, content, state, number, counted_at) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.run(sql, params![record, name, content, state, number, counted_at])?;
        Ok(())
    }
}
