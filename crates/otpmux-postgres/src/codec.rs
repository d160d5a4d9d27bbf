//! Records and their parts, as columns.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, ErrorKind, IdempotencyKey, ProviderId, Purpose, VendorReference};
use otpmux_engine::{
    AttemptState, Choice, CodeMac, DeliveryMark, EventTerms, IdempotencyRecord, KeyId,
    RecipientHash, Record, Sealed, SendAttempt, Skip, State, VendorTerms, VerificationId, millis,
};
use serde::de::value::{Error as NoWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{FromSql, Type};

use crate::call::{Call, stamp};
use crate::error::CallError;

/// The part of a send attempt that no function reads.
#[derive(Serialize, Deserialize)]
struct AttemptForm<'a> {
    provider: Cow<'a, ProviderId>,
    reason: Choice,
    channel: Cow<'a, Channel>,
    key: IdempotencyKey,
    /// In milliseconds since 1970.
    ends_at: u64,
}

/// Terms of a vendor's code: digits, whether a resend repeats it, expiry, most guesses.
type TermsForm = (Option<u8>, bool, Option<u64>, Option<u32>);

/// Adds the columns of a new record, in the order of `create.sql`.
pub(crate) fn add_record(call: Call, record: &Record) -> Call {
    let (code, request) = (record.code.as_ref(), record.request.as_deref());
    let attempts = &record.send_attempts;
    call.bytes(record.id.to_bytes())
        .bytes(record.recipient.0)
        .bytes(record.purpose.as_str())
        .text(state(record.state))
        .time(record.kept_until())
        .time(record.expires_at)
        .number(record.guesses)
        .number(record.max_guesses)
        .number(record.resends)
        .time(record.resend_after)
        .maybe_bytes(code.map(|code| code.key.as_bytes().to_vec()))
        .maybe_bytes(code.map(|code| code.by_id.to_vec()))
        .maybe_bytes(code.map(|code| code.by_recipient.to_vec()))
        .maybe_bytes(code.and_then(|code| Some(code.by_external?.to_vec())))
        .maybe_bytes(record.external.map(|tag| tag.to_vec()))
        .maybe_bytes(request.map(|request| request.name.to_vec()))
        .maybe_bytes(request.map(|request| request.content.to_vec()))
        .bytes(rest(record))
        .text(attempts.iter().map(attempt_letter).collect::<String>())
        .many_bytes(attempts.iter().map(|it| it.key.to_bytes().to_vec()).collect())
        .many_bytes(attempts.iter().map(form).collect())
        .many_maybe_texts(attempts.iter().map(|it| failure(it.failure)).collect())
        .many_maybe_bytes(attempts.iter().map(|it| reference(it.reference.as_ref())).collect())
        .many_maybe_texts(attempts.iter().map(|it| terms(it.vendor.as_deref())).collect())
        .many_maybe_numbers(attempts.iter().map(delivery).collect())
        .bytes(lines(&record.skips))
        .maybe_number(record.due_at.map(stamp))
        .maybe_number(record.due_after_end.map(stamp))
        .maybe_number(Some(record.escalations).filter(|it| *it > 0).map(i64::from))
        .maybe_text(record.events.as_ref().map(|events| events.to_text()))
}

/// Encodes what no function reads: the number of digits (two bytes: whether it is known, and the
/// number), the id of the key that sealed (its length in four bytes, and the id), what is sealed.
fn rest(record: &Record) -> Vec<u8> {
    let digits = record.code_length.map_or([0, 0], |digits| [1, digits]);
    let key = record.sealed.key.as_bytes();
    // An id is a word of the configuration.
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&digits[..], &length, key, &record.sealed.bytes].concat()
}

fn read_rest(bytes: &[u8]) -> Option<(Option<u8>, Sealed)> {
    let (digits, bytes) = bytes.split_at_checked(2)?;
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (key, sealed) = bytes.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
    let digits = match digits {
        [0, 0] => None,
        [1, digits] => Some(*digits),
        _ => return None,
    };
    Some((digits, Sealed { key: str::from_utf8(key).ok()?.into(), bytes: sealed.into() }))
}

/// Encodes the part of a send attempt that no function reads.
pub(crate) fn form(attempt: &SendAttempt) -> Vec<u8> {
    let form = AttemptForm {
        provider: Cow::Borrowed(&attempt.provider),
        reason: attempt.reason,
        channel: Cow::Borrowed(&attempt.channel),
        key: attempt.key,
        ends_at: millis(attempt.ends_at),
    };
    // Names and words always serialise.
    serde_json::to_vec(&form).unwrap_or_default()
}

/// Returns the first letter of the state's word, in upper case if the send attempt carries otpmux's
/// code.
pub(crate) fn attempt_letter(attempt: &SendAttempt) -> String {
    let letter = letter(attempt.state);
    if attempt.otpmux_code { letter.to_uppercase() } else { letter.to_owned() }
}

/// Returns the first letter of the state's word.
pub(crate) fn letter(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Intended => "i",
        AttemptState::Accepted => "a",
        AttemptState::NotSent => "n",
        AttemptState::Rejected => "r",
        AttemptState::Unknown => "u",
    }
}

fn read_letter(letter: char) -> Option<(AttemptState, bool)> {
    let state = match letter.to_ascii_lowercase() {
        'i' => AttemptState::Intended,
        'a' => AttemptState::Accepted,
        'n' => AttemptState::NotSent,
        'r' => AttemptState::Rejected,
        'u' => AttemptState::Unknown,
        _ => return None,
    };
    Some((state, letter.is_ascii_uppercase()))
}

pub(crate) fn failure(failure: Option<ErrorKind>) -> Option<String> {
    failure.map(|failure| failure.as_str().to_owned())
}

pub(crate) fn reference(reference: Option<&VendorReference>) -> Option<Vec<u8>> {
    reference.map(|reference| reference.as_str().into())
}

pub(crate) fn terms(terms: Option<&VendorTerms>) -> Option<String> {
    let VendorTerms { code_length, repeats, expires_at, max_guesses } = *terms?;
    let form: TermsForm = (code_length, repeats, expires_at.map(millis), max_guesses);
    // Numbers always serialise.
    serde_json::to_string(&form).ok()
}

fn read_terms(text: &str) -> Option<Box<VendorTerms>> {
    let (code_length, repeats, expires_at, max_guesses): TermsForm =
        serde_json::from_str(text).ok()?;
    let expires_at = match expires_at {
        Some(ms) => Some(after_epoch(ms)?),
        None => None,
    };
    Some(Box::new(VendorTerms { code_length, repeats, expires_at, max_guesses }))
}

/// The number of a mark, which has 15 digits at most.
pub(crate) fn mark(mark: DeliveryMark) -> i64 {
    i64::try_from(mark.number()).unwrap_or(i64::MAX)
}

pub(crate) fn delivery(attempt: &SendAttempt) -> Option<i64> {
    attempt.delivery.map(mark)
}

/// Decodes the number of a mark.
pub(crate) fn read_mark(number: i64) -> Option<DeliveryMark> {
    DeliveryMark::from_number(u64::try_from(number).ok()?)
}

/// Encodes each skip as one line, so that more can be appended.
pub(crate) fn lines(skips: &[Skip]) -> String {
    // Names, words and times always serialise.
    skips.iter().map(|skip| serde_json::to_string(skip).unwrap_or_default() + "\n").collect()
}

fn state(state: State) -> &'static str {
    match state {
        State::Pending => "p",
        State::Approved => "a",
        State::Superseded => "s",
        State::Closed => "c",
    }
}

/// Decodes a state.
pub(crate) fn read_state(word: &str) -> Option<State> {
    [State::Pending, State::Approved, State::Superseded, State::Closed]
        .into_iter()
        .find(|it| state(*it) == word)
}

fn after_epoch(ms: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// Decodes a record; fails for anything that this store never writes.
pub(crate) fn read(bytes: &[u8]) -> Result<Record, CallError> {
    let columns = &mut Columns::of(bytes).ok_or(CallError::Unreadable)?;
    let record = read_columns(columns).ok_or(CallError::Unreadable)?;
    if columns.is_empty() { Ok(record) } else { Err(CallError::Unreadable) }
}

/// Reads the columns in the order of `bytes` in `shared.sql`.
fn read_columns(columns: &mut Columns<'_>) -> Option<Record> {
    let id = VerificationId::from_bytes(columns.array()?);
    let recipient = RecipientHash(columns.array()?);
    let purpose = Purpose::new(columns.text()?).ok()?;
    let state = read_state(&columns.take::<String>(&Type::TEXT)?)?;
    let expires_at = columns.time()?;
    let (guesses, max_guesses) = (columns.count()?, columns.count()?);
    let (resends, resend_after) = (columns.count()?, columns.time()?);
    let supersedes = columns.maybe_array()?.map(VerificationId::from_bytes);
    let key = columns.bytes()?;
    let code = match (key, columns.maybe_array()?, columns.maybe_array()?, columns.maybe_array()?) {
        (Some(key), Some(by_id), Some(by_recipient), by_external) => {
            let key = KeyId::from(str::from_utf8(&key).ok()?);
            Some(CodeMac { key, by_id, by_recipient, by_external })
        }
        (None, None, None, None) => None,
        _ => return None,
    };
    let external = columns.maybe_array()?;
    let request = match (columns.maybe_array()?, columns.maybe_array()?) {
        (Some(name), Some(content)) => Some(Box::new(IdempotencyRecord { name, content })),
        (None, None) => None,
        _ => return None,
    };
    let (code_length, sealed) = read_rest(&columns.bytes()??)?;
    let send_attempts = read_attempts(columns)?;
    let skips = columns.text()?;
    let skips = skips.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
    let (due_at, due_after_end) = (columns.maybe_time()?, columns.maybe_time()?);
    let escalations = columns.maybe_number()?.map_or(Some(0), |it| it.try_into().ok())?;
    let events = maybe(columns.next(&Type::TEXT)?, |text| {
        EventTerms::from_text(str::from_utf8(text).ok()?).map(Box::new)
    })?;
    Some(Record {
        id,
        recipient,
        purpose,
        external,
        state,
        supersedes,
        code,
        code_length,
        expires_at,
        guesses,
        max_guesses,
        resends,
        resend_after,
        due_at,
        due_after_end,
        escalations,
        sealed,
        send_attempts,
        skips,
        request,
        events,
    })
}

fn read_attempts(columns: &mut Columns<'_>) -> Option<Vec<SendAttempt>> {
    let letters: String = columns.take(&Type::TEXT)?;
    let forms: Vec<Vec<u8>> = columns.take(&Type::BYTEA_ARRAY)?;
    let failures: Vec<Option<String>> = columns.take(&Type::TEXT_ARRAY)?;
    let references: Vec<Option<Vec<u8>>> = columns.take(&Type::BYTEA_ARRAY)?;
    let terms: Vec<Option<String>> = columns.take(&Type::TEXT_ARRAY)?;
    let deliveries: Vec<Option<i64>> = columns.take(&Type::INT8_ARRAY)?;
    let count = letters.chars().count();
    let lengths = [forms.len(), failures.len(), references.len(), terms.len(), deliveries.len()];
    if lengths != [count; 5] {
        return None;
    }
    let attempt = |(place, letter): (usize, char)| {
        let (state, otpmux_code) = read_letter(letter)?;
        let form: AttemptForm<'_> = serde_json::from_slice(forms.get(place)?).ok()?;
        let reference = references.get(place)?.clone();
        Some(SendAttempt {
            provider: form.provider.into_owned(),
            reason: form.reason,
            channel: form.channel.into_owned(),
            otpmux_code,
            key: form.key,
            ends_at: after_epoch(form.ends_at)?,
            state,
            failure: maybe(failures.get(place)?.as_deref(), word)?,
            reference: maybe(reference, |it| String::from_utf8(it).ok())?.map(VendorReference::new),
            vendor: maybe(terms.get(place)?.as_deref(), read_terms)?,
            delivery: maybe(*deliveries.get(place)?, read_mark)?,
        })
    };
    letters.chars().enumerate().map(attempt).collect()
}

/// Decodes a value that may be absent, but must not be unreadable.
#[expect(clippy::option_option, reason = "an unreadable value is not an absent one")]
fn maybe<T, U>(value: Option<T>, read: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

/// Decodes a word of the model, as `serde` reads it.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, NoWord> = text.into_deserializer();
    T::deserialize(text).ok()
}

/// The columns of a row in the form in which the server sends it as one value: their number in four
/// bytes; for each its type in four bytes, its length in four bytes (-1 without a value), its bytes.
struct Columns<'a> {
    left: u32,
    bytes: &'a [u8],
}

impl<'a> Columns<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (left, bytes) = bytes.split_first_chunk()?;
        Some(Self { left: u32::from_be_bytes(*left), bytes })
    }

    fn is_empty(&self) -> bool {
        self.left == 0 && self.bytes.is_empty()
    }

    /// Returns the next column, if it has this type.
    #[expect(clippy::option_option, reason = "a missing column is not one without a value")]
    fn next(&mut self, kind: &Type) -> Option<Option<&'a [u8]>> {
        self.left = self.left.checked_sub(1)?;
        let (oid, rest) = self.bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (value, rest) = match i32::from_be_bytes(*length) {
            -1 => (None, rest),
            length => {
                let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(value), rest)
            }
        };
        self.bytes = rest;
        (u32::from_be_bytes(*oid) == kind.oid()).then_some(value)
    }

    fn take<T: FromSql<'a>>(&mut self, kind: &Type) -> Option<T> {
        T::from_sql(kind, self.next(kind)??).ok()
    }

    #[expect(clippy::option_option, reason = "a missing column is not one without a value")]
    fn bytes(&mut self) -> Option<Option<Vec<u8>>> {
        Some(self.next(&Type::BYTEA)?.map(<[u8]>::to_vec))
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()??).ok()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.next(&Type::BYTEA)??.try_into().ok()
    }

    #[expect(clippy::option_option, reason = "a missing column is not one without a value")]
    fn maybe_array<const N: usize>(&mut self) -> Option<Option<[u8; N]>> {
        maybe(self.next(&Type::BYTEA)?, |bytes| bytes.try_into().ok())
    }

    fn count(&mut self) -> Option<u32> {
        self.take::<i64>(&Type::INT8)?.try_into().ok()
    }

    #[expect(clippy::option_option, reason = "a missing column is not one without a value")]
    fn maybe_number(&mut self) -> Option<Option<i64>> {
        maybe(self.next(&Type::INT8)?, |bytes| i64::from_sql(&Type::INT8, bytes).ok())
    }

    #[expect(clippy::option_option, reason = "a missing column is not one without a value")]
    fn maybe_time(&mut self) -> Option<Option<SystemTime>> {
        maybe(self.maybe_number()?, |ms| after_epoch(ms.try_into().ok()?))
    }

    fn time(&mut self) -> Option<SystemTime> {
        after_epoch(self.take::<i64>(&Type::INT8)?.try_into().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for bytes in
            [&b""[..], b"\0\0\0\0", b"\0\0\0\x16", b"\xff\xff\xff\xff\0\0\0\x11\xff\xff\xff\xfe"]
        {
            assert_eq!(read(bytes).unwrap_err(), CallError::Unreadable, "{bytes:?}");
        }
        for bytes in [&b""[..], b"\0\0", b"\0\0\0\0\0", b"\x02\0\0\0\0\0", b"\0\0\0\0\0\x02k"] {
            assert!(read_rest(bytes).is_none(), "{bytes:?}");
        }
    }
}
