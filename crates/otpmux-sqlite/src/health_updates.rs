//! Health updates, as rows.

use otpmux_engine::{HEALTH_TTL, HEALTH_UPDATES_KEPT, HealthUpdate};
use rusqlite::params;

use crate::tables::{Tables, span, stamp};

impl Tables<'_> {
    /// Writes health updates; for each provider and process the newest counts.
    pub(crate) fn learn(&self, health_updates: &[HealthUpdate]) -> rusqlite::Result<()> {
        for health_update in health_updates {
            // The engine's own types, in maps whose keys are names: they always have a JSON form.
            let Ok(text) = serde_json::to_string(health_update) else { continue };
            let (provider, at) = (health_update.provider.as_str(), stamp(health_update.at));
            let process = format!("{:016x}", health_update.witness.process);
            let sql = "INSERT INTO health_updates (provider, process, at, health_update) VALUES (?1, ?2, ?3, ?4) \
                ON CONFLICT (provider, process) \
                DO UPDATE SET at = excluded.at, health_update = excluded.health_update WHERE health_updates.at <= excluded.at";
            self.run(sql, params![provider, process, at, text])?;
            let sql = "DELETE FROM health_updates WHERE provider = ?1 AND process NOT IN (\
                SELECT process FROM health_updates WHERE provider = ?1 \
                ORDER BY at DESC, process DESC LIMIT ?2)";
            self.run(
                sql,
                params![provider, i64::try_from(HEALTH_UPDATES_KEPT).unwrap_or(i64::MAX)],
            )?;
        }
        Ok(())
    }

    /// Returns the newest update of each provider and process that has not expired. One that cannot
    /// be read is skipped: it is advice, and a newer program may have written it.
    pub(crate) fn health(&self, now: i64) -> rusqlite::Result<Vec<HealthUpdate>> {
        let mut statement = self.prepare(
            "SELECT health_update FROM health_updates WHERE at > ?1 ORDER BY provider, process",
        )?;
        let mut rows = statement.query([now - span(HEALTH_TTL)])?;
        let mut health_updates = Vec::new();
        while let Some(row) = rows.next()? {
            health_updates
                .extend(serde_json::from_str::<HealthUpdate>(row.get_ref(0)?.as_str()?).ok());
        }
        Ok(health_updates)
    }
}
