use std::cell::Cell;
use std::time::{Duration, SystemTime};

use otpmux_engine::millis;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params};

use crate::failure::{Fault, store_error};
use crate::limits::Met;

/// The tables within one transaction. An operation sees what earlier ones of its batch have
/// written.
pub(crate) struct Tables<'c> {
    conn: &'c Connection,
    max_bytes: u64,
    /// Whether there is room for new records; `None` before it was checked.
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

    /// Runs a statement; returns how many rows it has changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// Runs an insertion; returns the number of the new row.
    pub(crate) fn insert(&self, sql: &str, params: impl Params) -> rusqlite::Result<i64> {
        self.prepare(sql)?.insert(params)
    }

    /// Returns the number that a query yields, if there is one.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> rusqlite::Result<Option<i64>> {
        self.prepare(sql)?.query_row(params, |row| row.get(0)).optional()
    }

    /// Fails if the content has reached its maximum. Checked once in a batch, so the records of one
    /// batch can exceed it.
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

    /// Returns whether there is room for more content.
    pub(crate) fn has_room(&self) -> rusqlite::Result<bool> {
        let pragma = |sql| Ok::<_, rusqlite::Error>(self.number(sql, [])?.unwrap_or(0));
        let used = pragma("PRAGMA page_count")? - pragma("PRAGMA freelist_count")?;
        let bytes = used.saturating_mul(pragma("PRAGMA page_size")?);
        Ok(u64::try_from(bytes).unwrap_or(0) < self.max_bytes)
    }
}

/// Encodes a time for the tables.
pub(crate) fn stamp(time: SystemTime) -> i64 {
    i64::try_from(millis(time)).unwrap_or(i64::MAX)
}

/// Encodes a duration for the tables.
pub(crate) fn span(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Decodes a time of the tables.
pub(crate) fn time(stamp: i64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::try_from(stamp).ok()?))
}
