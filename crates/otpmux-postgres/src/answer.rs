use std::time::Duration;

use otpmux_core::Verdict;
use otpmux_engine::{HealthUpdate, LimitExceeded, LimitHit, Record, VerificationId};
use tokio_postgres::Row;

use crate::codec;
use crate::error::{CallError, Read};

/// The answer of a step: a word, and what belongs to it. An answer is read whole: one with a part
/// that does not belong to its word is unreadable.
pub(crate) struct Answer {
    pub(crate) word: String,
    id: Option<Vec<u8>>,
    number: Option<i64>,
    wait: Option<i64>,
    updates: Option<Vec<Vec<u8>>>,
    record: Option<Vec<u8>>,
}

impl Answer {
    pub(crate) fn of(rows: &[Row]) -> Read<Self> {
        let [row] = rows else { return Err(CallError::Unreadable) };
        let read = || {
            if row.len() != 6 {
                return None;
            }
            Some(Self {
                word: row.try_get::<_, Option<String>>(0).ok()??,
                id: row.try_get(1).ok()?,
                number: row.try_get(2).ok()?,
                wait: row.try_get(3).ok()?,
                updates: row.try_get(4).ok()?,
                record: row.try_get(5).ok()?,
            })
        };
        read().ok_or(CallError::Unreadable)
    }

    /// Returns a value after everything else was taken.
    pub(crate) fn end<T>(self, value: T) -> Read<T> {
        let rest = self.id.is_some()
            || self.number.is_some()
            || self.wait.is_some()
            || self.updates.is_some()
            || self.record.is_some();
        if rest { Err(CallError::Unreadable) } else { Ok(value) }
    }

    /// Reads an answer that says no more than that the step was carried out.
    pub(crate) fn done(self) -> Read<()> {
        self.after("done")?.end(())
    }

    /// Returns what belongs to the only word that this answer may have.
    pub(crate) fn after(self, word: &str) -> Read<Self> {
        if self.word == word { Ok(self) } else { Err(CallError::Unreadable) }
    }

    /// Returns which of two words this answer has: whether it is the first.
    pub(crate) fn is(&self, one: &str, other: &str) -> Read<bool> {
        match &*self.word {
            word if word == one => Ok(true),
            word if word == other => Ok(false),
            _ => Err(CallError::Unreadable),
        }
    }

    /// Returns the verification that a guess has selected, if there is one for it.
    pub(crate) fn id(&mut self) -> Read<Option<VerificationId>> {
        let Some(id) = self.id.take() else { return Ok(None) };
        let id = id.try_into().map_err(|_| CallError::Unreadable)?;
        Ok(Some(VerificationId::from_bytes(id)))
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Read<T> {
        let number = self.number.take().ok_or(CallError::Unreadable)?;
        T::try_from(number).map_err(|_| CallError::Unreadable)
    }

    pub(crate) fn wait(&mut self) -> Read<Duration> {
        self.maybe_wait()?.ok_or(CallError::Unreadable)
    }

    fn maybe_wait(&mut self) -> Read<Option<Duration>> {
        let Some(wait) = self.wait.take() else { return Ok(None) };
        let wait = u64::try_from(wait).map_err(|_| CallError::Unreadable)?;
        Ok(Some(Duration::from_millis(wait)))
    }

    /// Returns what was known of a delivery before.
    pub(crate) fn mark(&mut self) -> Read<Option<otpmux_engine::DeliveryMark>> {
        let Some(number) = self.wait.take() else { return Ok(None) };
        codec::read_mark(number).map(Some).ok_or(CallError::Unreadable)
    }

    pub(crate) fn record(&mut self) -> Read<Record> {
        codec::read(&self.record.take().ok_or(CallError::Unreadable)?)
    }

    /// Returns health updates. One that cannot be read is skipped: it is advice, and a newer program
    /// may have written it.
    pub(crate) fn health_updates(&mut self) -> Read<Vec<HealthUpdate>> {
        let all = self.updates.take().ok_or(CallError::Unreadable)?;
        Ok(all.iter().filter_map(|it| serde_json::from_slice(it).ok()).collect())
    }

    /// Returns a list of values.
    pub(crate) fn list(&mut self) -> Read<Vec<Vec<u8>>> {
        self.updates.take().ok_or(CallError::Unreadable)
    }

    /// Returns the limit without room: its index among all windows, and the wait.
    pub(crate) fn limited(&mut self, limit_hits: &[LimitHit]) -> Read<LimitExceeded> {
        let place = self.number::<usize>()?;
        let retry_after = self.wait()?;
        let mut windows = limit_hits
            .iter()
            .flat_map(|hit| hit.windows.iter().map(|window| (hit.key.scope, *window)));
        let (scope, window) = windows.nth(place).ok_or(CallError::Unreadable)?;
        Ok(LimitExceeded { scope, window, retry_after })
    }

    pub(crate) fn verdict(mut self) -> Read<Verdict> {
        let verdict = match &*self.word {
            "approved" => Verdict::Approved,
            "already_used" => Verdict::AlreadyUsed,
            "not_found" => Verdict::NotFound,
            "expired" => Verdict::Expired,
            "wrong_code" => Verdict::WrongCode { guesses_left: Some(self.number()?) },
            "too_many_guesses" => Verdict::TooManyGuesses { retry_after: self.maybe_wait()? },
            _ => return Err(CallError::Unreadable),
        };
        self.end(verdict)
    }
}
