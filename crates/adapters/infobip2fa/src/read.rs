use otpmux_core::{Balance, Blame, Certainty, Error, ErrorKind, Sent, VendorReference, Verdict};
use otpmux_http::{Answer, Reading};
use serde_json::Value;

use crate::error::{Endpoint, error, is_the_vendors};
use crate::wire::{BalanceAnswer, SendAnswer, VerifyAnswer};

/// Reads the answer to a send or a resend. A status of 200 alone does not mean that a message goes
/// out.
pub(crate) fn sent(answer: &Answer, endpoint: Endpoint) -> Result<Sent, Error> {
    let body: SendAnswer = success(answer, endpoint)?;
    let refused = |reading, detail: &'static str| Err(answer.error(reading).with_detail(detail));
    let word = |value: &Option<Value>| {
        let value = value.as_ref()?;
        value.as_str().or_else(|| value["name"].as_str()).map(str::to_owned)
    };
    // The document has both names.
    let unreachable = ["NC_DESTINATION_NOT_REACHABLE", "NC_NOT_REACHABLE"];
    let statuses = [&body.sms_status, &body.call_status, &body.email_status];
    if let Some(refusal) = statuses.into_iter().filter_map(word).find_map(|word| refusal(&word)) {
        // The look-up is this vendor's: another one may reach the number.
        return if word(&body.nc_status).is_some_and(|nc| unreachable.contains(&nc.as_str())) {
            let reading = Reading::provider(ErrorKind::InvalidRecipient);
            refused(reading, "the number look-up says that the number cannot be reached")
        } else {
            refused(refusal, "the vendor answers that it did not send the message")
        };
    }
    let id = body.pin_id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| answer.protocol_error("the field pinId is missing"))?;
    let mut sent = Sent::new().with_reference(VendorReference::new(id));
    let message = body.external_message_id.as_ref().and_then(Value::as_str);
    sent.receipt_reference = message.filter(|id| !id.is_empty()).map(VendorReference::new);
    Ok(sent)
}

/// Returns the meaning of a message status that says that nothing was sent; `None` for any other.
fn refusal(word: &str) -> Option<Reading> {
    Some(match word {
        "REJECTED_NOT_ENOUGH_CREDITS" => Reading::provider(ErrorKind::InsufficientFunds),
        "REJECTED_DESTINATION" | "REJECTED_PREFIX_MISSING" | "REJECTED_DND" => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        "SIGNALS_BLOCKED" => Reading::policy(ErrorKind::FraudSuspected),
        "MESSAGE_NOT_SENT" | "BAD_REQUEST" => Reading::provider(ErrorKind::Unavailable),
        _ if word.starts_with("REJECTED") || word.starts_with("UNDELIVERABLE") => {
            Reading::provider(ErrorKind::Unavailable)
        }
        _ => return None,
    })
}

/// Reads the answer to a verify. The same PIN verifies again unless the application forbids it: only
/// otpmux's own record makes a code good once.
pub(crate) fn verdict(answer: &Answer) -> Result<Verdict, Error> {
    // A PIN that never existed, or that Infobip has removed.
    if answer.status() == 404 {
        return if is_the_vendors(answer) {
            Ok(Verdict::Gone)
        } else {
            Err(answer.protocol_error("not the vendor's own 404; check base_url"))
        };
    }
    let body: VerifyAnswer = success(answer, Endpoint::Verify)?;
    let why = body.pin_error.as_ref().and_then(Value::as_str);
    let left = body.attempts_remaining.as_ref().and_then(Value::as_u64);
    let left = left.and_then(|left| u32::try_from(left).ok());
    match (body.verified, why) {
        (Some(true), None | Some("NO_ERROR")) => Ok(Verdict::Approved),
        (Some(true), Some(_)) => Err(answer.protocol_error("verified, and an error")),
        (Some(false), Some("WRONG_PIN")) => Ok(Verdict::WrongCode { guesses_left: left }),
        (Some(false), Some("TTL_EXPIRED" | "PIN_EXPIRED")) => Ok(Verdict::Expired),
        (Some(false), Some("NO_MORE_PIN_ATTEMPTS")) => {
            Ok(Verdict::TooManyGuesses { retry_after: None })
        }
        (Some(false), _) => Ok(Verdict::Rejected),
        (None, _) => Err(answer.protocol_error("the field verified is missing")),
    }
}

/// Reads the answer to a question for the balance.
pub(crate) fn balance(answer: &Answer) -> Result<Balance, Error> {
    let body: BalanceAnswer = success(answer, Endpoint::Balance)?;
    Ok(Balance::new(body.balance.to_string(), body.currency))
}

fn success<T: serde::de::DeserializeOwned>(
    answer: &Answer,
    endpoint: Endpoint,
) -> Result<T, Error> {
    match answer.status() {
        200 | 201 => answer.parse().ok_or_else(|| answer.protocol_error("not the documented JSON")),
        _ if answer.is_success() => Err(answer.protocol_error("an undocumented kind of success")),
        _ => Err(error(answer, endpoint)),
    }
}
