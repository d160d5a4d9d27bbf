use std::time::Duration;
use std::vec::IntoIter;

use otpmux_core::Verdict;
use otpmux_engine::{DeliveryMark, HealthUpdate, LimitExceeded, LimitHit, Record, VerificationId};
use redis::Value;

use crate::codec;
use crate::error::CallError;

/// Answer of a script: a word that says what follows, or a list that begins with it.
pub(crate) struct Reply {
    pub(crate) word: String,
    rest: IntoIter<Value>,
}

impl Reply {
    pub(crate) fn of(value: Value) -> Result<Self, CallError> {
        let mut rest = match value {
            Value::Array(values) => values.into_iter(),
            word => return Ok(Self { word: text(Some(word))?, rest: Vec::new().into_iter() }),
        };
        Ok(Self { word: text(rest.next())?, rest })
    }

    /// Ends reading; an error if anything is left over.
    pub(crate) fn end<T>(self, answer: T) -> Result<T, CallError> {
        if self.rest.len() == 0 { Ok(answer) } else { Err(CallError::Unreadable) }
    }

    /// Reads an answer that says no more than that the step was carried out.
    pub(crate) fn done(self) -> Result<(), CallError> {
        self.after("done")?.end(())
    }

    /// Returns what follows the only word that this answer may begin with.
    pub(crate) fn after(self, word: &str) -> Result<Self, CallError> {
        if self.word == word { Ok(self) } else { Err(CallError::Unreadable) }
    }

    /// Returns which of two words this answer begins with: whether it is the first.
    pub(crate) fn is(&self, one: &str, other: &str) -> Result<bool, CallError> {
        match &*self.word {
            word if word == one => Ok(true),
            word if word == other => Ok(false),
            _ => Err(CallError::Unreadable),
        }
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, CallError> {
        match self.rest.next() {
            Some(Value::Int(number)) => T::try_from(number).map_err(|_| CallError::Unreadable),
            _ => Err(CallError::Unreadable),
        }
    }

    /// Returns the number that follows, if there is one.
    pub(crate) fn maybe_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, CallError> {
        if self.rest.len() == 0 { Ok(None) } else { self.number().map(Some) }
    }

    pub(crate) fn millis(&mut self) -> Result<Duration, CallError> {
        self.number().map(Duration::from_millis)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, CallError> {
        bytes(self.rest.next())
    }

    /// Returns the bytes that follow, if there are any.
    pub(crate) fn maybe_bytes(&mut self) -> Result<Option<Vec<u8>>, CallError> {
        if self.rest.len() == 0 { Ok(None) } else { self.bytes().map(Some) }
    }

    pub(crate) fn text(&mut self) -> Result<String, CallError> {
        text(self.rest.next())
    }

    pub(crate) fn id(&mut self) -> Result<VerificationId, CallError> {
        let id = bytes(self.rest.next())?.try_into().map_err(|_| CallError::Unreadable)?;
        Ok(VerificationId::from_bytes(id))
    }

    /// Returns the id that follows, if there is one.
    pub(crate) fn maybe_id(&mut self) -> Result<Option<VerificationId>, CallError> {
        if self.rest.len() == 0 { Ok(None) } else { self.id().map(Some) }
    }

    /// Returns the mark that follows, if it is one.
    pub(crate) fn mark(&mut self) -> Result<Option<DeliveryMark>, CallError> {
        match self.rest.next() {
            Some(Value::Nil) => Ok(None),
            Some(Value::Int(number)) => {
                let mark = u64::try_from(number).ok().and_then(DeliveryMark::from_number);
                mark.map(Some).ok_or(CallError::Unreadable)
            }
            _ => Err(CallError::Unreadable),
        }
    }

    pub(crate) fn record(&mut self, id: VerificationId) -> Result<Record, CallError> {
        codec::read(id, &bytes(self.rest.next())?)
    }

    /// Returns the record that follows its id.
    pub(crate) fn record_with_id(&mut self) -> Result<Record, CallError> {
        let id = self.id()?;
        self.record(id)
    }

    /// Returns the updates that follow, if any do, as [`updates`](Self::updates) does.
    pub(crate) fn maybe_updates(&mut self) -> Result<Vec<HealthUpdate>, CallError> {
        if self.rest.len() == 0 { Ok(Vec::new()) } else { self.updates() }
    }

    /// Returns the updates that this version can read, by the names of their providers. Others are
    /// skipped: they are advice, and may come from a newer version.
    pub(crate) fn updates(&mut self) -> Result<Vec<HealthUpdate>, CallError> {
        let mut updates = Vec::new();
        for value in self.list()? {
            updates.extend(serde_json::from_slice::<HealthUpdate>(&bytes(Some(value))?).ok());
        }
        updates.sort_by(|a, b| {
            (&a.provider, a.witness.process).cmp(&(&b.provider, b.witness.process))
        });
        Ok(updates)
    }

    pub(crate) fn limited(&mut self, limit_hits: &[LimitHit]) -> Result<LimitExceeded, CallError> {
        let (limit_hit, window): (usize, usize) = (self.number()?, self.number()?);
        let limit_hit = limit_hits.get(limit_hit).ok_or(CallError::Unreadable)?;
        let window = *limit_hit.windows.get(window).ok_or(CallError::Unreadable)?;
        Ok(LimitExceeded { scope: limit_hit.key.scope, window, retry_after: self.millis()? })
    }

    /// Returns the verdict that the word names, with its values.
    pub(crate) fn verdict(mut self) -> Result<Verdict, CallError> {
        let verdict = match &*self.word {
            "approved" => Verdict::Approved,
            "wrong_code" => Verdict::WrongCode { guesses_left: Some(self.number()?) },
            "expired" => Verdict::Expired,
            "already_used" => Verdict::AlreadyUsed,
            "too_many_guesses" if self.rest.len() == 0 => {
                Verdict::TooManyGuesses { retry_after: None }
            }
            "too_many_guesses" => Verdict::TooManyGuesses { retry_after: Some(self.millis()?) },
            "not_found" => Verdict::NotFound,
            _ => return Err(CallError::Unreadable),
        };
        self.end(verdict)
    }

    /// Returns the verdict from a nested list.
    pub(crate) fn nested(self) -> Result<Verdict, CallError> {
        Self::of(Value::Array(self.rest.collect()))?.verdict()
    }

    fn list(&mut self) -> Result<IntoIter<Value>, CallError> {
        match self.rest.next() {
            Some(Value::Array(values)) => Ok(values.into_iter()),
            _ => Err(CallError::Unreadable),
        }
    }
}

fn bytes(value: Option<Value>) -> Result<Vec<u8>, CallError> {
    match value {
        Some(Value::BulkString(bytes)) => Ok(bytes),
        _ => Err(CallError::Unreadable),
    }
}

fn text(value: Option<Value>) -> Result<String, CallError> {
    String::from_utf8(bytes(value)?).map_err(|_| CallError::Unreadable)
}
