use otpmux_core::{Balance, Delivery, Error, Sent, Status, VendorReference, Verdict};
use otpmux_http::Answer;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Endpoint, error, first};
use crate::wire::{AccountBalance, Envelope, Verification, Verified};

/// Reads the answer to a create. Its `status` says nothing about the code: the documentation shows
/// `accepted` here.
pub(crate) fn sent(answer: &Answer) -> Result<Sent, Error> {
    let verification: Verification = success(answer, Endpoint::Create)?;
    let id = verification.id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| answer.protocol_error("the field id is missing"))?;
    Ok(Sent::new().with_reference(VendorReference::new(id)))
}

/// Reads the answer to a verify.
pub(crate) fn verdict(answer: &Answer) -> Result<Verdict, Error> {
    if answer.status() == 404 {
        return if first(answer).is_some() {
            Ok(Verdict::Gone)
        } else {
            Err(answer.protocol_error("not the vendor's own 404; check base_url"))
        };
    }
    let verified: Verified = success(answer, Endpoint::ById)?;
    match verified.response_code.as_deref() {
        Some("accepted") => Ok(Verdict::Approved),
        // Also for a code that has expired: Telnyx does not say which.
        Some("rejected") => Ok(Verdict::WrongCode { guesses_left: None }),
        Some(_) => Err(answer.protocol_error("an unknown response_code")),
        None => Err(answer.protocol_error("the field response_code is missing")),
    }
}

/// Reads the answer to a report: the vendor has taken note.
pub(crate) fn reported(answer: &Answer) -> Result<(), Error> {
    success::<Value>(answer, Endpoint::ById).map(drop)
}

/// Reads a verification. Its status is that of the code: a code that was right has arrived.
pub(crate) fn status(answer: &Answer) -> Result<Status, Error> {
    let verification: Verification = success(answer, Endpoint::ById)?;
    let status = verification.status.as_ref().and_then(Value::as_str);
    Ok(Status::new(match status {
        Some("pending") => Delivery::Accepted,
        Some("accepted") => Delivery::Delivered,
        Some("error") => Delivery::Failed,
        Some(_) => Delivery::Unknown,
        None => return Err(answer.protocol_error("the field status is missing")),
    }))
}

pub(crate) fn balance(answer: &Answer) -> Result<Balance, Error> {
    let balance: AccountBalance = success(answer, Endpoint::Balance)?;
    Ok(Balance::new(balance.balance, balance.currency))
}

fn success<T: DeserializeOwned>(answer: &Answer, endpoint: Endpoint) -> Result<T, Error> {
    match answer.status() {
        200 | 201 => answer
            .parse()
            .map(|envelope: Envelope<T>| envelope.data)
            .ok_or_else(|| answer.protocol_error("not the documented JSON")),
        _ if answer.is_success() => Err(answer.protocol_error("an undocumented kind of success")),
        _ => Err(error(answer, endpoint)),
    }
}
