//! What processes tell each other about providers.

use otpmux_engine::{HEALTH_KEPT, HealthMark};
use rusqlite::params;

use crate::tables::{Tables, span, stamp};

impl Tables<'_> {
    /// Writes down news; of one provider the newest counts.
    pub(crate) fn learn(&self, news: &[HealthMark]) -> rusqlite::Result<()> {
        for mark in news {
            // The engine's own types, in maps whose keys are names: they always have a JSON form.
            let Ok(text) = serde_json::to_string(mark) else { continue };
            let sql = "INSERT INTO marks (provider, at, mark) VALUES (?1, ?2, ?3) \
                ON CONFLICT (provider) DO UPDATE SET at = excluded.at, mark = excluded.mark \
                WHERE marks.at <= excluded.at";
            self.run(sql, params![mark.provider.as_str(), stamp(mark.at), text])?;
        }
        Ok(())
    }

    /// The newest mark of each provider, as far as it is kept. One that cannot be read is left out:
    /// it is advice, and a newer program may have written it.
    pub(crate) fn health(&self, now: i64) -> rusqlite::Result<Vec<HealthMark>> {
        let mut statement =
            self.prepare("SELECT mark FROM marks WHERE at > ?1 ORDER BY provider")?;
        let mut rows = statement.query([now - span(HEALTH_KEPT)])?;
        let mut marks = Vec::new();
        while let Some(row) = rows.next()? {
            marks.extend(serde_json::from_str::<HealthMark>(row.get_ref(0)?.as_str()?).ok());
        }
        Ok(marks)
    }
}
