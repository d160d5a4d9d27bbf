//! A record as bytes, and back. `lua/shared/record.lua` describes the form, `layout.rs` has the
//! positions.

mod attempt;
pub(crate) mod events;

use std::time::SystemTime;

use otpmux_core::Purpose;
use otpmux_engine::{
    CodeMac, IdempotencyRecord, KeyId, RecipientHash, Record, Sealed, Skip, State, VerificationId,
};

pub(crate) use attempt::{accepted, ends, new_attempt};

use crate::decoder::{Decoder, Read};
use crate::encoder::Encode;
use crate::error::CallError;

/// The form of a record that this crate writes and reads. Scripts refuse every other one.
pub(crate) const VERSION: u8 = 1;

/// Appends a record.
pub(crate) fn write(bytes: &mut Vec<u8>, record: &Record) {
    let request = record.request.as_ref();
    bytes.extend([VERSION, state(record.state)]);
    bytes.number(record.guesses);
    bytes.number(record.max_guesses);
    bytes.time(record.expires_at);
    bytes.number(record.resends);
    bytes.time(record.resend_after);
    bytes.extend_from_slice(&record.recipient.0);
    bytes.push(u8::from(record.send_attempts.iter().any(|attempt| attempt.failure.is_some())));
    bytes.push(u8::from(is_watched(record)));
    bytes.push(u8::from(record.events.is_some()));

    bytes.field_of(|bytes| bytes.extend(record.send_attempts.iter().map(attempt::letter)));
    bytes.field_of(|bytes| write_code(bytes, record.code.as_ref()));
    bytes.field(purpose(&record.purpose));
    bytes.maybe(record.supersedes.map(VerificationId::to_bytes).as_ref().map(|id| &id[..]));
    bytes.maybe(request.map(|request| &request.content[..]));
    bytes.maybe(request.map(|request| &request.name[..]));
    bytes.maybe(record.external.as_ref().map(|tag| &tag[..]));
    bytes.maybe(record.code_length.map(|length| [length]).as_ref().map(|length| &length[..]));
    bytes.field(record.sealed.key.as_bytes());
    bytes.field(&record.sealed.bytes);
    bytes.field_of(|bytes| write_due(bytes, record));
    bytes.field_of(|bytes| {
        if let Some(terms) = record.events.as_deref() {
            events::write_terms(bytes, terms);
        }
    });

    for attempt in &record.send_attempts {
        attempt::write(bytes, attempt);
    }
    for (place, attempt) in record.send_attempts.iter().enumerate() {
        attempt::write_delivery(bytes, place, attempt);
    }
    skips(bytes, &record.skips);
}

fn is_watched(record: &Record) -> bool {
    record.due_at.is_some() || record.due_after_end.is_some() || record.escalations > 0
}

fn write_due(bytes: &mut Vec<u8>, record: &Record) {
    if is_watched(record) {
        maybe_time(bytes, record.due_at);
        maybe_time(bytes, record.due_after_end);
        bytes.push(record.escalations);
    }
}

/// Appends a time; zeros if there is none.
pub(crate) fn maybe_time(bytes: &mut Vec<u8>, time: Option<SystemTime>) {
    bytes.time(time.unwrap_or(SystemTime::UNIX_EPOCH));
}

fn read_due(field: &[u8]) -> Read<(Option<SystemTime>, Option<SystemTime>, u8)> {
    if field.is_empty() {
        return Ok((None, None, 0));
    }
    let mut due = Decoder::new(field);
    let mut time = || Ok(Some(due.time()?).filter(|time| *time != SystemTime::UNIX_EPOCH));
    let (due_at, due_after_end) = (time()?, time()?);
    let steps = due.byte()?;
    due.end()?;
    Ok((due_at, due_after_end, steps))
}

/// Returns the bytes of a purpose, also in the name of a key: most have the default one, so that
/// takes none.
pub(crate) fn purpose(purpose: &Purpose) -> &[u8] {
    if *purpose == Purpose::default() { b"" } else { purpose.as_str().as_bytes() }
}

/// Appends an entry for each skip.
pub(crate) fn skips(bytes: &mut Vec<u8>, skips: &[Skip]) {
    for skip in skips {
        bytes.push(SKIP);
        // Names, words and times always serialise.
        bytes.field(&serde_json::to_vec(skip).unwrap_or_default());
    }
}

/// The letter of a skip's entry.
const SKIP: u8 = b'S';

fn write_code(bytes: &mut Vec<u8>, code: Option<&CodeMac>) {
    if let Some(code) = code {
        bytes.push(2 + u8::from(code.by_external.is_some()));
        bytes.extend_from_slice(&code.by_id);
        bytes.extend_from_slice(&code.by_recipient);
        bytes.extend(code.by_external.iter().flatten());
        bytes.extend_from_slice(code.key.as_bytes());
    }
}

fn read_code(field: &[u8]) -> Read<Option<CodeMac>> {
    if field.is_empty() {
        return Ok(None);
    }
    let mut code = Decoder::new(field);
    let macs = code.byte()?;
    let (by_id, by_recipient) = (code.array()?, code.array()?);
    let by_external = match macs {
        2 => None,
        3 => Some(code.array()?),
        _ => return Err(CallError::Unreadable),
    };
    let key = key_id(code.rest())?;
    Ok(Some(CodeMac { key, by_id, by_recipient, by_external }))
}

fn key_id(bytes: &[u8]) -> Read<KeyId> {
    str::from_utf8(bytes).map(KeyId::from).map_err(|_| CallError::Unreadable)
}

/// The first letter of the state's word.
fn state(state: State) -> u8 {
    match state {
        State::Pending => b'p',
        State::Approved => b'a',
        State::Superseded => b's',
        State::Closed => b'c',
    }
}

/// Returns the state of a letter.
pub(crate) fn read_state(letter: u8) -> Option<State> {
    [State::Pending, State::Approved, State::Superseded, State::Closed]
        .into_iter()
        .find(|it| state(*it) == letter)
}

/// Decodes a record.
pub(crate) fn read(id: VerificationId, bytes: &[u8]) -> Read<Record> {
    let head = &mut Decoder::new(bytes);
    if head.byte()? != VERSION {
        return Err(CallError::Unreadable);
    }
    let state = read_state(head.byte()?).ok_or(CallError::Unreadable)?;
    let (guesses, max_guesses, expires_at) = (head.number()?, head.number()?, head.time()?);
    let (resends, resend_after) = (head.number()?, head.time()?);
    let recipient = RecipientHash(head.array()?);
    head.flag()?;
    head.flag()?;
    let has_events = head.flag()?;

    let fields = head;
    let letters = fields.field()?;
    let code = read_code(fields.field()?)?;
    let purpose = match fields.text()? {
        "" => Purpose::default(),
        purpose => Purpose::new(purpose).map_err(|_| CallError::Unreadable)?,
    };
    let supersedes = fields.maybe()?.map(VerificationId::from_bytes);
    let request = match (fields.maybe()?, fields.maybe()?) {
        (Some(content), Some(name)) => Some(Box::new(IdempotencyRecord { name, content })),
        (None, None) => None,
        _ => return Err(CallError::Unreadable),
    };
    let external = fields.maybe()?;
    let code_length = fields.maybe()?.map(|[length]| length);
    let sealed = Sealed { key: key_id(fields.field()?)?, bytes: fields.field()?.into() };
    let (due_at, due_after_end, escalations) = read_due(fields.field()?)?;
    let terms = fields.field()?;
    let events = has_events.then(|| events::read_terms(terms)).transpose()?.map(Box::new);

    let entries = fields;
    let (mut send_attempts, mut skips) = (Vec::with_capacity(letters.len()), Vec::new());
    while !entries.is_empty() {
        let (letter, body) = (entries.byte()?, entries.field()?);
        if letter == SKIP {
            skips.push(serde_json::from_slice(body).map_err(|_| CallError::Unreadable)?);
        } else {
            attempt::read(letter, body, letters, &mut send_attempts)?;
        }
    }
    if send_attempts.len() != letters.len() {
        return Err(CallError::Unreadable);
    }
    Ok(Record {
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
