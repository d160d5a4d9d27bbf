//! Records, as rows.

use std::time::SystemTime;

use otpmux_core::Purpose;
use otpmux_engine::{
    CodeMac, EventTerms, IdempotencyRecord, RecipientHash, Record, Sealed, State, VerificationId,
    uncovered,
};
use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Row, ToSql, named_params, params};

use crate::failure::{Fault, store_error};
use crate::tables::{Tables, stamp, time};

/// A record, and the row that holds it.
pub(crate) struct Found {
    pub(crate) number: i64,
    pub(crate) record: Record,
}

/// Columns in the order in which [`read`] takes them.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT number, id, recipient, purpose, external, state, code_key, code_by_id, \
             code_by_recipient, code_by_external, code_length, expires_at, guesses, max_guesses, resends, resend_after, sealed_key, sealed, send_attempts, \
             skips, request_name, request_content, supersedes, due_at, due_after_end, escalations, events FROM records ",
            $which
        )
    };
}

/// The index of the state among the columns of [`select`].
const STATE: usize = 5;

/// The state of a row whose verification must not be created any more.
const GIVEN_UP: i64 = 4;

impl Tables<'_> {
    /// Returns a verification, unless its retention has passed.
    pub(crate) fn find(&self, id: VerificationId, now: i64) -> Result<Option<Found>, Fault> {
        self.one(select!("WHERE id = ?1"), id.to_bytes(), now)
    }

    /// Returns the newest verification whose request has this name.
    pub(crate) fn named(&self, name: [u8; 16], now: i64) -> Result<Option<Found>, Fault> {
        self.one(select!("WHERE request_name = ?1 ORDER BY number DESC LIMIT 1"), name, now)
    }

    /// Returns the newest verification with this external id.
    pub(crate) fn external(&self, tag: [u8; 16], now: i64) -> Result<Option<Found>, Fault> {
        self.one(select!("WHERE external = ?1 ORDER BY number DESC LIMIT 1"), tag, now)
    }

    /// Returns the newest verification of a recipient, in any spelling, and purpose.
    pub(crate) fn newest_of(
        &self,
        recipient: &RecipientHash,
        purpose: &Purpose,
        now: i64,
    ) -> Result<Option<Found>, Fault> {
        match self.newest(recipient, purpose)? {
            Some((_, id)) => self.find(id, now),
            None => Ok(None),
        }
    }

    /// Returns the verification in this row.
    pub(crate) fn at(&self, number: i64, now: i64) -> Result<Option<Found>, Fault> {
        self.one(select!("WHERE number = ?1"), number, now)
    }

    fn one(&self, sql: &str, key: impl ToSql, now: i64) -> Result<Option<Found>, Fault> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query([key])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        if row.get::<_, i64>(STATE)? == GIVEN_UP {
            return Ok(None);
        }
        let Some(found) = read(row) else {
            return Err(damaged());
        };
        Ok((now < stamp(found.record.kept_until())).then_some(found))
    }

    /// Returns the newest verification of a recipient, in any spelling, and purpose.
    fn newest(
        &self,
        recipient: &RecipientHash,
        purpose: &Purpose,
    ) -> rusqlite::Result<Option<(i64, VerificationId)>> {
        let sql = "SELECT number, id FROM records \
            WHERE newest = 1 AND recipient BETWEEN ?1 AND ?2 AND purpose = ?3";
        // The range of all hashes with this beginning.
        let [first, last] = [[0; 16], [0xff; 16]].map(|rest| [recipient.counted(), rest].concat());
        let params = params![first, last, purpose.as_str()];
        let id = |row: &Row<'_>| Ok((row.get(0)?, VerificationId::from_bytes(row.get(1)?)));
        self.prepare(sql)?.query_row(params, id).optional()
    }

    /// Returns the verification of this one's recipient and purpose that a send may repeat.
    pub(crate) fn repeatable(
        &self,
        record: &Record,
        now: SystemTime,
    ) -> Result<Option<Record>, Fault> {
        let newest = self.newest(&record.recipient, &record.purpose)?;
        let Some((_, id)) = newest else { return Ok(None) };
        let found = self.find(id, stamp(now))?.map(|found| found.record);
        Ok(found.filter(|newest| newest.is_repeatable(now)))
    }

    /// Writes a new record, which supersedes the newest one, unless it is that of a delivery. Returns false if it must not be
    /// created any more.
    pub(crate) fn put_newest(&self, record: &Record, now: SystemTime) -> Result<bool, Fault> {
        let newest = if record.id.is_delivery() {
            None
        } else {
            self.newest(&record.recipient, &record.purpose)?
        };
        let older = match newest {
            Some((_, id)) => self.find(id, stamp(now))?,
            None => None,
        };
        if !self.put(record, older.as_ref().map(|older| older.record.id))? {
            return Ok(false);
        }
        if let Some((number, _)) = newest {
            self.set_newest(number, false)?;
        }
        if let Some(mut older) = older {
            older.record.supersede(now);
            self.update_state(&older)?;
        }
        Ok(true)
    }

    /// Marks a verification that does not exist as not to be created any more, until this time.
    pub(crate) fn give_up(&self, id: VerificationId, until: SystemTime) -> rusqlite::Result<()> {
        let sql = "INSERT INTO records (id, recipient, purpose, state, expires_at, kept_until, \
            guesses, max_guesses, resends, resend_after, sealed_key, sealed, send_attempts, skips) \
            VALUES (?1, x'', '', ?2, ?3, ?3, 0, 0, 0, 0, '', x'', '', '') \
            ON CONFLICT (id) DO NOTHING";
        self.run(sql, params![id.to_bytes(), GIVEN_UP, stamp(until)]).map(|_| ())
    }

    /// Restores the older verification after one of this recipient and purpose has failed.
    pub(crate) fn uncover(&self, record: &Record, now: i64) -> Result<(), Fault> {
        let newest = self.newest(&record.recipient, &record.purpose)?;
        let Some((number, newest)) = newest else { return Ok(()) };
        let look = |id| Ok::<_, Fault>(self.find(id, now)?.map(|found| found.record.behind()));
        let found = match uncovered(newest, look)? {
            Some(id) => self.find(id, now)?,
            None => None,
        };
        if found.as_ref().is_none_or(|found| found.number != number) {
            self.set_newest(number, false)?;
        }
        if let Some(mut found) = found {
            self.set_newest(found.number, true)?;
            if found.record.restore() {
                self.update_state(&found)?;
            }
        }
        Ok(())
    }

    fn set_newest(&self, number: i64, newest: bool) -> rusqlite::Result<()> {
        let sql = "UPDATE records SET newest = ?2 WHERE number = ?1";
        self.run(sql, params![number, newest.then_some(1)]).map(|_| ())
    }

    /// Inserts a record; false if a row has its id.
    fn put(&self, record: &Record, supersedes: Option<VerificationId>) -> rusqlite::Result<bool> {
        let (code, request) = (record.code.as_ref(), record.request.as_deref());
        let (send_attempts, skips) = lists(record)?;
        let sql = "INSERT INTO records (id, recipient, purpose, external, state, code_key, \
            code_by_id, code_by_recipient, code_by_external, code_length, expires_at, kept_until, guesses, max_guesses, resends, resend_after, sealed_key, \
            sealed, request_name, request_content, send_attempts, skips, newest, supersedes, due_at, due_after_end, escalations, events) \
            VALUES (:id, :recipient, :purpose, :external, :state, :code_key, :code_by_id, \
            :code_by_recipient, :code_by_external, :code_length, :expires_at, :kept_until, :guesses, :max_guesses, \
            :resends, :resend_after, :sealed_key, :sealed, :request_name, :request_content, :send_attempts, \
            :skips, :newest, :supersedes, :due_at, :due_after_end, :escalations, :events) ON CONFLICT (id) DO NOTHING";
        let params = named_params! {
            ":id": record.id.to_bytes(),
            ":recipient": record.recipient.0,
            ":purpose": record.purpose.as_str(),
            ":external": record.external,
            ":state": number(record.state),
            ":code_key": code.map(|code| &*code.key),
            ":code_by_id": code.map(|code| code.by_id),
            ":code_by_recipient": code.map(|code| code.by_recipient),
            ":code_by_external": code.and_then(|code| code.by_external),
            ":code_length": record.code_length,
            ":expires_at": stamp(record.expires_at),
            ":kept_until": stamp(record.kept_until()),
            ":newest": (!record.id.is_delivery()).then_some(1),
            ":guesses": record.guesses,
            ":max_guesses": record.max_guesses,
            ":resends": record.resends,
            ":resend_after": stamp(record.resend_after),
            ":sealed_key": &*record.sealed.key,
            ":sealed": &*record.sealed.bytes,
            ":request_name": request.map(|request| request.name),
            ":request_content": request.map(|request| request.content),
            ":send_attempts": send_attempts,
            ":skips": skips,
            ":supersedes": supersedes.map(VerificationId::to_bytes),
            ":due_at": record.due_at.map(stamp),
            ":due_after_end": record.due_after_end.map(stamp),
            ":escalations": steps(record),
            ":events": record.events.as_ref().map(|events| events.to_text()),
        };
        Ok(self.run(sql, params)? == 1)
    }

    /// Writes the state of a verification, its number of guesses, and when it is due.
    pub(crate) fn update_state(&self, found: &Found) -> rusqlite::Result<()> {
        let sql = "UPDATE records SET state = ?2, guesses = ?3, due_at = ?4 WHERE number = ?1";
        let record = &found.record;
        let due_at = record.due_at.map(stamp);
        self.run(sql, params![found.number, number(record.state), record.guesses, due_at])
            .map(|_| ())
    }

    /// Writes all that a step may change.
    pub(crate) fn update(&self, found: &Found) -> rusqlite::Result<()> {
        let record = &found.record;
        let (send_attempts, skips) = lists(record)?;
        let sql = "UPDATE records SET state = ?2, guesses = ?3, resends = ?4, resend_after = ?5, \
            send_attempts = ?6, skips = ?7, due_at = ?8, escalations = ?9, events = ?10 WHERE number = ?1";
        let params = params![
            found.number,
            number(record.state),
            record.guesses,
            record.resends,
            stamp(record.resend_after),
            send_attempts,
            skips,
            record.due_at.map(stamp),
            steps(record),
            record.events.as_ref().map(|events| events.to_text()),
        ];
        self.run(sql, params).map(|_| ())
    }
}

fn lists(record: &Record) -> rusqlite::Result<(String, String)> {
    Ok((
        json(serde_json::to_string(&record.send_attempts))?,
        json(serde_json::to_string(&record.skips))?,
    ))
}

/// Returns a text of a column.
pub(crate) fn json(text: serde_json::Result<String>) -> rusqlite::Result<String> {
    text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Returns the error for a row that this store has not written so.
pub(crate) fn damaged() -> Fault {
    Fault::Refused(store_error(
        "a verification cannot be read: it is damaged, or a newer program wrote it",
    ))
}

/// A verification whose route does not escalate has no value here.
fn steps(record: &Record) -> Option<u8> {
    Some(record.escalations).filter(|steps| *steps > 0)
}

fn number(state: State) -> i64 {
    match state {
        State::Pending => 0,
        State::Approved => 1,
        State::Closed => 2,
        State::Superseded => 3,
    }
}

fn state(number: i64) -> Option<State> {
    Some(match number {
        0 => State::Pending,
        1 => State::Approved,
        2 => State::Closed,
        3 => State::Superseded,
        _ => return None,
    })
}

/// Decodes a row; `None` for a value that this store never writes.
fn read(row: &Row<'_>) -> Option<Found> {
    let mut columns = Columns { row, next: 0 };
    let columns = &mut columns;
    let number = columns.take()?;
    // Fields are read in the order in which they are listed here.
    let record = Record {
        id: VerificationId::from_bytes(columns.take()?),
        recipient: RecipientHash(columns.take()?),
        purpose: Purpose::new(columns.take::<String>()?).ok()?,
        external: columns.take()?,
        state: state(columns.take()?)?,
        code: code(columns)?,
        code_length: columns.take()?,
        expires_at: time(columns.take()?)?,
        guesses: columns.take()?,
        max_guesses: columns.take()?,
        resends: columns.take()?,
        resend_after: time(columns.take()?)?,
        sealed: Sealed {
            key: columns.take::<String>()?.into(),
            bytes: columns.take::<Vec<u8>>()?.into(),
        },
        send_attempts: serde_json::from_str(&columns.take::<String>()?).ok()?,
        skips: serde_json::from_str(&columns.take::<String>()?).ok()?,
        request: both(columns.take()?, columns.take()?)?
            .map(|(name, content)| Box::new(IdempotencyRecord { name, content })),
        supersedes: columns.take::<Option<_>>()?.map(VerificationId::from_bytes),
        due_at: maybe_time(columns.take()?)?,
        due_after_end: maybe_time(columns.take()?)?,
        escalations: columns.take::<Option<_>>()?.unwrap_or_default(),
        events: match columns.take::<Option<String>>()? {
            Some(text) => Some(Box::new(EventTerms::from_text(&text)?)),
            None => None,
        },
    };
    Some(Found { number, record })
}

/// Decodes a time that may be absent, but must not be unreadable.
#[expect(clippy::option_option, reason = "an unreadable time is not an absent one")]
fn maybe_time(stamp: Option<i64>) -> Option<Option<SystemTime>> {
    stamp.map_or(Some(None), |stamp| time(stamp).map(Some))
}

/// Decodes a code, if there is one.
#[expect(clippy::option_option, reason = "a part is neither something nor nothing")]
fn code(columns: &mut Columns<'_>) -> Option<Option<CodeMac>> {
    let key = both(columns.take::<Option<String>>()?, columns.take()?)?;
    let (by_recipient, by_external) = (columns.take()?, columns.take()?);
    let code = both(key, by_recipient)?;
    Some(code.map(|((key, by_id), by_recipient)| CodeMac {
        key: key.into(),
        by_id,
        by_recipient,
        by_external,
    }))
}

struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Columns<'_> {
    fn take<T: FromSql>(&mut self) -> Option<T> {
        self.next += 1;
        self.row.get(self.next - 1).ok()
    }
}

/// Decodes a value that is either whole or absent; `None` for half of one.
#[expect(clippy::option_option, reason = "a half is neither something nor nothing")]
fn both<A, B>(a: Option<A>, b: Option<B>) -> Option<Option<(A, B)>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Some((a, b))),
        (None, None) => Some(None),
        _ => None,
    }
}
