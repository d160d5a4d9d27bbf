//! Receipts, and the references that some of them name instead of a send attempt.

use std::time::UNIX_EPOCH;

use otpmux_engine::{AttemptEnd, DeliveryMark, EARLY_RECEIPT, ReceiptOf, Received, VerificationId};
use rusqlite::{OptionalExtension, Row, params};

use crate::failure::Fault;
use crate::records::Found;
use crate::tables::{Tables, span, time};

impl Tables<'_> {
    pub(crate) fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: i64,
    ) -> Result<Received, Fault> {
        let place = match attempt {
            ReceiptOf::Attempt { id, place } => Some((id, place)),
            ReceiptOf::Reference(tag) => self.referenced(tag)?,
        };
        let found = match place {
            Some((id, place)) => self.find(id, now)?.map(|found| (found, place)),
            None => None,
        };
        let Some((mut found, place)) = found else {
            if let ReceiptOf::Reference(tag) = attempt {
                self.keep_early(tag, mark, now)?;
            }
            return Ok(Received::Gone);
        };
        let received = found.record.receive(place, mark);
        if let Received::Changed { before, .. } = &received {
            self.update(&found)?;
            let events =
                found.record.events_of_mark(place, *before, time(now).unwrap_or(UNIX_EPOCH));
            self.add_events(events)?;
        }
        Ok(received)
    }

    /// Remembers the references that the receipts of send attempts name, and takes the receipts
    /// that came before.
    pub(crate) fn find_by(
        &self,
        found: &mut Found,
        ends: &[AttemptEnd],
        now: i64,
    ) -> rusqlite::Result<()> {
        let named = ends.iter().filter(|end| end.attempt < found.record.send_attempts.len());
        let named = named.filter_map(|end| Some((end.found_by?, u8::try_from(end.attempt).ok()?)));
        let named: Vec<_> = named.collect();
        for (tag, place) in &named {
            if let Some(mark) = self.early(*tag, now)?
                && let Received::Changed { before, .. } = found.record.receive(*place, mark)
            {
                let now = time(now).unwrap_or(UNIX_EPOCH);
                self.add_events(found.record.events_of_mark(*place, before, now))?;
            }
        }
        for (tag, place) in named {
            self.run("DELETE FROM early_receipts WHERE tag = ?1", [tag])?;
            let sql = "INSERT OR REPLACE INTO attempt_references (tag, record, place) \
                VALUES (?1, ?2, ?3)";
            self.run(sql, params![tag, found.number, place])?;
        }
        Ok(())
    }

    /// Keeps the mark of a receipt whose reference may still come.
    fn keep_early(&self, tag: [u8; 16], mark: DeliveryMark, now: i64) -> rusqlite::Result<()> {
        let known = self.early(tag, now)?;
        let mark = known.map_or(mark, |known| known.merge(mark));
        let sql = "INSERT OR REPLACE INTO early_receipts (tag, mark, ends_at) VALUES (?1, ?2, ?3)";
        let ends_at = now.saturating_add(span(EARLY_RECEIPT));
        // Some 15 digits.
        let mark = i64::try_from(mark.number()).unwrap_or(i64::MAX);
        self.run(sql, params![tag, mark, ends_at])?;
        Ok(())
    }

    fn early(&self, tag: [u8; 16], now: i64) -> rusqlite::Result<Option<DeliveryMark>> {
        let sql = "SELECT mark FROM early_receipts WHERE tag = ?1 AND ends_at > ?2";
        let number = self.number(sql, params![tag, now])?;
        Ok(number.and_then(|it| DeliveryMark::from_number(u64::try_from(it).ok()?)))
    }

    fn referenced(&self, tag: [u8; 16]) -> rusqlite::Result<Option<(VerificationId, u8)>> {
        let sql = "SELECT records.id, place FROM attempt_references \
            JOIN records ON records.number = record WHERE tag = ?1";
        let read =
            |row: &Row<'_>| Ok((VerificationId::from_bytes(row.get(0)?), row.get::<_, u8>(1)?));
        self.prepare(sql)?.query_row([tag], read).optional()
    }
}
