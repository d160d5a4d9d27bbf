//! The tolerant reader. No answer of this vendor is documented, so each form is assumed (A1 to A19,
//! see the README). If an assumption is wrong, the reader finds the value in another likely place,
//! or returns an error that says what is missing. Only an explicit positive counts as an approval.

use std::time::{Duration, SystemTime};

use otpmux_core::{Error, Sent, VendorReference, Verdict};
use otpmux_http::Answer;

use crate::error::{Word, error};
use crate::fields::{Fields, Said};
use crate::{Approval, Endpoint};

/// The lower end of the TTL that the vendor's overview recommends (A4).
const TTL: Duration = Duration::from_mins(5);

/// Reads the answer to a send.
pub(crate) fn sent(answer: &Answer, now: SystemTime) -> Result<Sent, Error> {
    let fields = accepted(answer, Endpoint::Send)?;
    let id = fields.id().ok_or_else(|| {
        answer.protocol_error("no field verification_id, nor one that could stand for it")
    })?;
    let mut sent = Sent::new().with_reference(VendorReference::new(id));
    let default = || now.checked_add(TTL);
    sent.expires_at = fields.expires_at(now).or_else(default);
    sent.guesses_left = fields.guesses_left();
    Ok(sent)
}

/// Reads the answer to a resend: a new id replaces the old one (A16). An expiry that it does not
/// mention stays open, since that of the first code may still hold.
pub(crate) fn resent(
    answer: &Answer,
    old: &VendorReference,
    now: SystemTime,
) -> Result<Sent, Error> {
    let fields = accepted(answer, Endpoint::Resend)?;
    let reference = fields.id().map_or_else(|| old.clone(), VendorReference::new);
    let mut sent = Sent::new().with_reference(reference);
    sent.expires_at = fields.expires_at(now);
    sent.guesses_left = fields.guesses_left();
    Ok(sent)
}

fn accepted(answer: &Answer, endpoint: Endpoint) -> Result<Fields, Error> {
    let fields = Fields::of(answer);
    match answer.status() {
        200..=202 => {}
        _ if answer.is_success() => {
            return Err(answer.protocol_error("an unknown kind of success"));
        }
        _ => return Err(error(answer, &fields, endpoint)),
    }
    if fields.root().is_none() {
        return Err(answer.protocol_error("the answer is no JSON object"));
    }
    let no = fields.says_no();
    if no && fields.id().is_some() {
        return Err(answer.protocol_error("an id and a failure in one answer"));
    }
    if no {
        return Err(error(answer, &fields, endpoint));
    }
    Ok(fields)
}

/// Reads the answer to a verify.
pub(crate) fn verdict(answer: &Answer, approval: Option<&Approval>) -> Result<Verdict, Error> {
    let fields = Fields::of(answer);
    let said = fields.said(approval);
    let verdict = match answer.status() {
        200..=202 => after_success(answer, &fields, &said),
        // A13: neither a proxy's answer nor a fault is a verdict.
        400 | 403 | 404 | 409 | 410 | 422 | 429 => after_refusal(answer, &fields, &said),
        _ if answer.is_success() => Err(answer.protocol_error("an unknown kind of success")),
        _ => Err(error(answer, &fields, Endpoint::Verify)),
    }?;
    Ok(match verdict {
        Verdict::WrongCode { .. } => Verdict::WrongCode { guesses_left: fields.guesses_left() },
        Verdict::TooManyGuesses { .. } => {
            Verdict::TooManyGuesses { retry_after: fields.retry_after(answer) }
        }
        other => other,
    })
}

fn after_success(answer: &Answer, fields: &Fields, said: &Said) -> Result<Verdict, Error> {
    if fields.root().is_none() {
        return Err(answer.protocol_error("the answer is no JSON object"));
    }
    if said.muddled {
        return Err(answer.protocol_error("the field verified or valid is neither true nor false"));
    }
    let no = said.no || fields.says_no();
    if said.yes {
        return if no || fields.named().is_some() {
            Err(contradiction(answer))
        } else {
            Ok(Verdict::Approved)
        };
    }
    let hint = if no || said.named {
        fields.hint()
    } else {
        // A text alone is no answer: without a known word, it becomes the protocol error below.
        fields.named()
    };
    match hint {
        Some(word) => verdict_of(word).ok_or_else(|| error(answer, fields, Endpoint::Verify)),
        None if said.no => Ok(unexplained(fields)),
        None if no => Ok(Verdict::Rejected),
        None if said.named => Err(answer.protocol_error(
            "the setting approved_field names a field with another value than approved_value, and \
             nothing says why",
        )),
        None => Err(answer.protocol_error(
            "no field verified, valid or status says whether the code is right; once the service's \
             answer is known, name its field by the setting approved_field",
        )),
    }
}

/// Returns the verdict for a denial without a known reason: a wrong code, unless the text has a
/// reason (A8).
fn unexplained(fields: &Fields) -> Verdict {
    match fields.code() {
        None => Verdict::WrongCode { guesses_left: None },
        Some(_) => Verdict::Rejected,
    }
}

fn contradiction(answer: &Answer) -> Error {
    answer.protocol_error("a positive field and a failure in one answer")
}

fn after_refusal(answer: &Answer, fields: &Fields, said: &Said) -> Result<Verdict, Error> {
    if said.yes {
        return Err(contradiction(answer));
    }
    let status = answer.status();
    let refused = || error(answer, fields, Endpoint::Verify);
    let hint = match status {
        // Both statuses have a meaning that only a code can change (A9).
        403 | 429 => fields.named(),
        404 if fields.named().is_none() && is_about_routes(fields) => None,
        _ => fields.hint(),
    };
    match (status, hint) {
        // Only "too many attempts" makes a limit a verdict.
        (429, Some(word)) if word != Word::Exhausted => Err(refused()),
        (_, Some(word)) => verdict_of(word).ok_or_else(refused),
        // A10, with the vendor's own body only: a proxy's page says nothing about the code.
        (404, None) if (said.no || fields.says_no()) && !is_about_routes(fields) => {
            Ok(Verdict::NotFound)
        }
        (404, None) => {
            Err(answer.protocol_error("not the vendor's own 404; check base_url and paths"))
        }
        (409 | 410, None) if fields.code().is_some() => Ok(Verdict::Rejected),
        (409, None) => Ok(Verdict::AlreadyUsed),
        (410, None) => Ok(Verdict::Expired),
        (400 | 422, None) if said.no => Ok(unexplained(fields)),
        _ => Err(refused()),
    }
}

/// Returns whether a 404 means a missing route rather than a missing verification.
fn is_about_routes(fields: &Fields) -> bool {
    let code = fields.code().unwrap_or_default().to_ascii_uppercase();
    let text = fields.message().unwrap_or_default().to_ascii_lowercase();
    ["ROUTE", "ENDPOINT", "PATH"].iter().any(|word| code.contains(word))
        || ["/", "cannot ", "route", "endpoint", "url"].iter().any(|word| text.contains(word))
}

fn verdict_of(word: Word) -> Option<Verdict> {
    Some(match word {
        Word::WrongCode => Verdict::WrongCode { guesses_left: None },
        Word::Expired => Verdict::Expired,
        Word::Used => Verdict::AlreadyUsed,
        Word::Exhausted => Verdict::TooManyGuesses { retry_after: None },
        Word::NotFound => Verdict::NotFound,
        _ => return None,
    })
}
