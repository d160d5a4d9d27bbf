//! The meaning of the vendor's answers.

use std::collections::BTreeMap;

use otpmux_core::{Balance, Delivery, Error, ErrorKind, Sent, Status, Verdict};
use otpmux_http::{Answer, Reading, is_decimal, parse_time};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Mode;
use crate::dialect::Reference;
use crate::error::{Endpoint, error, is_duplicate, is_failure, lacks_the_call};
use crate::wire::Envelope;

/// Reads an answer that reports success: 200 in the tutorials, 201 in the documentation, and no
/// denial in the body.
fn success(answer: &Answer, endpoint: Endpoint) -> Result<Envelope, Error> {
    if !matches!(answer.status(), 200 | 201) {
        return Err(if answer.is_success() {
            answer.protocol_error("an undocumented kind of success")
        } else {
            error(answer, endpoint)
        });
    }
    let body = Envelope::of(answer)
        .ok_or_else(|| answer.protocol_error("the answer is not a JSON object"))?;
    match body.says_no() {
        true if body.data().is_some_and(|data| !data.is_null()) => {
            Err(answer.protocol_error("an answer that says both yes and no"))
        }
        true => Err(error(answer, endpoint)),
        false => Ok(body),
    }
}

/// Reads the answer to a send in the given mode.
pub(crate) fn sent(answer: &Answer, mode: Mode) -> Result<Sent, Error> {
    // The first answer and its id are lost: only a code that otpmux generated works without them.
    if is_duplicate(answer) && !mode.vendor_makes_code() {
        return Ok(Sent::new());
    }
    accepted(answer, mode, Endpoint::Send(mode))
}

/// Reads the answer to a resend, which is not documented and assumed to be that of a send.
pub(crate) fn resent(answer: &Answer, mode: Mode) -> Result<Sent, Error> {
    accepted(answer, mode, Endpoint::Resend)
}

fn accepted(answer: &Answer, mode: Mode, endpoint: Endpoint) -> Result<Sent, Error> {
    let body = success(answer, endpoint)?;
    // Never the envelope's `requestId`: that one is for the vendor's log.
    let otp = ["otpRequestId", "requestId"]
        .into_iter()
        .find_map(|key| body.data_text(key))
        .or_else(|| body.bare_request_id().filter(|_| mode.vendor_makes_code()));
    let message = body.data_text("messageId");
    if !mode.vendor_makes_code() && made_its_own(&body) {
        return Err(answer.error(Reading::unknown(ErrorKind::Configuration)).with_detail(OWN_CODE));
    }
    if otp.is_none() && mode.vendor_makes_code() {
        return Err(answer.protocol_error("the id that verify takes is missing"));
    }
    if otp.is_none() && message.is_none() && !body.says_yes() {
        return Err(answer.protocol_error("neither a success flag nor an id"));
    }
    let mut sent = Sent::new();
    sent.reference =
        Reference { mode, otp: otp.map(str::to_owned), message: message.map(str::to_owned) }
            .write();
    sent.request_id = body.id_of_call().and_then(|id| answer.public_id(id));
    sent.delivery = body.data_text("status").map(delivery);
    if mode.vendor_makes_code() {
        sent.expires_at = body.data_text("expiresAt").and_then(parse_time);
        sent.guesses_left = body.guesses_left();
    }
    Ok(sent)
}

const OWN_CODE: &str = "StartMessaging has sent its own code instead of the given one, which cannot be \
    verified like this; set mode = \"managed\" (dialect = \"a\") for this provider";

/// Returns whether the answer is that of the tutorials, where the vendor generates the code: it has
/// no message id, but a field that only the verifying side has, or the id that only verify takes.
fn made_its_own(body: &Envelope) -> bool {
    let carried =
        ["otpRequestId", "messageId"].into_iter().any(|key| body.data_text(key).is_some());
    !carried && (body.guesses_left().is_some() || body.data_text("requestId").is_some())
}

/// Reads the words of the documentation, and `expired` of the server.
fn delivery(word: &str) -> Delivery {
    match word {
        "initiated" | "queued" => Delivery::Accepted,
        "sent" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "failed" => Delivery::Failed,
        "expired" => Delivery::Expired,
        _ => Delivery::Unknown,
    }
}

/// Reads the answer to a verify of the verification `asked`.
pub(crate) fn verdict(answer: &Answer, asked: &str) -> Result<Verdict, Error> {
    let status = answer.status();
    if status == 409 && says_used(answer) {
        return Ok(Verdict::AlreadyUsed);
    }
    if !matches!(status, 200 | 201 | 400 | 404 | 410 | 422) {
        return Err(if answer.is_success() {
            answer.protocol_error("an undocumented kind of success")
        } else {
            error(answer, Endpoint::Verify)
        });
    }
    // A proxy's page says nothing about the code.
    let body = Envelope::of(answer)
        .ok_or_else(|| answer.protocol_error("not the vendor's own answer; check base_url"))?;
    match status {
        200 | 201 => verified(answer, &body, asked),
        404 if lacks_the_call(&body) => Err(error(answer, Endpoint::Verify)),
        404 if body.code().is_none() && body.words().is_empty() => {
            Err(answer.protocol_error("not the vendor's own 404; check base_url"))
        }
        404 => Ok(Verdict::NotFound),
        _ => refusal(answer, &body),
    }
}

/// Returns whether a conflict concerns the code: no page shows the answer to a used code.
fn says_used(answer: &Answer) -> bool {
    let hinted = Envelope::of(answer).and_then(|body| hint(answer, &body));
    hinted == Some(Verdict::AlreadyUsed)
}

fn verified(answer: &Answer, body: &Envelope, asked: &str) -> Result<Verdict, Error> {
    match body.data().and_then(|data| data.get("verified")) {
        Some(Value::Bool(true)) if body.says_no() => {
            Err(answer.protocol_error("an answer that says both yes and no"))
        }
        // Dialect b repeats the id.
        Some(Value::Bool(true))
            if body.data_text("otpRequestId").is_some_and(|id| !id.eq_ignore_ascii_case(asked)) =>
        {
            Err(answer.protocol_error("the answer is about another verification"))
        }
        Some(Value::Bool(true)) => Ok(Verdict::Approved),
        // No dialect shows this.
        Some(Value::Bool(false)) => {
            Ok(hint(answer, body)
                .unwrap_or(Verdict::WrongCode { guesses_left: body.guesses_left() }))
        }
        _ if body.says_no() => refusal(answer, body),
        _ => Err(answer.protocol_error("the field data.verified is missing or not a boolean")),
    }
}

/// Reads a denial: by its code, then by its words, which no page documents. Without either, the
/// code is wrong.
fn refusal(answer: &Answer, body: &Envelope) -> Result<Verdict, Error> {
    let failure = |code| is_failure(code, Endpoint::Verify);
    if body.code().is_some_and(failure) {
        return Err(error(answer, Endpoint::Verify));
    }
    Ok(hint(answer, body).unwrap_or(Verdict::Rejected))
}

fn hint(answer: &Answer, body: &Envelope) -> Option<Verdict> {
    let words = body.words().to_ascii_lowercase();
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let exhausted = has(&["attempt"]) && has(&["exceeded", "maximum", "too many"]);
    // "Invalid or expired" is ambiguous, but the tutorials have a separate status for expiry.
    let expired = has(&["expired"]);
    let wrong = has(&["invalid otp", "invalid code", "incorrect", "wrong"]);
    // These codes are of the vendor's other API (`/v1/auth`): all of them deny.
    Some(match body.code() {
        Some("MAX_ATTEMPTS_EXCEEDED") => Verdict::TooManyGuesses { retry_after: None },
        Some("OTP_EXPIRED") => Verdict::Expired,
        Some("ALREADY_VERIFIED") => Verdict::AlreadyUsed,
        Some("INVALID_REQUEST_ID") => Verdict::NotFound,
        _ if exhausted => Verdict::TooManyGuesses { retry_after: None },
        _ if answer.status() == 410 || (expired && !has(&["invalid"])) => Verdict::Expired,
        _ if wrong && !expired => Verdict::WrongCode { guesses_left: body.guesses_left() },
        _ if has(&["already verified", "already used"]) => Verdict::AlreadyUsed,
        _ => return None,
    })
}

/// Reads the answer to `GET /messages/:id`, with the names of the documentation or of the server.
pub(crate) fn status(answer: &Answer) -> Result<Status, Error> {
    let body = success(answer, Endpoint::Status)?;
    // The server's older form of a 404.
    if body.data() == Some(&Value::Null) {
        return Err(answer
            .error(Reading::caller(ErrorKind::NotFound))
            .with_detail("the vendor knows no such message"));
    }
    let word = body
        .data_text("status")
        .ok_or_else(|| answer.protocol_error("the field data.status is missing"))?;
    let mut status = Status::new(delivery(word));
    status.delivered_at = body.data_text("deliveredAt").and_then(parse_time);
    let failure = body.data_text("error").or_else(|| body.data_text("failureReason"));
    status.failure = failure.map(|text| answer.public_text(text)).filter(|text| !text.is_empty());
    Ok(status)
}

/// Reads the answer to `GET /wallet`. The amount is a decimal text or a number, and a number is
/// kept as it is written: as a float it would change.
pub(crate) fn balance(answer: &Answer) -> Result<Balance, Error> {
    type Fields = BTreeMap<String, Box<RawValue>>;
    success(answer, Endpoint::Balance)?;
    let fields: Option<Fields> = answer.parse();
    let data: Option<Fields> =
        fields.and_then(|fields| serde_json::from_str(fields.get("data")?.get()).ok());
    let data = data.ok_or_else(|| answer.protocol_error("the field data is missing"))?;
    let raw = |key| data.get(key).map(|value| value.get());
    let text = |key| raw(key).and_then(|raw| serde_json::from_str::<String>(raw).ok());
    let amount = text("balance").or_else(|| raw("balance").map(str::to_owned));
    let amount = amount
        .filter(|amount| is_decimal(amount))
        .ok_or_else(|| answer.protocol_error("the field data.balance is no decimal number"))?;
    let currency = text("currency")
        .filter(|word| word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase()));
    Ok(Balance::new(amount, currency))
}
