//! Sliding windows, as rows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use otpmux_core::RateLimit;
use otpmux_engine::{LimitExceeded, LimitHit, LimitKey, LimitScope, longest};
use rusqlite::{OptionalExtension, params};

use crate::tables::{Tables, span};

/// The hits of one key.
#[derive(Clone, Copy)]
struct Counter {
    /// Its row; `None` if it has none.
    number: Option<i64>,
    /// The longest window that any hit had.
    longest: i64,
    /// The number of its newest hit; zero without any.
    newest: i64,
}

impl Counter {
    const NONE: Self = Self { number: None, longest: 0, newest: 0 };
}

/// The counters that a transaction has loaded, in their present state: every message hits some of
/// them.
#[derive(Default)]
pub(crate) struct Met(RefCell<HashMap<LimitKey, Counter>>);

impl Met {
    fn get(&self, key: LimitKey) -> Option<Counter> {
        self.0.borrow().get(&key).copied()
    }

    fn set(&self, key: LimitKey, counter: Counter) {
        self.0.borrow_mut().insert(key, counter);
    }
}

impl Tables<'_> {
    /// Returns the hit without room that has the longest wait.
    pub(crate) fn full(
        &self,
        limit_hits: &[LimitHit],
        now: i64,
    ) -> rusqlite::Result<Option<LimitExceeded>> {
        let mut full = None;
        for limit_hit in limit_hits {
            full =
                LimitExceeded::later(full, self.full_key(limit_hit.key, &limit_hit.windows, now)?);
        }
        Ok(full)
    }

    /// Returns the window of one key without room that has the longest wait. A window of `count` in
    /// `per` has room when the hit that is `count` back is older than `per`.
    pub(crate) fn full_key(
        &self,
        key: LimitKey,
        windows: &[RateLimit],
        now: i64,
    ) -> rusqlite::Result<Option<LimitExceeded>> {
        if windows.is_empty() {
            return Ok(None);
        }
        let counter = self.counter(key)?;
        let mut full = None;
        for window in windows {
            let place = counter.newest - i64::from(window.count) + 1;
            let hit = match counter.number {
                Some(number) if place > 0 => self.number(
                    "SELECT at FROM hits WHERE counter = ?1 AND seq = ?2",
                    [number, place],
                )?,
                _ => None,
            };
            let room = hit.map_or(i64::MIN, |hit| hit.saturating_add(span(window.per)));
            if room > now {
                let retry_after = Duration::from_millis(room.abs_diff(now));
                let limited = LimitExceeded { scope: key.scope, window: *window, retry_after };
                full = LimitExceeded::later(full, Some(limited));
            }
        }
        Ok(full)
    }

    /// Counts every hit.
    pub(crate) fn hit(&self, limit_hits: &[LimitHit], now: i64) -> rusqlite::Result<()> {
        limit_hits
            .iter()
            .try_for_each(|limit_hit| self.hit_key(limit_hit.key, &limit_hit.windows, now))
    }

    pub(crate) fn hit_key(
        &self,
        key: LimitKey,
        windows: &[RateLimit],
        now: i64,
    ) -> rusqlite::Result<()> {
        let Some(most) = windows.iter().map(|window| i64::from(window.count)).max() else {
            return Ok(());
        };
        let longest = span(longest(windows));
        let counter = self.counter(key)?;
        let number = match counter.number {
            Some(number) => number,
            None => self.new_counter(key, longest, now)?,
        };
        if counter.number.is_some() && counter.longest < longest {
            let sql = "UPDATE counters SET longest = ?2 WHERE number = ?1";
            self.run(sql, [number, longest])?;
        }
        let newest = counter.newest + 1;
        self.run("INSERT INTO hits (counter, seq, at) VALUES (?1, ?2, ?3)", [number, newest, now])?;
        if newest > most {
            let sql = "DELETE FROM hits WHERE counter = ?1 AND seq <= ?2";
            self.run(sql, [number, newest - most])?;
        }
        let longest = counter.longest.max(longest);
        self.met.set(key, Counter { number: Some(number), longest, newest });
        Ok(())
    }

    /// Removes the newest hit of a time, if there is one, and closes the gap.
    pub(crate) fn take_back(&self, key: LimitKey, at: i64) -> rusqlite::Result<()> {
        let counter = self.counter(key)?;
        let Counter { number: Some(number), newest, .. } = counter else { return Ok(()) };
        let sql = "SELECT seq FROM hits WHERE counter = ?1 AND at = ?2 ORDER BY seq DESC LIMIT 1";
        let Some(place) = self.number(sql, [number, at])? else { return Ok(()) };
        let mut later =
            self.prepare("SELECT at FROM hits WHERE counter = ?1 AND seq > ?2 ORDER BY seq")?;
        let later: Vec<i64> =
            later.query_map([number, place], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for (place, at) in (place..).zip(later) {
            let sql = "UPDATE hits SET at = ?3 WHERE counter = ?1 AND seq = ?2";
            self.run(sql, [number, place, at])?;
        }
        self.run("DELETE FROM hits WHERE counter = ?1 AND seq = ?2", [number, newest])?;
        self.met.set(key, Counter { newest: newest - 1, ..counter });
        Ok(())
    }

    /// Removes every hit of a key.
    pub(crate) fn empty(&self, key: LimitKey) -> rusqlite::Result<()> {
        if let Some(number) = self.counter(key)?.number {
            self.run("DELETE FROM hits WHERE counter = ?1", [number])?;
            self.drop_counter(number)?;
            self.met.set(key, Counter::NONE);
        }
        Ok(())
    }

    pub(crate) fn drop_counter(&self, number: i64) -> rusqlite::Result<()> {
        self.run("DELETE FROM counters WHERE number = ?1", [number]).map(|_| ())
    }

    fn counter(&self, key: LimitKey) -> rusqlite::Result<Counter> {
        if let Some(met) = self.met.get(key) {
            return Ok(met);
        }
        let sql = "SELECT number, longest, \
            (SELECT seq FROM hits WHERE counter = number ORDER BY seq DESC LIMIT 1) \
            FROM counters WHERE key = ?1";
        let mut statement = self.prepare(sql)?;
        let counter = statement.query_row(params![bytes(key)], |row| {
            let newest: Option<i64> = row.get(2)?;
            Ok(Counter { number: row.get(0)?, longest: row.get(1)?, newest: newest.unwrap_or(0) })
        });
        let counter = counter.optional()?.unwrap_or(Counter::NONE);
        self.met.set(key, counter);
        Ok(counter)
    }

    fn new_counter(&self, key: LimitKey, longest: i64, now: i64) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO counters (key, longest, turn_at) VALUES (?1, ?2, ?3)";
        self.insert(sql, params![bytes(key), longest, now.saturating_add(longest)])
    }
}

fn bytes(key: LimitKey) -> [u8; 17] {
    let mut bytes = [0; 17];
    bytes[0] = match key.scope {
        LimitScope::Recipient => 1,
        LimitScope::Ip => 2,
        LimitScope::Purpose => 3,
        LimitScope::NumberRange => 4,
        LimitScope::Provider => 5,
        LimitScope::Global => 6,
        LimitScope::Guesses => 7,
        LimitScope::Domain => 8,
        LimitScope::GuessesTotal => 9,
    };
    bytes[1..].copy_from_slice(&key.hash);
    bytes
}
