//! The parts of a record about one send attempt.

use std::borrow::Cow;

use otpmux_core::{Channel, ErrorKind, IdempotencyKey, ProviderId, VendorReference};
use otpmux_engine::{
    AcceptedAttempt, AttemptEnd, AttemptState, DeliveryMark, SendAttempt, VendorTerms,
};
use serde::de::value::{Error as NoWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use uuid::Uuid;

use crate::decoder::{Decoder, Read};
use crate::encoder::Encode;
use crate::error::CallError;

/// The letter of the entry of a send attempt.
const ATTEMPT: u8 = b'A';
/// The letter of the entry of its end.
const END: u8 = b'E';
/// The letter of the entry of its delivery.
const DELIVERY: u8 = b'D';

/// The first byte of a reference that is a UUID in its usual form, of which its 16 bytes follow.
const UUID: u8 = b'#';
/// The first byte of every other reference.
const TEXT: u8 = b'=';

/// Words that an entry holds as one byte, their index here plus one. A word that is not here follows
/// a zero as a field.
const CHANNELS: [&str; 4] = ["sms", "voice", "email", "whatsapp"];
/// As [`CHANNELS`].
const REASONS: [&str; 6] = ["preferred", "drawn", "failover", "hedge", "resend", "last_resort"];

/// Returns the letter of a send attempt in the states of its record.
pub(super) fn letter(attempt: &SendAttempt) -> u8 {
    let letter = state(attempt.state);
    if attempt.otpmux_code { letter.to_ascii_uppercase() } else { letter }
}

/// The first letter of the state's word.
fn state(state: AttemptState) -> u8 {
    match state {
        AttemptState::Intended => b'i',
        AttemptState::Accepted => b'a',
        AttemptState::NotSent => b'n',
        AttemptState::Rejected => b'r',
        AttemptState::Unknown => b'u',
    }
}

fn read_state(letter: u8) -> Option<AttemptState> {
    use AttemptState::{Accepted, Intended, NotSent, Rejected, Unknown};
    let all = [Intended, Accepted, NotSent, Rejected, Unknown];
    all.into_iter().find(|it| state(*it) == letter.to_ascii_lowercase())
}

/// Appends the entry of a send attempt.
pub(super) fn write(bytes: &mut Vec<u8>, attempt: &SendAttempt) {
    bytes.push(ATTEMPT);
    bytes.field_of(|bytes| {
        bytes.extend_from_slice(&attempt.key.to_bytes());
        bytes.time(attempt.ends_at);
        word(bytes, attempt.reason.as_str(), &REASONS);
        word(bytes, attempt.channel.as_str(), &CHANNELS);
        bytes.field(attempt.provider.as_str().as_bytes());
        let (reference, vendor) = (attempt.reference.as_ref(), attempt.vendor.as_deref());
        if attempt.failure.is_some() || reference.is_some() || vendor.is_some() {
            write_end(bytes, attempt.failure, reference, vendor);
        }
    });
}

/// Appends the entry of a delivery, if there is a mark.
pub(super) fn write_delivery(bytes: &mut Vec<u8>, place: usize, attempt: &SendAttempt) {
    if let Some(mark) = attempt.delivery {
        bytes.push(DELIVERY);
        bytes.field_of(|bytes| {
            bytes.place(place);
            bytes.long_number(mark.number());
        });
    }
}

/// Appends a further send attempt, as scripts take it.
pub(crate) fn new_attempt(bytes: &mut Vec<u8>, attempt: &SendAttempt) {
    bytes.extend([letter(attempt), u8::from(attempt.failure.is_some())]);
    bytes.field_of(|bytes| {
        if let Some(mark) = attempt.delivery {
            bytes.long_number(mark.number());
        }
    });
    write(bytes, attempt);
}

/// Appends the ends of send attempts, as scripts take them.
pub(crate) fn ends(bytes: &mut Vec<u8>, ends: &[AttemptEnd]) {
    for end in ends {
        bytes.place(end.attempt);
        bytes.push(state(end.state));
        bytes.maybe(end.found_by.as_ref().map(|tag| &tag[..]));
        bytes.field_of(|bytes| {
            write_end(bytes, end.failure, end.reference.as_ref(), end.vendor.as_deref());
        });
    }
}

/// Appends an accepted send attempt, as `record_accepted.lua` takes it.
pub(crate) fn accepted(bytes: &mut Vec<u8>, accepted: &AcceptedAttempt) {
    bytes.place(accepted.attempt);
    bytes.field_of(|bytes| write_end(bytes, None, accepted.reference.as_ref(), None));
}

fn write_end(
    bytes: &mut Vec<u8>,
    failure: Option<ErrorKind>,
    reference: Option<&VendorReference>,
    vendor: Option<&VendorTerms>,
) {
    bytes.field(failure.map_or("", ErrorKind::as_str).as_bytes());
    bytes.field_of(|bytes| {
        if let Some(reference) = reference {
            write_reference(bytes, reference);
        }
    });
    bytes.field_of(|bytes| {
        if let Some(terms) = vendor {
            write_terms(bytes, *terms);
        }
    });
}

/// Most references are UUIDs, and a record keeps its reference as long as it lives.
fn write_reference(bytes: &mut Vec<u8>, reference: &VendorReference) {
    let text = reference.as_str();
    match Uuid::try_parse(text) {
        // Other spellings of a UUID are kept as they are.
        Ok(uuid) if uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => {
            bytes.push(UUID);
            bytes.extend_from_slice(uuid.as_bytes());
        }
        _ => {
            // An empty reference is one.
            bytes.push(TEXT);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
}

/// Reads a reference, if there is one.
fn read_reference(field: &[u8]) -> Read<Option<VendorReference>> {
    let Some((form, bytes)) = field.split_first() else { return Ok(None) };
    let text = match *form {
        UUID => Uuid::from_slice(bytes).ok().map(|uuid| uuid.to_string()),
        TEXT => str::from_utf8(bytes).ok().map(str::to_owned),
        _ => None,
    };
    text.map(|text| Some(VendorReference::new(text))).ok_or(CallError::Unreadable)
}

fn write_terms(bytes: &mut Vec<u8>, terms: VendorTerms) {
    let VendorTerms { code_length, repeats, expires_at, max_guesses } = terms;
    bytes.maybe(code_length.map(|length| [length]).as_ref().map(|length| &length[..]));
    bytes.push(u8::from(repeats));
    bytes.field_of(|bytes| {
        if let Some(at) = expires_at {
            bytes.time(at);
        }
    });
    bytes.maybe(max_guesses.map(u32::to_be_bytes).as_ref().map(|most| &most[..]));
}

fn read_terms(field: &[u8]) -> Read<Option<Box<VendorTerms>>> {
    if field.is_empty() {
        return Ok(None);
    }
    let terms = &mut Decoder::new(field);
    let code_length = terms.maybe()?.map(|[length]| length);
    let repeats = terms.flag()?;
    let expires_at = match terms.field()? {
        [] => None,
        time => Some(Decoder::new(time).time()?),
    };
    let max_guesses = terms.maybe()?.map(u32::from_be_bytes);
    terms.end()?;
    Ok(Some(Box::new(VendorTerms { code_length, repeats, expires_at, max_guesses })))
}

/// Decodes an entry about a send attempt, and adds it to those before it.
pub(super) fn read(
    letter: u8,
    body: &[u8],
    letters: &[u8],
    attempts: &mut Vec<SendAttempt>,
) -> Read<()> {
    let body = &mut Decoder::new(body);
    match letter {
        ATTEMPT => {
            let state = *letters.get(attempts.len()).ok_or(CallError::Unreadable)?;
            attempts.push(read_attempt(body, state)?);
        }
        END => read_end(body, attempts)?,
        DELIVERY => {
            let attempt = attempts.get_mut(body.place()?).ok_or(CallError::Unreadable)?;
            let mark = DeliveryMark::from_number(body.long_number()?);
            attempt.delivery = Some(mark.ok_or(CallError::Unreadable)?);
        }
        _ => return Err(CallError::Unreadable),
    }
    body.end()
}

fn read_attempt(body: &mut Decoder<'_>, letter: u8) -> Read<SendAttempt> {
    let (key, ends_at) = (IdempotencyKey::from_random(body.array()?), body.time()?);
    let reason = read_word(body, &REASONS)?;
    let channel: Cow<'_, str> = named_word(body, &CHANNELS)?;
    let channel: Channel = channel.parse().map_err(|_| CallError::Unreadable)?;
    let provider = ProviderId::new(body.text()?).map_err(|_| CallError::Unreadable)?;
    let mut attempt = SendAttempt {
        provider,
        reason,
        channel,
        otpmux_code: letter.is_ascii_uppercase(),
        key,
        ends_at,
        state: read_state(letter).ok_or(CallError::Unreadable)?,
        failure: None,
        reference: None,
        vendor: None,
        delivery: None,
    };
    if !body.is_empty() {
        merge_end(body, &mut attempt)?;
    }
    Ok(attempt)
}

fn read_end(body: &mut Decoder<'_>, attempts: &mut [SendAttempt]) -> Read<()> {
    let attempt = attempts.get_mut(body.place()?).ok_or(CallError::Unreadable)?;
    merge_end(body, attempt)
}

/// The newest failure counts; a reference or terms remain until there are newer ones.
fn merge_end(body: &mut Decoder<'_>, attempt: &mut SendAttempt) -> Read<()> {
    attempt.failure = match body.text()? {
        "" => None,
        failure => Some(from_word(failure)?),
    };
    if let Some(reference) = read_reference(body.field()?)? {
        attempt.reference = Some(reference);
    }
    if let Some(terms) = read_terms(body.field()?)? {
        attempt.vendor = Some(terms);
    }
    Ok(())
}

fn word(bytes: &mut Vec<u8>, word: &str, known: &[&str]) {
    if let Some((code, _)) = (1..).zip(known).find(|(_, it)| **it == word) {
        bytes.push(code);
    } else {
        bytes.push(0);
        bytes.field(word.as_bytes());
    }
}

fn named_word<'a>(body: &mut Decoder<'a>, known: &[&'static str]) -> Read<Cow<'a, str>> {
    match body.byte()? {
        0 => body.text().map(Cow::Borrowed),
        code => {
            let word = known.get(usize::from(code) - 1).ok_or(CallError::Unreadable)?;
            Ok(Cow::Borrowed(*word))
        }
    }
}

fn read_word<T: DeserializeOwned>(body: &mut Decoder<'_>, known: &[&'static str]) -> Read<T> {
    from_word(&named_word(body, known)?)
}

/// Decodes a word of the model, as `serde` reads it.
fn from_word<T: DeserializeOwned>(text: &str) -> Read<T> {
    let text: StrDeserializer<'_, NoWord> = text.into_deserializer();
    T::deserialize(text).map_err(|_| CallError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_comes_back_as_the_vendor_wrote_it() {
        let uuid = "11f951d5-32d1-4b49-bdda-7da248e2615c";
        let upper = uuid.to_ascii_uppercase();
        let braces = ["{", uuid, "}"].concat();
        let simple = uuid.replace('-', "");
        let cases = [(uuid, 17), (&upper, 37), (&braces, 39), (&simple, 33), ("", 1), ("#1", 3)];
        for (text, length) in cases {
            let mut bytes = Vec::new();
            write_reference(&mut bytes, &VendorReference::new(text));
            assert_eq!(bytes.len(), length, "{text}");
            let read = read_reference(&bytes).unwrap().unwrap();
            assert_eq!(read.as_str(), text);
        }
        assert!(read_reference(b"").unwrap().is_none());
        for strange in [&b"#short"[..], b"=\xff", b"?"] {
            assert!(read_reference(strange).is_err(), "{strange:?}");
        }
    }
}
