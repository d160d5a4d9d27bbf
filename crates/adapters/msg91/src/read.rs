//! Reads the answers. Their status is 200 also for a refusal; `type` and the text decide.

use otpmux_core::{Error, ErrorKind, Sent, VendorReference, Verdict};
use otpmux_http::{Answer, Reading};
use serde_json::{Map, Value};

use crate::words::Word;

/// The parts of an answer.
struct Said {
    /// `success`, or another word; `None` if the answer has no such field.
    success: Option<bool>,
    text: String,
    /// Whether no other field says something else.
    is_consistent: bool,
    request_id: Option<String>,
    code: Option<String>,
}

impl Said {
    fn of(answer: &Answer) -> Option<Self> {
        let body: Map<String, Value> = answer.parse()?;
        let texts = |names: [&str; 3]| {
            let values = || names.into_iter().filter_map(|name| body.get(name));
            let first = values().find_map(text_of).unwrap_or_default();
            let is_consistent = values().all(|value| value.is_null() || says_only(value, &first));
            (first, is_consistent)
        };
        // Old answers have `msg_type` and `msg`; the gate before the API has `status` and `errors`.
        let (kind, is_one_kind) = texts(["type", "msg_type", "status"]);
        let (text, is_one_text) = texts(["message", "msg", "errors"]);
        let success = match kind.to_ascii_lowercase().as_str() {
            "" => None,
            kind => Some(kind == "success"),
        };
        Some(Self {
            success,
            text,
            is_consistent: is_one_kind && is_one_text,
            request_id: body.get("request_id").and_then(text_of),
            code: ["apiError", "code"].iter().find_map(|name| text_of(body.get(*name)?)),
        })
    }

    /// Returns the meaning of a refusal.
    fn word(&self) -> Option<Word> {
        // 418 is the gate's code for an address that the key does not accept.
        let by_code = (self.code.as_deref() == Some("418")).then_some(Word::AddressBlocked);
        by_code.or_else(|| Word::of(&self.text))
    }
}

/// Returns a text, also one that is written as a number or in a list.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => list.first().and_then(text_of),
        _ => None,
    }
}

/// Whether a value is this text in a form of [`text_of`], and no more.
fn says_only(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(list) => matches!(&list[..], [one] if says_only(one, text)),
        other => text_of(other).is_some_and(|other| other == text),
    }
}

/// Reads the answer to a send.
pub(crate) fn sent(answer: &Answer) -> Result<Sent, Error> {
    let said = accepted(answer)?;
    // Older answers have the id in the place of the text.
    let id = said.request_id.or_else(|| is_id(&said.text).then_some(said.text));
    Ok(match id.filter(|id| !id.is_empty()) {
        Some(id) => Sent::new().with_reference(VendorReference::new(id)),
        None => Sent::new(),
    })
}

/// Reads the answer to a resend. It has no id: the first one stays.
pub(crate) fn resent(answer: &Answer, reference: Option<&VendorReference>) -> Result<Sent, Error> {
    accepted(answer)?;
    let mut sent = Sent::new();
    sent.reference = reference.cloned();
    Ok(sent)
}

fn is_id(text: &str) -> bool {
    (12..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn accepted(answer: &Answer) -> Result<Said, Error> {
    if !answer.is_success() {
        return Err(refusal(answer, Said::of(answer)));
    }
    match Said::of(answer) {
        Some(said) if said.success == Some(true) => Ok(said),
        Some(said) if said.success == Some(false) => Err(refusal(answer, Some(said))),
        _ => Err(answer.protocol_error("the answer has no type")),
    }
}

/// Reads the answer to a verify.
pub(crate) fn verdict(answer: &Answer) -> Result<Verdict, Error> {
    let said = Said::of(answer);
    if !answer.is_success() {
        // A refusal that speaks of the code counts as a guess at every status that the vendor may
        // give it, except for a fault.
        let word = said.as_ref().and_then(Said::word);
        let verdict = word.filter(|_| (400..500).contains(&answer.status())).and_then(denial);
        return verdict.ok_or_else(|| refusal(answer, said));
    }
    let Some((said, success)) =
        said.and_then(|said| Some((said.success?, said))).map(|(s, d)| (d, s))
    else {
        return Err(answer.protocol_error("the answer has no type"));
    };
    match (success, said.word()) {
        (true, Some(Word::Verified)) if said.is_consistent => Ok(Verdict::Approved),
        // "Already verified" is a success to some programs, and so lets the same code in twice.
        (_, Some(word)) if denial(word).is_some() => Ok(denial(word).unwrap_or(Verdict::Rejected)),
        (true, _) => Err(answer
            .protocol_error("a success that says something other than that the code is right")),
        (false, Some(Word::Verified)) => {
            Err(answer.protocol_error("a failure with the text for a right code"))
        }
        (false, Some(_)) => Err(refusal(answer, Some(said))),
        // No text that speaks of the account. It may be one more text for a wrong code, and must
        // count as a guess.
        (false, None) => Ok(Verdict::Rejected),
    }
}

fn denial(word: Word) -> Option<Verdict> {
    Some(match word {
        Word::WrongCode => Verdict::WrongCode { guesses_left: None },
        Word::Expired => Verdict::Expired,
        Word::AlreadyVerified => Verdict::AlreadyUsed,
        Word::Gone => Verdict::Gone,
        Word::TooManyGuesses => Verdict::TooManyGuesses { retry_after: None },
        _ => return None,
    })
}

/// Returns the error for an answer that is no success.
fn refusal(answer: &Answer, said: Option<Said>) -> Error {
    let status = answer.status();
    let of_status = || Reading::of_status(status, answer.retry_after().is_some());
    let Some(said) = said else {
        return answer.error(of_status());
    };
    let reading = match (status, said.word()) {
        (200..=499, Some(word)) => word.reading(),
        // An explicit refusal without a known reason; perhaps another vendor has no objection.
        (200..=299, None) => Reading::provider(ErrorKind::InvalidRequest),
        // A send looks nothing up: base_url is wrong.
        (404, None) => Reading::provider(ErrorKind::Unavailable),
        _ => of_status(),
    };
    let error = answer.error(reading).with_detail(answer.public_text(&said.text));
    match said.code.as_deref().and_then(|code| answer.public_code(code)) {
        Some(code) => error.with_vendor_code(code),
        None => error,
    }
}
