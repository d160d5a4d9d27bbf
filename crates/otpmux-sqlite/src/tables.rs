use std::cell::Cell;
use std::time::{Duration, SystemTime};

use otpmux_engine::millis;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params};

use crate::failure::{Fault, store_error};
use crate::limits::Met;

/// The tables within one transaction. Reads of a batch see what its operations before have written.
pub(crate) struct Tables<'c> {
    conn: &'c Connection,
    max_bytes: u64,
    /// Whether there is room for new records, once that was looked at.
    room: Cell<Option<bool>>,
    pub(crate) met: Met,
}

impl<'c> Tables<'c> {
    pub(crate) fn new(conn: &'c Connection, max_bytes: u64) -> Self {
        Self { conn, max_bytes, room: Cell::new(None), met: Met::default() }
    }

    pub(crate) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.conn.prepare_cached(sql)
    }

    /// Runs a statement; how many rows it has changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs an insertion; the number of the new row.
    pub(crate) fn insert(&self, sql: &str, params: impl Params) -> rusqlite::Result<i64> {
        self.prepare(sql)?.insert(params)
    }

    /// The one number that a query gives, if it gives any.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> rusqlite::Result<Option<i64>> {
        self.prepare(sql)?.query_row(params, |row| row.get(0)).optional()
    }

    /// Refuses when there is as much content as there may be. Looked at once in a batch, so that as
    /// many records as a batch may create can go beyond.
    pub(crate) fn need_room(&self) -> Result<(), Fault> {
        let room = match self.room.get() {
            Some(room) => room,
            None => self.has_room()?,
        };
        self.room.set(Some(room));
        if room {
            return Ok(());
        }
        Err(Fault::Refused(store_error(
            "the database holds as much as it may; raise max_bytes, or wait until old \
             verifications have ended",
        )))
    }

    /// Whether there may be more content.
    pub(crate) fn has_room(&self) -> rusqlite::Result<bool> {
        let pragma = |sql| Ok::<_, rusqlite::Error>(self.number(sql, [])?.unwrap_or(0));
        let used = pragma("PRAGMA page_count")? - pragma("PRAGMA freelist_count")?;
        let bytes = used.saturating_mul(pragma("PRAGMA page_size")?);
        Ok(u64::try_from(bytes).unwrap_or(0) < self.max_bytes)
    }
}

/// A time as the tables hold it.
pub(crate) fn stamp(time: SystemTime) -> i64 {
    i64::try_from(millis(time)).unwrap_or(i64::MAX)
}

/// A length of time as the tables hold it.
pub(crate) fn span(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time that the tables hold.
pub(crate) fn time(stamp: i64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(stamp).ok()?))
}
