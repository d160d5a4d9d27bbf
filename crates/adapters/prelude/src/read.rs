use otpmux_core::{Blame, Certainty, Error, ErrorKind, Sent, VendorReference, Verdict};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::error::error;
use crate::wire::{CheckAnswer, CreateAnswer};

/// Reads the answer to a create, which is a retry if the recipient has a verification already.
pub(crate) fn sent(answer: &Answer) -> Result<Sent, Error> {
    let body: CreateAnswer = success(answer)?;
    match body.status.as_deref() {
        // `challenged` went by another channel than SMS and voice. `shadow_blocked` would have been
        // blocked, and was sent.
        Some("success" | "retry" | "challenged" | "shadow_blocked") => {}
        Some("blocked") => return Err(blocked(answer, body.reason.as_ref())),
        Some(_) => return Err(answer.protocol_error("an unknown status")),
        None => return Err(answer.protocol_error("the field status is missing")),
    }
    if body.method.as_ref().and_then(Value::as_str) == Some("silent") {
        return Err(answer.protocol_error("a silent verification, which has no code"));
    }
    let id = body.id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| answer.protocol_error("the field id is missing"))?;
    let mut sent = Sent::new().with_reference(VendorReference::new(id));
    sent.request_id = body.request_id.and_then(|id| answer.public_id(id.as_str()?));
    Ok(sent)
}

/// Returns the error for a status of 200 that says that nothing was sent.
fn blocked(answer: &Answer, reason: Option<&Value>) -> Error {
    let reason = reason.and_then(Value::as_str).unwrap_or_default();
    let reading = match reason {
        "invalid_phone_number" | "invalid_phone_line" => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        "repeated_attempts" => Reading::policy(ErrorKind::RateLimited),
        "expired_signature" | "invalid_signature" => Reading::caller(ErrorKind::InvalidRequest),
        // `suspicious`, `in_block_list`, and words that come later.
        _ => Reading::policy(ErrorKind::FraudSuspected),
    };
    let error = answer.error(reading).with_detail("the vendor has blocked the verification");
    match answer.public_code(reason) {
        Some(reason) => error.with_vendor_code(reason),
        None => error,
    }
}

/// Reads the answer to a check. It may be about another verification of the same recipient: then its
/// id is not the one that the send has returned.
pub(crate) fn verdict(
    answer: &Answer,
    reference: Option<&VendorReference>,
) -> Result<Verdict, Error> {
    let body: CheckAnswer = success(answer)?;
    let id = body.id.as_ref().and_then(Value::as_str);
    let other = reference.zip(id).is_some_and(|(ours, id)| ours.as_str() != id);
    match body.status.as_deref() {
        Some("success") if other => Ok(Verdict::Gone),
        Some("success") => Ok(Verdict::Approved),
        Some("failure") => Ok(Verdict::WrongCode { guesses_left: None }),
        Some("expired_or_not_found") => Ok(Verdict::Gone),
        Some("transaction_mismatch") => Ok(Verdict::Rejected),
        Some("transaction_missing") => {
            let reading = Reading::provider(ErrorKind::Configuration);
            Err(answer.error(reading).with_detail("the template is one for payments (PSD2)"))
        }
        Some(_) => Err(answer.protocol_error("an unknown status")),
        None => Err(answer.protocol_error("the field status is missing")),
    }
}

/// Reads the answer to a check that reports an approval: the vendor has taken note, whatever it
/// thinks of the code.
pub(crate) fn reported(answer: &Answer) -> Result<(), Error> {
    success::<CheckAnswer>(answer).map(drop)
}

fn success<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    match answer.status() {
        200 | 201 => answer.parse().ok_or_else(|| answer.protocol_error("not the documented JSON")),
        _ if answer.is_success() => Err(answer.protocol_error("an undocumented kind of success")),
        _ => Err(error(answer)),
    }
}
