//! Receipts, and the references that some of them name instead of a send attempt.

use otpmux_engine::{AttemptEnd, DeliveryMark, ReceiptOf, Received, VerificationId};
use rusqlite::{OptionalExtension, Row, params};

use crate::failure::Fault;
use crate::records::Found;
use crate::tables::Tables;

impl Tables<'_> {
    pub(crate) fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: i64,
    ) -> Result<Received, Fault> {
        let (id, place) = match attempt {
            ReceiptOf::Attempt { id, place } => (id, place),
            ReceiptOf::Reference(tag) => match self.referenced(tag)? {
                Some(found) => found,
                None => return Ok(Received::Gone),
            },
        };
        let Some(mut found) = self.find(id, now)? else { return Ok(Received::Gone) };
        let received = found.record.receive(place, mark);
        if matches!(received, Received::Changed { .. }) {
            self.update(&found)?;
        }
        Ok(received)
    }

    /// Remembers the references that the receipts of send attempts name.
    pub(crate) fn find_by(&self, found: &Found, ends: &[AttemptEnd]) -> rusqlite::Result<()> {
        for end in ends.iter().filter(|end| end.attempt < found.record.send_attempts.len()) {
            let place = u8::try_from(end.attempt).ok();
            if let (Some(tag), Some(place)) = (end.found_by, place) {
                let sql = "INSERT OR REPLACE INTO attempt_references (tag, record, place) \
                    VALUES (?1, ?2, ?3)";
                self.run(sql, params![tag, found.number, place])?;
            }
        }
        Ok(())
    }

    fn referenced(&self, tag: [u8; 16]) -> rusqlite::Result<Option<(VerificationId, u8)>> {
        let sql = "SELECT records.id, place FROM attempt_references \
            JOIN records ON records.number = record WHERE tag = ?1";
        let read =
            |row: &Row<'_>| Ok((VerificationId::from_bytes(row.get(0)?), row.get::<_, u8>(1)?));
        self.prepare(sql)?.query_row([tag], read).optional()
    }
}
