use std::time::{Duration, SystemTime};

use otpmux_core::Purpose;
use otpmux_engine::{
    AttemptEnd, HealthUpdate, LimitHit, LimitKey, LimitScope, RecipientHash, SendAttempt, millis,
};
use tokio_postgres::types::{ToSql, Type};

use crate::codec;

/// One call of a step's function.
pub(crate) struct Call {
    pub(crate) step: &'static str,
    parameters: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

/// Steps that write nothing.
const READS: [&str; 5] = ["load", "health", "time", "events_waiting", "endpoints"];

impl Call {
    pub(crate) fn new(step: &'static str) -> Self {
        Self { step, parameters: Vec::with_capacity(32) }
    }

    pub(crate) fn only_reads(&self) -> bool {
        READS.contains(&self.step)
    }

    /// Returns the parameters with their types, as the client library takes them.
    pub(crate) fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let mut all: Vec<(&(dyn ToSql + Sync), Type)> = Vec::with_capacity(self.parameters.len());
        for (value, kind) in &self.parameters {
            all.push((&**value, kind.clone()));
        }
        all
    }

    fn push(mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> Self {
        self.parameters.push((Box::new(value), kind));
        self
    }

    pub(crate) fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.push(bytes.into(), Type::BYTEA)
    }

    pub(crate) fn maybe_bytes(self, bytes: Option<Vec<u8>>) -> Self {
        self.push(bytes, Type::BYTEA)
    }

    pub(crate) fn many_bytes(self, all: Vec<Vec<u8>>) -> Self {
        self.push(all, Type::BYTEA_ARRAY)
    }

    pub(crate) fn many_maybe_bytes(self, all: Vec<Option<Vec<u8>>>) -> Self {
        self.push(all, Type::BYTEA_ARRAY)
    }

    pub(crate) fn maybe_many_bytes(self, all: Option<Vec<Vec<u8>>>) -> Self {
        self.push(all, Type::BYTEA_ARRAY)
    }

    pub(crate) fn text(self, text: impl Into<String>) -> Self {
        self.push(text.into(), Type::TEXT)
    }

    pub(crate) fn maybe_text(self, text: Option<String>) -> Self {
        self.push(text, Type::TEXT)
    }

    pub(crate) fn many_maybe_texts(self, all: Vec<Option<String>>) -> Self {
        self.push(all, Type::TEXT_ARRAY)
    }

    pub(crate) fn number(self, number: impl Into<i64>) -> Self {
        self.push(number.into(), Type::INT8)
    }

    pub(crate) fn maybe_number(self, number: Option<i64>) -> Self {
        self.push(number, Type::INT8)
    }

    pub(crate) fn many_texts(self, all: Vec<String>) -> Self {
        self.push(all, Type::TEXT_ARRAY)
    }

    pub(crate) fn numbers(self, all: Vec<i64>) -> Self {
        self.push(all, Type::INT8_ARRAY)
    }

    pub(crate) fn many_maybe_numbers(self, all: Vec<Option<i64>>) -> Self {
        self.push(all, Type::INT8_ARRAY)
    }

    pub(crate) fn maybe_place(self, place: Option<i32>) -> Self {
        self.push(place, Type::INT4)
    }

    pub(crate) fn flag(self, flag: bool) -> Self {
        self.push(flag, Type::BOOL)
    }

    pub(crate) fn time(self, time: SystemTime) -> Self {
        self.number(stamp(time))
    }

    /// Adds six arrays: where hits are counted, with the longest window and the largest count of
    /// each; and every window, with its key, count and length.
    pub(crate) fn limit_hits(self, limit_hits: &[LimitHit]) -> Self {
        let counted = limit_hits.iter().filter(|it| !it.windows.is_empty());
        let (mut keys, mut longests, mut mosts) = (Vec::new(), Vec::new(), Vec::new());
        for hit in counted.clone() {
            keys.push(limit_key(&hit.key));
            longests.push(span(otpmux_engine::longest(&hit.windows)));
            mosts.push(hit.windows.iter().map(|it| i64::from(it.count)).max().unwrap_or(1));
        }
        let windows = || {
            let of = |hit: &'_ LimitHit| {
                let key = limit_key(&hit.key);
                hit.windows.iter().map(|it| (key.clone(), *it)).collect::<Vec<_>>()
            };
            counted.clone().flat_map(of)
        };
        self.many_bytes(keys)
            .numbers(longests)
            .numbers(mosts)
            .many_bytes(windows().map(|(key, _)| key).collect())
            .numbers(windows().map(|(_, it)| i64::from(it.count)).collect())
            .numbers(windows().map(|(_, it)| span(it.per)).collect())
    }

    /// Adds six arrays: the parts of each end.
    pub(crate) fn ends(self, ends: &[AttemptEnd]) -> Self {
        self.places(ends.iter().map(|end| end.attempt))
            .many_maybe_texts(
                ends.iter().map(|end| Some(codec::letter(end.state).into())).collect(),
            )
            .many_maybe_texts(ends.iter().map(|end| codec::failure(end.failure)).collect())
            .many_maybe_bytes(
                ends.iter().map(|end| codec::reference(end.reference.as_ref())).collect(),
            )
            .many_maybe_texts(ends.iter().map(|end| codec::terms(end.vendor.as_deref())).collect())
            .many_maybe_bytes(ends.iter().map(|end| Some(end.found_by?.to_vec())).collect())
    }

    /// Adds indexes of send attempts.
    pub(crate) fn places(self, places: impl Iterator<Item = usize>) -> Self {
        let places = places.map(|place| i32::try_from(place).unwrap_or(i32::MAX - 1));
        self.push(places.collect::<Vec<_>>(), Type::INT4_ARRAY)
    }

    /// Adds the seven parts of a send attempt, each without a value if there is none.
    pub(crate) fn attempt(self, attempt: Option<&SendAttempt>) -> Self {
        self.maybe_text(attempt.map(codec::attempt_letter))
            .maybe_bytes(attempt.map(|it| it.key.to_bytes().to_vec()))
            .maybe_bytes(attempt.map(codec::form))
            .maybe_text(attempt.and_then(|it| codec::failure(it.failure)))
            .maybe_bytes(attempt.and_then(|it| codec::reference(it.reference.as_ref())))
            .maybe_text(attempt.and_then(|it| codec::terms(it.vendor.as_deref())))
            .maybe_number(attempt.and_then(codec::delivery))
    }

    /// Adds four arrays: the parts of each health update.
    pub(crate) fn health_updates(self, updates: &[HealthUpdate]) -> Self {
        // The engine's own types, in maps whose keys are names: they always have a JSON form.
        let json = |it: &HealthUpdate| serde_json::to_vec(it).unwrap_or_default();
        self.many_bytes(updates.iter().map(|it| it.provider.as_str().into()).collect())
            .many_bytes(updates.iter().map(|it| it.witness.process.to_be_bytes().into()).collect())
            .numbers(updates.iter().map(|it| stamp(it.at)).collect())
            .many_bytes(updates.iter().map(json).collect())
    }
}

/// Far enough for every time, and so far from the largest number that sums fit.
const END: i64 = i64::MAX / 8;

/// Encodes a time for the tables.
pub(crate) fn stamp(time: SystemTime) -> i64 {
    i64::try_from(millis(time)).unwrap_or(END).min(END)
}

/// Encodes a duration for the tables.
pub(crate) fn span(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(END).min(END)
}

/// Encodes the key of the newest verification of a recipient, in any spelling, and purpose, as
/// `live_key` in `shared.sql`.
pub(crate) fn live_key(recipient: &RecipientHash, purpose: &Purpose) -> Vec<u8> {
    [&[0x20], &recipient.counted()[..], purpose.as_str().as_bytes()].concat()
}

/// Encodes the key of a limit: the scope in one byte, then the hash.
pub(crate) fn limit_key(key: &LimitKey) -> Vec<u8> {
    let scope = match key.scope {
        LimitScope::Recipient => 1,
        LimitScope::Ip => 2,
        LimitScope::Purpose => 3,
        LimitScope::NumberRange => 4,
        LimitScope::Provider => 5,
        LimitScope::Global => 6,
        // `check_guess.sql`, `approve.sql` and `end_guess.sql` build keys of these two.
        LimitScope::Guesses => 7,
        LimitScope::Domain => 8,
        LimitScope::GuessesTotal => 9,
    };
    [&[scope], &key.hash[..]].concat()
}
