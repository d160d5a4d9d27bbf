use std::borrow::Cow;
use std::str::{FromStr, Split};
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, ErrorKind, IdempotencyKey, ProviderId, Purpose, VendorReference};
use otpmux_engine::{
    AttemptEnd, AttemptState, Choice, CodeMac, DeliveryMark, IdempotencyRecord, KeyId,
    RecipientHash, Record, Sealed, SendAttempt, Skip, State, VendorTerms, VerificationId, millis,
};
use serde::de::value::{Error as NoWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use crate::encoder::{Encoder, NONE};
use crate::error::CallError;
use crate::hex::from_hex;
use crate::layout::{GUESSES, MAX_GUESSES, RESENDS};

/// The part of a send attempt that no script reads.
#[derive(Serialize, Deserialize)]
struct AttemptForm<'a> {
    provider: Cow<'a, ProviderId>,
    reason: Choice,
    channel: Cow<'a, Channel>,
    key: IdempotencyKey,
    /// In milliseconds since 1970.
    ends_at: u64,
}

/// The state of a send attempt without an outcome, as scripts look for it.
pub(crate) const INTENDED: &str = "i";

/// Encodes a record; `record.lua` describes the format, `layout.rs` has the positions.
pub(crate) fn write(record: &Record) -> Vec<u8> {
    let (code, request) = (record.code.as_ref(), record.request.as_ref());
    let mut text = Encoder::with_capacity(1024)
        .word(state(record.state))
        .padded(record.guesses, GUESSES.width)
        .padded(record.max_guesses, MAX_GUESSES.width)
        .time(record.expires_at)
        .padded(record.resends, RESENDS.width)
        .time(record.resend_after)
        .hex(&record.recipient.0)
        .raw("\n")
        .maybe(request, |words, request| words.hex(&request.content))
        .text(record.purpose.as_str())
        .maybe(record.supersedes, |words, id| words.hex(&id.to_bytes()))
        .maybe(code, |words, code| words.text(&code.key))
        .maybe(code, |words, code| words.hex(&code.by_id))
        .maybe(code, |words, code| words.hex(&code.by_recipient))
        .maybe(code.and_then(|code| code.by_external), |words, mac| words.hex(&mac))
        .maybe(record.external, |words, tag| words.hex(&tag))
        .maybe(request, |words, request| words.hex(&request.name))
        .maybe(record.code_length, Encoder::number)
        .text(&record.sealed.key);
    for attempt in &record.send_attempts {
        text = add_attempt(text.raw("\n"), attempt);
    }
    text.raw("\n\n").raw(lines(&record.skips)).raw("\n").raw(&record.sealed.bytes).into_bytes()
}

/// Encodes a send attempt as one line.
pub(crate) fn attempt(attempt: &SendAttempt) -> Vec<u8> {
    add_attempt(Encoder::default(), attempt).into_bytes()
}

fn add_attempt(words: Encoder, attempt: &SendAttempt) -> Encoder {
    let form = AttemptForm {
        provider: Cow::Borrowed(&attempt.provider),
        reason: attempt.reason,
        channel: Cow::Borrowed(&attempt.channel),
        key: attempt.key,
        ends_at: millis(attempt.ends_at),
    };
    // KeyNames and words always serialise.
    let form = serde_json::to_string(&form).unwrap_or_default();
    let words =
        words.word(attempt_state(attempt.state)).raw(if attempt.otpmux_code { "1" } else { "0" });
    add_end(words, attempt.failure, attempt.reference.as_ref(), attempt.vendor.as_deref())
        .maybe(attempt.delivery, |words, mark| words.number(mark.number()))
        .word(&form)
}

/// Adds the end of a send attempt: its index, and those words of its line that change.
pub(crate) fn add_attempt_end(words: Encoder, end: &AttemptEnd) -> Encoder {
    let place = u64::try_from(end.attempt).unwrap_or(u64::MAX);
    let words = words.number(place).word(attempt_state(end.state));
    add_end(words, end.failure, end.reference.as_ref(), end.vendor.as_deref())
        .maybe(end.found_by, |words, tag| words.hex(&tag))
        .raw("\n")
}

fn add_end(
    words: Encoder,
    failure: Option<ErrorKind>,
    reference: Option<&VendorReference>,
    vendor: Option<&VendorTerms>,
) -> Encoder {
    words
        .maybe(failure, |words, failure| words.word(failure.as_str()))
        .maybe(reference, |words, reference| words.text(reference.as_str()))
        .maybe(vendor, |words, terms| words.word(&vendor_terms(*terms)))
}

/// Terms of a vendor's code, as one word: digits, whether a resend repeats it, expiry, most
/// guesses.
type TermsForm = (Option<u8>, bool, Option<u64>, Option<u32>);

fn vendor_terms(terms: VendorTerms) -> String {
    let VendorTerms { code_length, repeats, expires_at, max_guesses } = terms;
    let form: TermsForm = (code_length, repeats, expires_at.map(millis), max_guesses);
    // Numbers always serialise, and without spaces.
    serde_json::to_string(&form).unwrap_or_default()
}

fn read_vendor_terms(word: &str) -> Option<Box<VendorTerms>> {
    let (code_length, repeats, expires_at, max_guesses): TermsForm =
        serde_json::from_str(word).ok()?;
    let expires_at = match expires_at {
        Some(ms) => Some(SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))?),
        None => None,
    };
    Some(Box::new(VendorTerms { code_length, repeats, expires_at, max_guesses }))
}

/// Returns the first letters of the state's words.
fn attempt_state(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Intended => INTENDED,
        AttemptState::Accepted => "a",
        AttemptState::NotSent => "n",
        AttemptState::Rejected => "r",
        AttemptState::Unknown => "u",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Pending => "p",
        State::Approved => "a",
        State::Superseded => "s",
        State::Closed => "c",
    }
}

/// Decodes a state that [`state`] has written.
pub(crate) fn read_state(word: &str) -> Option<State> {
    [State::Pending, State::Approved, State::Superseded, State::Closed]
        .into_iter()
        .find(|it| state(*it) == word)
}

/// Encodes each skip as one line, so that more can be appended.
pub(crate) fn lines(skips: &[Skip]) -> String {
    // KeyNames, words and times always serialise.
    skips.iter().map(|skip| serde_json::to_string(skip).unwrap_or_default() + "\n").collect()
}

type Read<T> = Result<T, CallError>;

/// Decodes a record.
pub(crate) fn read(id: VerificationId, text: &[u8]) -> Read<Record> {
    let (head, rest) = cut(text, b"\n\n").ok_or(CallError::Unreadable)?;
    // Without skips, the second empty line follows the first directly.
    let (skips, sealed) = match rest {
        [b'\n', sealed @ ..] => (&b""[..], sealed),
        _ => cut(rest, b"\n\n").ok_or(CallError::Unreadable)?,
    };
    let mut lines = utf8(head)?.split('\n');
    let placed = &mut Reader(lines.next().unwrap_or_default().split(' '));
    let state = read_state(placed.some()?).ok_or(CallError::Unreadable)?;
    let (guesses, max_guesses) = (placed.number()?, placed.number()?);
    let (expires_at, resends) = (placed.time()?, placed.number()?);
    let resend_after = placed.time()?;
    let recipient = RecipientHash(placed.hex()?.ok_or(CallError::Unreadable)?);
    placed.end()?;
    let fixed = &mut Reader(lines.next().unwrap_or_default().split(' '));
    let content = fixed.hex()?;
    let purpose = Purpose::new(fixed.text()?.ok_or(CallError::Unreadable)?);
    let supersedes = fixed.hex()?.map(VerificationId::from_bytes);
    let code = match (fixed.text()?, fixed.hex()?, fixed.hex()?, fixed.hex()?) {
        (Some(key), Some(by_id), Some(by_recipient), by_external) => {
            Some(CodeMac { key: KeyId::from(key), by_id, by_recipient, by_external })
        }
        (None, None, None, None) => None,
        _ => return Err(CallError::Unreadable),
    };
    let external = fixed.hex()?;
    let request = match (content, fixed.hex()?) {
        (Some(content), Some(name)) => Some(Box::new(IdempotencyRecord { name, content })),
        (None, None) => None,
        _ => return Err(CallError::Unreadable),
    };
    let record = Record {
        id,
        recipient,
        purpose: purpose.map_err(|_| CallError::Unreadable)?,
        external,
        state,
        supersedes,
        code,
        code_length: fixed.maybe(|word| word.parse().ok())?,
        expires_at,
        guesses,
        max_guesses,
        resends,
        resend_after,
        due_at: None,
        due_after_end: None,
        escalations: 0,
        sealed: Sealed {
            key: fixed.text()?.ok_or(CallError::Unreadable)?.into(),
            bytes: sealed.into(),
        },
        send_attempts: lines.map(read_attempt).collect::<Read<_>>()?,
        skips: utf8(skips)?
            .lines()
            .map(|line| serde_json::from_str(line).map_err(|_| CallError::Unreadable))
            .collect::<Read<_>>()?,
        request,
    };
    fixed.end()?;
    Ok(record)
}

fn read_attempt(line: &str) -> Read<SendAttempt> {
    let (words, form) = line.split_once(" {").ok_or(CallError::Unreadable)?;
    let form: AttemptForm<'_> =
        serde_json::from_str(&format!("{{{form}")).map_err(|_| CallError::Unreadable)?;
    let words = &mut Reader(words.split(' '));
    let (state, otpmux_code) = match words.some()?.as_bytes() {
        [state, otpmux_code @ (b'0' | b'1')] => (*state, *otpmux_code == b'1'),
        _ => return Err(CallError::Unreadable),
    };
    let state = match state {
        b'i' => AttemptState::Intended,
        b'a' => AttemptState::Accepted,
        b'n' => AttemptState::NotSent,
        b'r' => AttemptState::Rejected,
        b'u' => AttemptState::Unknown,
        _ => return Err(CallError::Unreadable),
    };
    let attempt = SendAttempt {
        provider: form.provider.into_owned(),
        reason: form.reason,
        channel: form.channel.into_owned(),
        otpmux_code,
        key: form.key,
        ends_at: SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(form.ends_at))
            .ok_or(CallError::Unreadable)?,
        state,
        failure: words.maybe(word)?,
        reference: words.text()?.map(VendorReference::new),
        vendor: words.maybe(read_vendor_terms)?,
        delivery: words.maybe(|word| DeliveryMark::from_number(word.parse().ok()?))?,
    };
    words.end()?;
    Ok(attempt)
}

/// Splits at the first occurrence of these bytes.
fn cut<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..place], &text[place + at.len()..]))
}

fn utf8(bytes: &[u8]) -> Read<&str> {
    str::from_utf8(bytes).map_err(|_| CallError::Unreadable)
}

/// The words of a line.
struct Reader<'a>(Split<'a, char>);

impl<'a> Reader<'a> {
    fn some(&mut self) -> Read<&'a str> {
        self.0.next().ok_or(CallError::Unreadable)
    }

    /// Reads a word that may be missing, but must not be unreadable.
    fn maybe<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Read<Option<T>> {
        match self.some()? {
            NONE => Ok(None),
            word => read(word).map(Some).ok_or(CallError::Unreadable),
        }
    }

    fn number<T: FromStr>(&mut self) -> Read<T> {
        self.some()?.parse().map_err(|_| CallError::Unreadable)
    }

    fn time(&mut self) -> Read<SystemTime> {
        let since = Duration::from_millis(self.number()?);
        SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)
    }

    fn hex<const N: usize>(&mut self) -> Read<Option<[u8; N]>> {
        self.maybe(from_hex)
    }

    fn text(&mut self) -> Read<Option<String>> {
        self.maybe(from_text_word)
    }

    fn end(&mut self) -> Read<()> {
        self.0.next().map_or(Ok(()), |_| Err(CallError::Unreadable))
    }
}

/// Decodes a text that [`Encoder::text`] has written.
fn from_text_word(word: &str) -> Option<String> {
    let mut parts = word.strip_prefix('=')?.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.extend(from_hex::<1>(digits)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Decodes a word of the model, as `serde` reads it.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, NoWord> = text.into_deserializer();
    T::deserialize(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_word(text: &str) -> String {
        String::from_utf8(Encoder::default().text(text).into_bytes()).unwrap()
    }

    #[test]
    fn every_text_is_one_word_and_comes_back() {
        for text in ["", "-", "=", "a b", "50%", "%20", "zwölf\n\n", "\u{0}\t", "7b4d6022-7260"] {
            let word = text_word(text);
            assert!(word.bytes().all(|byte| byte.is_ascii_graphic()) && word != NONE, "{word}");
            assert_eq!(from_text_word(&word).as_deref(), Some(text));
        }
        assert_eq!(text_word("login page"), "=login%20page");
        for bad in ["", "-", "a", "=%", "=%2", "=%zz", "=%ff"] {
            assert_eq!(from_text_word(bad), None, "{bad}");
        }
    }
}
