//! The verifications at which a process must look: those with a `due_at`.

use std::time::{Duration, SystemTime};

use otpmux_engine::{Reschedule, VerificationId};
use rusqlite::{Row, params};

use crate::failure::Fault;
use crate::tables::{Tables, stamp};

impl Tables<'_> {
    pub(crate) fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Fault> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let sql = "SELECT number, id FROM records WHERE due_at <= ?1 AND kept_until > ?1 \
            ORDER BY due_at, id LIMIT ?2";
        let read =
            |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, VerificationId::from_bytes(row.get(1)?)));
        let found: Vec<_> = self
            .prepare(sql)?
            .query_map(params![stamp(now), most], read)?
            .collect::<Result<_, _>>()?;
        let until = stamp(now + lease);
        for (number, _) in &found {
            let sql = "UPDATE records SET due_at = ?2 WHERE number = ?1";
            self.run(sql, params![number, until])?;
        }
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    pub(crate) fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: i64,
    ) -> Result<(), Fault> {
        let Some(mut found) = self.find(id, now)? else { return Ok(()) };
        if found.record.reschedule(reschedule) {
            self.update(&found)?;
        }
        Ok(())
    }
}
