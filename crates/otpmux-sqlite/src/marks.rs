//! What processes tell each other about providers.

use otpmux_engine::{HEALTH_KEPT, HealthMark, MARKS_KEPT};
use rusqlite::params;

use crate::tables::{Tables, span, stamp};

impl Tables<'_> {
    /// Writes down news; of one provider and process the newest counts.
    pub(crate) fn learn(&self, news: &[HealthMark]) -> rusqlite::Result<()> {
        for mark in news {
            // The engine's own types, in maps whose keys are names: they always have a JSON form.
            let Ok(text) = serde_json::to_string(mark) else { continue };
            let (provider, at) = (mark.provider.as_str(), stamp(mark.at));
            let process = format!("{:016x}", mark.witness.process);
            let sql = "INSERT INTO marks (provider, process, at, mark) VALUES (?1, ?2, ?3, ?4) \
                ON CONFLICT (provider, process) \
                DO UPDATE SET at = excluded.at, mark = excluded.mark WHERE marks.at <= excluded.at";
            self.run(sql, params![provider, process, at, text])?;
            let sql = "DELETE FROM marks WHERE provider = ?1 AND process NOT IN (\
                SELECT process FROM marks WHERE provider = ?1 \
                ORDER BY at DESC, process DESC LIMIT ?2)";
            self.run(sql, params![provider, i64::try_from(MARKS_KEPT).unwrap_or(i64::MAX)])?;
        }
        Ok(())
    }

    /// The newest mark of each provider and process, as far as it is kept. One that cannot be read is left out:
    /// it is advice, and a newer program may have written it.
    pub(crate) fn health(&self, now: i64) -> rusqlite::Result<Vec<HealthMark>> {
        let mut statement =
            self.prepare("SELECT mark FROM marks WHERE at > ?1 ORDER BY provider, process")?;
        let mut rows = statement.query([now - span(HEALTH_KEPT)])?;
        let mut marks = Vec::new();
        while let Some(row) = rows.next()? {
            marks.extend(serde_json::from_str::<HealthMark>(row.get_ref(0)?.as_str()?).ok());
        }
        Ok(marks)
    }
}
