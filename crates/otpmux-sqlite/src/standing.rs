//! Checks of the store: the server keys that processes share, and whether the file accepts writes.

use otpmux_engine::{KeyCheck, KeyId, StoreState};
use rusqlite::{OptionalExtension as _, params};

use crate::tables::Tables;

impl Tables<'_> {
    /// Returns the ids of the keys that have another value here. Writes new keys.
    pub(crate) fn check_keys(&self, keys: &[KeyCheck]) -> rusqlite::Result<Vec<KeyId>> {
        let mut differ = Vec::new();
        for key in keys {
            let sql = "SELECT value = ?2 FROM server_keys WHERE id = ?1";
            let mut statement = self.prepare(sql)?;
            let row = params![&*key.id, key.value];
            match statement.query_row(row, |row| row.get::<_, bool>(0)).optional()? {
                Some(true) => {}
                Some(false) => differ.push(KeyId::clone(&key.id)),
                None => {
                    let sql = "INSERT INTO server_keys (id, value) VALUES (?1, ?2)";
                    self.run(sql, params![&*key.id, key.value])?;
                }
            }
        }
        Ok(differ)
    }

    /// Changes a row, and returns whether there is room for more.
    pub(crate) fn probe(&self, now: i64) -> rusqlite::Result<StoreState> {
        let sql = "INSERT INTO probe (number, at, times) VALUES (1, ?1, 1) \
            ON CONFLICT (number) DO UPDATE SET at = excluded.at, times = times + 1";
        self.run(sql, [now])?;
        Ok(if self.has_room()? { StoreState::Ok } else { StoreState::Full })
    }
}
