//! The outbox: events that wait for their delivery.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::Error;
use otpmux_engine::{
    DueEvents, EndedEvent, EndpointName, EndpointState, EndpointStatus, EventEnd, EventsEnded,
    MOST_EVENTS, NewEvent, Once, Outbox, QueuedEvent, Wanted,
};
use rusqlite::{OptionalExtension, Row, params};

use crate::failure::{Fault, store_error};
use crate::store::SqliteStore;
use crate::tables::{Tables, span, stamp, time};

const COLUMNS: &str = "endpoint, id, at, facts, reason, tries, due_at";

#[async_trait]
impl Outbox for SqliteStore {
    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        self.writer.ask(stamp(now), move |tables| tables.put_event(event, now)).await
    }

    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        let (wanted, now) = (wanted.to_vec(), stamp(now));
        self.writer.ask(now, move |tables| tables.events_due(&wanted, lease, now)).await
    }

    async fn end_events(
        &self,
        ended: &[EndedEvent],
        now: SystemTime,
    ) -> Result<EventsEnded, Error> {
        let (ended, now) = (ended.to_vec(), stamp(now));
        self.writer.ask(now, move |tables| tables.end_events(&ended, now)).await
    }

    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        let endpoint = endpoint.clone();
        // This step and the next two do not depend on the time.
        self.writer.ask(0, move |tables| tables.events_waiting(&endpoint, most)).await
    }

    async fn endpoints(&self, endpoints: &[EndpointName]) -> Result<Vec<EndpointStatus>, Error> {
        let endpoints = endpoints.to_vec();
        let step = move |tables: &Tables<'_>| {
            endpoints.iter().map(|it| tables.status(it)).collect::<Result<_, Fault>>()
        };
        self.writer.ask(0, step).await
    }

    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        let endpoint = endpoint.clone();
        self.writer.ask(0, move |tables| Ok(tables.set_endpoint(&endpoint, state)?)).await
    }
}

impl Tables<'_> {
    /// Adds what a step has made true. An entry that is there stays.
    pub(crate) fn add_events(&self, entries: Vec<QueuedEvent>) -> rusqlite::Result<()> {
        for entry in entries {
            let sql = "INSERT OR IGNORE INTO outbox (endpoint, id, at, facts, reason, tries, due_at) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let QueuedEvent { endpoint, id, at, facts, reason, tries, due_at } = entry;
            let params = params![
                endpoint.as_str(),
                id.to_string(),
                stamp(at),
                &*facts,
                reason,
                tries,
                stamp(due_at)
            ];
            self.run(sql, params)?;
        }
        Ok(())
    }

    pub(crate) fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Fault> {
        if let Some(once) = event.once
            && !self.hold(once, now)?
        {
            return Ok(false);
        }
        self.add_events(event.entries(now).collect())?;
        Ok(true)
    }

    /// Whether the key was free; then it is held from now on.
    fn hold(&self, once: Once, now: SystemTime) -> rusqlite::Result<bool> {
        self.run("DELETE FROM held_events WHERE ends_at <= ?1", [stamp(now)])?;
        let sql = "INSERT OR IGNORE INTO held_events (key, ends_at) VALUES (?1, ?2)";
        if self.run(sql, params![once.key, stamp(once.until)])? == 0 {
            return Ok(false);
        }
        if let Some(other) = once.releases {
            self.run("DELETE FROM held_events WHERE key = ?1", [other])?;
        }
        Ok(true)
    }

    pub(crate) fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: i64,
    ) -> Result<DueEvents, Fault> {
        let mut due = DueEvents::default();
        for Wanted { endpoint, most } in wanted {
            due.dropped += self.drop_oldest(endpoint)?;
            if self.status_known(endpoint)?.0 != EndpointState::On {
                continue;
            }
            let until = now.saturating_add(span(lease));
            let sql = format!(
                "SELECT {COLUMNS} FROM outbox WHERE endpoint = ?1 AND due_at <= ?2 \
                 ORDER BY due_at, id LIMIT ?3"
            );
            let most = i64::try_from(*most).unwrap_or(i64::MAX);
            for mut entry in self.entries(&sql, params![endpoint.as_str(), now, most])? {
                let sql = "UPDATE outbox SET due_at = ?3 WHERE endpoint = ?1 AND id = ?2";
                self.run(sql, params![endpoint.as_str(), entry.id.to_string(), until])?;
                entry.due_at = time(until).unwrap_or(entry.due_at);
                due.events.push(entry);
            }
        }
        Ok(due)
    }

    /// Drops the oldest events of an endpoint beyond the most that may wait; returns how many.
    fn drop_oldest(&self, endpoint: &EndpointName) -> rusqlite::Result<u64> {
        let most = i64::try_from(MOST_EVENTS).unwrap_or(i64::MAX);
        let sql = "DELETE FROM outbox WHERE endpoint = ?1 AND id IN (SELECT id FROM outbox \
            WHERE endpoint = ?1 ORDER BY at DESC, id DESC LIMIT -1 OFFSET ?2)";
        self.run(sql, params![endpoint.as_str(), most]).map(|rows| rows as u64)
    }

    pub(crate) fn end_events(&self, ended: &[EndedEvent], now: i64) -> Result<EventsEnded, Fault> {
        let mut all = EventsEnded::default();
        for one in ended {
            all.waited += usize::from(self.end_event(one, now)?);
        }
        let endpoints: BTreeSet<_> = ended.iter().map(|it| &it.endpoint).collect();
        for endpoint in endpoints {
            if let Some(since) = self.status_known(endpoint)?.1 {
                all.failing_since.insert(endpoint.clone(), since);
            }
        }
        Ok(all)
    }

    /// Returns whether the event was waiting.
    fn end_event(&self, ended: &EndedEvent, now: i64) -> rusqlite::Result<bool> {
        let (name, key) = (ended.endpoint.as_str(), ended.id.to_string());
        let waited = match ended.end {
            EventEnd::Delivered | EventEnd::Dropped => {
                let sql = "DELETE FROM outbox WHERE endpoint = ?1 AND id = ?2";
                self.run(sql, params![name, key])? > 0
            }
            EventEnd::Again(at) => {
                let sql = "UPDATE outbox SET due_at = ?3 WHERE endpoint = ?1 AND id = ?2";
                self.run(sql, params![name, key, stamp(at)])? > 0
            }
            EventEnd::Failed(at) => {
                let sql = "UPDATE outbox SET due_at = ?3, tries = tries + 1 \
                    WHERE endpoint = ?1 AND id = ?2";
                let waited = self.run(sql, params![name, key, stamp(at)])? > 0;
                if waited {
                    let sql = "INSERT INTO endpoints (name, state, failing_since) \
                        VALUES (?1, 'on', ?2) ON CONFLICT (name) \
                        DO UPDATE SET failing_since = coalesce(failing_since, excluded.failing_since)";
                    self.run(sql, params![name, now])?;
                }
                waited
            }
        };
        if ended.end == EventEnd::Delivered {
            let sql = "UPDATE endpoints SET failing_since = NULL \
                WHERE name = ?1 AND failing_since IS NOT NULL";
            self.run(sql, [name])?;
        }
        Ok(waited)
    }

    pub(crate) fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Fault> {
        let sql =
            format!("SELECT {COLUMNS} FROM outbox WHERE endpoint = ?1 ORDER BY at, id LIMIT ?2");
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.entries(&sql, params![endpoint.as_str(), most])
    }

    fn status(&self, endpoint: &EndpointName) -> Result<EndpointStatus, Fault> {
        let (state, failing_since) = self.status_known(endpoint)?;
        let sql = "SELECT count(*) FROM outbox WHERE endpoint = ?1";
        let waiting = self.number(sql, [endpoint.as_str()])?.unwrap_or_default();
        let waiting = u64::try_from(waiting).unwrap_or_default();
        Ok(EndpointStatus { endpoint: endpoint.clone(), state, failing_since, waiting })
    }

    /// The state of an endpoint, and since when it fails.
    fn status_known(
        &self,
        endpoint: &EndpointName,
    ) -> rusqlite::Result<(EndpointState, Option<SystemTime>)> {
        let sql = "SELECT state, failing_since FROM endpoints WHERE name = ?1";
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?));
        let known = self.prepare(sql)?.query_row([endpoint.as_str()], read).optional()?;
        let (state, since) = known.unwrap_or_default();
        Ok((EndpointState::from_word(&state), since.and_then(time)))
    }

    pub(crate) fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> rusqlite::Result<()> {
        let sql = "INSERT INTO endpoints (name, state) VALUES (?1, ?2) ON CONFLICT (name) \
            DO UPDATE SET state = excluded.state, \
            failing_since = CASE excluded.state WHEN 'on' THEN NULL ELSE failing_since END";
        self.run(sql, params![endpoint.as_str(), state.as_str()]).map(|_| ())
    }

    fn entries(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<QueuedEvent>, Fault> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row).ok_or_else(unreadable)?);
        }
        Ok(all)
    }
}

/// Decodes an entry; `None` for a value that this store never writes.
fn read(row: &Row<'_>) -> Option<QueuedEvent> {
    Some(QueuedEvent {
        endpoint: EndpointName::new(row.get::<_, String>(0).ok()?).ok()?,
        id: row.get::<_, String>(1).ok()?.parse().ok()?,
        at: time(row.get(2).ok()?)?,
        facts: row.get::<_, String>(3).ok()?.into(),
        reason: row.get::<_, Option<String>>(4).ok()?.map(Into::into),
        tries: row.get(5).ok()?,
        due_at: time(row.get(6).ok()?)?,
    })
}

fn unreadable() -> Fault {
    Fault::Refused(store_error(
        "an event cannot be read: it is damaged, or a newer program wrote it",
    ))
}
