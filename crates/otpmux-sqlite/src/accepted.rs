//! Accepted send attempts, many in one step.

use otpmux_engine::{AcceptedAttempt, SendAttempt};
use rusqlite::{OptionalExtension, Row, params};

use crate::failure::Fault;
use crate::records::{damaged, json};
use crate::tables::Tables;

impl Tables<'_> {
    /// Records them. Reads and writes the send attempts of a verification alone: there is nothing
    /// else to decide or to change.
    pub(crate) fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: i64,
    ) -> Result<(), Fault> {
        for accepted in accepted {
            self.record_one(accepted, now)?;
        }
        Ok(())
    }

    fn record_one(&self, accepted: AcceptedAttempt, now: i64) -> Result<(), Fault> {
        // One that must not be created any more has no send attempts.
        let sql = "SELECT number, send_attempts FROM records WHERE id = ?1 AND kept_until > ?2 \
            AND send_attempts <> ''";
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
        let row = self.prepare(sql)?.query_row(params![accepted.id.to_bytes(), now], read);
        let Some((number, before)) = row.optional()? else { return Ok(()) };
        let mut send_attempts: Vec<SendAttempt> =
            serde_json::from_str(&before).map_err(|_| damaged())?;
        let place = accepted.attempt;
        let Some(attempt) = send_attempts.get_mut(place) else { return Ok(()) };
        attempt.end(accepted.into());
        let after = json(serde_json::to_string(&send_attempts))?;
        if after != before {
            let sql = "UPDATE records SET send_attempts = ?2 WHERE number = ?1";
            self.run(sql, params![number, after])?;
        }
        Ok(())
    }
}
