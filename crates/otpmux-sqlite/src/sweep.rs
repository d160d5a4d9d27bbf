//! Removes expired rows, some with each batch.

use otpmux_engine::HEALTH_TTL;

use crate::tables::{Tables, span};

impl Tables<'_> {
    /// Removes expired rows: about this many of each table, oldest first.
    pub(crate) fn sweep(&self, now: i64, rows: usize) -> rusqlite::Result<()> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let ended = [now, rows];
        // Before the records that they belong to.
        for sql in [
            "DELETE FROM guesses WHERE record IN \
                (SELECT number FROM records WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
            "DELETE FROM attempt_references WHERE record IN \
                (SELECT number FROM records WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
            "DELETE FROM records WHERE number IN \
                (SELECT number FROM records WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)",
        ] {
            self.run(sql, ended)?;
        }
        self.run("DELETE FROM early_receipts WHERE ends_at <= ?1", [now])?;
        self.run(
            "DELETE FROM health_updates WHERE at <= ?1",
            [now.saturating_sub(span(HEALTH_TTL))],
        )?;
        let sql = "SELECT number, longest FROM counters WHERE turn_at <= ?1 \
            ORDER BY turn_at LIMIT ?2";
        let due: Vec<(i64, i64)> = self
            .prepare(sql)?
            .query_map([now, rows], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut left = rows;
        for (counter, longest) in due {
            left -= self.turn(counter, longest, now, left)?;
            if left <= 0 {
                break;
            }
        }
        Ok(())
    }

    /// Removes at most this many of a counter's oldest hits, and the counter if none is left.
    /// Returns how much work that was.
    ///
    /// Only from the oldest on, whatever the clocks showed: their numbers must have no gap.
    fn turn(&self, counter: i64, longest: i64, now: i64, most: i64) -> rusqlite::Result<i64> {
        let (mut ended, mut done, mut next) = (None, 1, None);
        {
            let mut statement =
                self.prepare("SELECT seq, at FROM hits WHERE counter = ?1 ORDER BY seq LIMIT ?2")?;
            // One more than may be removed, to know whether it was the last.
            let mut hits = statement.query([counter, most + 1])?;
            while let Some(hit) = hits.next()? {
                let (seq, end) = (hit.get(0)?, hit.get::<_, i64>(1)?.saturating_add(longest));
                if end > now || done > most {
                    next = Some(end);
                    break;
                }
                (ended, done) = (Some(seq), done + 1);
            }
        }
        if let Some(seq) = ended {
            self.run("DELETE FROM hits WHERE counter = ?1 AND seq <= ?2", [counter, seq])?;
        }
        match next {
            None => self.drop_counter(counter)?,
            Some(turn_at) => {
                let sql = "UPDATE counters SET turn_at = ?2 WHERE number = ?1";
                self.run(sql, [counter, turn_at])?;
            }
        }
        Ok(done)
    }
}
