use otpmux_core::{Delivery, Error, Sent, Status, VendorReference, Verdict};
use otpmux_http::Answer;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Endpoint, error};
use crate::wire::{CreateAnswer, ErrorAnswer, Session, ValidateAnswer};

/// Reads the answer to a create. The message goes out later: a failure comes by callback only.
pub(crate) fn sent(answer: &Answer) -> Result<Sent, Error> {
    let body: CreateAnswer = success(answer, Endpoint::Create)?;
    let id = body.session_uuid.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| answer.protocol_error("the field session_uuid is missing"))?;
    let mut sent = Sent::new().with_reference(VendorReference::new(id));
    sent.request_id =
        body.api_id.as_ref().and_then(Value::as_str).and_then(|id| answer.public_id(id));
    Ok(sent)
}

/// Reads the answer to a validate. A wrong code is an error of HTTP.
pub(crate) fn verdict(answer: &Answer) -> Result<Verdict, Error> {
    match answer.status() {
        400 | 403 | 404 | 409 | 410 | 422 => {
            let body: Option<ErrorAnswer> = answer.parse();
            let text = body.filter(|body| !body.text().is_empty());
            let text = text.ok_or_else(|| {
                answer.protocol_error("not the vendor's own refusal; check base_url")
            })?;
            Ok(denial(answer.status(), text.text()))
        }
        _ => {
            let body: ValidateAnswer = success(answer, Endpoint::BySession)?;
            let text = body.message.unwrap_or_default();
            let text = text.trim().trim_end_matches('.').to_ascii_lowercase();
            if text == "session validated successfully" {
                Ok(Verdict::Approved)
            } else {
                Err(answer.protocol_error("a success whose text is not the one for a right code"))
            }
        }
    }
}

/// Returns the verdict for a refusal. No text is documented: words are matched, and without a known
/// one the refusal has no reason. Each counts as a guess.
fn denial(status: u16, text: &str) -> Verdict {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["expire"]) {
        Verdict::Expired
    } else if says(&["already"]) {
        Verdict::AlreadyUsed
    } else if says(&["attempt", "exceed", "maximum", "limit"]) {
        Verdict::TooManyGuesses { retry_after: None }
    } else if status == 404 || says(&["not found", "does not exist"]) {
        Verdict::Gone
    } else if says(&["incorrect", "invalid otp", "wrong", "mismatch", "does not match"]) {
        Verdict::WrongCode { guesses_left: None }
    } else {
        Verdict::Rejected
    }
}

/// Reads the answer to a validate that reports an approval: the vendor has taken note, whatever it
/// thinks of the code.
pub(crate) fn reported(answer: &Answer) -> Result<(), Error> {
    match answer.status() {
        400 | 404 | 409 | 410 | 422 => Ok(()),
        _ => success::<ValidateAnswer>(answer, Endpoint::BySession).map(drop),
    }
}

/// Reads a session. Its last attempt is the newest message.
pub(crate) fn status(answer: &Answer) -> Result<Status, Error> {
    let session: Session = success(answer, Endpoint::BySession)?;
    let last = session.attempt_details.last().and_then(|attempt| attempt.status.as_deref());
    // A new session has no attempt yet.
    Ok(Status::new(last.map_or(Delivery::Accepted, delivery)))
}

/// Reads the state of an SMS or a call, as sessions and callbacks say it.
pub(crate) fn delivery(word: &str) -> Delivery {
    match word.to_ascii_lowercase().as_str() {
        "queued" => Delivery::Accepted,
        "sent" | "in-progress" | "ringing" | "early media" => Delivery::Sent,
        "delivered" | "answer" | "completed" => Delivery::Delivered,
        "undelivered" | "failed" => Delivery::Failed,
        _ => Delivery::Unknown,
    }
}

fn success<T: DeserializeOwned>(answer: &Answer, endpoint: Endpoint) -> Result<T, Error> {
    match answer.status() {
        200..=202 => answer.parse().ok_or_else(|| answer.protocol_error("not the documented JSON")),
        _ if answer.is_success() => Err(answer.protocol_error("an undocumented kind of success")),
        _ => Err(error(answer, endpoint)),
    }
}
