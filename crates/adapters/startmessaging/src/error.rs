use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_http::{Answer, Reading};

use crate::Mode;
use crate::wire::Envelope;

/// The calls: the same status means different things at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Send(Mode),
    Resend,
    Verify,
    Status,
    Balance,
}

impl Endpoint {
    /// Returns whether it sends a message, and so counts in the limit per number.
    fn sends(self) -> bool {
        matches!(self, Self::Send(_) | Self::Resend)
    }
}

/// The limit's documented window. The vendor's refusal does not always contain it.
const NUMBER_LIMIT: Duration = Duration::from_secs(300);

/// The table. Neither status nor code is enough alone: a 400 may be an empty account or a limit,
/// and the throttler's 429 has the code of a crash. A 429 is always a limit; then the known codes
/// decide, then the status. Words decide only where two meanings share status and code.
fn reading(
    status: u16,
    code: Option<&str>,
    words: &str,
    endpoint: Endpoint,
    says_when: bool,
) -> Reading {
    if status == 429 {
        return limit(code, words, endpoint);
    }
    let by_code = code.and_then(|code| of_code(code, words, endpoint));
    match by_code {
        // A server that fails meanwhile may have done its work, whatever its code.
        Some(row) if status >= 500 => Reading::new(row.kind, Certainty::Unknown, row.blame),
        Some(row) => row,
        None => of_status(status, words, endpoint, says_when),
    }
}

/// A 429: the limit per number if its code or words say so, which must not be bypassed by another
/// vendor. Any other counts requests of the account, as the server's throttler does (whose code is
/// that of a crash), or comes from a proxy.
fn limit(code: Option<&str>, words: &str, endpoint: Endpoint) -> Reading {
    let numbers = code == Some("RATE_LIMIT_EXCEEDED") || names_the_number(words);
    if numbers && endpoint.sends() {
        Reading::policy(ErrorKind::RateLimited)
    } else {
        Reading::provider(ErrorKind::RateLimited)
    }
}

/// Matches "Too many OTP requests for this mobile number" of the server, and "for this number" of
/// the documentation of its other API.
fn names_the_number(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["this number", "mobile number", "phone number"].iter().any(|name| words.contains(name))
}

/// Returns the meaning of a known code. Some occur only as constants in the published server.
fn of_code(code: &str, words: &str, endpoint: Endpoint) -> Option<Reading> {
    Some(match code {
        // The server answers 400; the documentation says 402.
        "INSUFFICIENT_BALANCE" => Reading::provider(ErrorKind::InsufficientFunds),
        // The server answers 400; the documentation says 429. Counted per number over all accounts.
        "RATE_LIMIT_EXCEEDED" if endpoint.sends() => Reading::policy(ErrorKind::RateLimited),
        "RATE_LIMIT_EXCEEDED" => Reading::provider(ErrorKind::RateLimited),
        // The operator behind the vendor refused; the number's count is reduced again.
        "OTP_SEND_FAILED" => Reading::provider(ErrorKind::Unavailable),
        // A deployment that requires `variables` does not support a dialect without them.
        "VALIDATION_ERROR" if lacks_variables(endpoint) && words.starts_with("variables") => {
            Reading::provider(ErrorKind::Unsupported)
        }
        "VALIDATION_ERROR" | "INVALID_INPUT" => Reading::caller(ErrorKind::InvalidRequest),
        "INVALID_PHONE_NUMBER" => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        "UNAUTHORIZED" if is_suspended(words) => Reading::provider(ErrorKind::Forbidden),
        "UNAUTHORIZED" | "INVALID_API_KEY" => Reading::provider(ErrorKind::Unauthenticated),
        "FORBIDDEN" => Reading::provider(ErrorKind::Forbidden),
        // The key was used for another number.
        "IDEMPOTENCY_CONFLICT" => Reading::caller(ErrorKind::Conflict),
        "CONFLICT" | "DUPLICATE_ENTRY" => conflict(endpoint),
        _ => return None,
    })
}

fn of_status(status: u16, words: &str, endpoint: Endpoint, says_when: bool) -> Reading {
    match (status, endpoint) {
        (401, _) if is_suspended(words) => Reading::provider(ErrorKind::Forbidden),
        // These calls look nothing up, so the call itself is missing.
        (404, Endpoint::Send(_) | Endpoint::Balance) => Reading::provider(ErrorKind::Unsupported),
        (404, _) if is_no_route(words) => Reading::provider(ErrorKind::Unsupported),
        (409, _) => conflict(endpoint),
        _ => Reading::of_status(status, says_when),
    }
}

/// In the tutorials a 409 on a send means that an earlier send with the same key was accepted.
fn conflict(endpoint: Endpoint) -> Reading {
    match endpoint {
        Endpoint::Send(_) => Reading::unknown(ErrorKind::Conflict),
        _ => Reading::caller(ErrorKind::Conflict),
    }
}

fn lacks_variables(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Send(mode) if !mode.has_variables())
}

fn is_suspended(words: &str) -> bool {
    words.contains("suspended")
}

/// Matches the text of the server's framework for an unknown path.
fn is_no_route(words: &str) -> bool {
    words.starts_with("Cannot POST ") || words.starts_with("Cannot GET ")
}

/// Returns whether a code means a failed call at this endpoint rather than a verdict.
pub(crate) fn is_failure(code: &str, endpoint: Endpoint) -> bool {
    of_code(code, "", endpoint).is_some()
}

/// Returns whether a 404 means that the deployment does not have the call.
pub(crate) fn lacks_the_call(body: &Envelope) -> bool {
    is_no_route(&body.words())
}

/// Returns whether a 409 means that a send with this key was accepted before. The tutorials show no
/// body; a body that does not say so plainly stays unknown.
pub(crate) fn is_duplicate(answer: &Answer) -> bool {
    let Some(body) = Envelope::of(answer).filter(|_| answer.status() == 409) else {
        return false;
    };
    let words = body.words().to_ascii_lowercase();
    body.code() != Some("IDEMPOTENCY_CONFLICT")
        && words.contains("duplicate")
        && words.contains("idempotency")
        && !words.contains("different")
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body = Envelope::of(answer);
    let code = body.as_ref().and_then(Envelope::code);
    let words = body.as_ref().map(Envelope::words).unwrap_or_default();
    let says_when = answer.retry_after().is_some();
    let row = reading(answer.status(), code, &words, endpoint, says_when);
    let mut error = answer.error(row);
    error = if row.kind == ErrorKind::Unsupported {
        error.with_detail("this deployment of StartMessaging does not have the call; check `mode`")
    } else {
        error.with_detail(answer.public_text(&words))
    };
    if row == Reading::policy(ErrorKind::RateLimited) && endpoint.sends() && !says_when {
        error = error.with_retry_after(NUMBER_LIMIT);
    }
    if let Some(code) = code.and_then(|code| answer.public_code(code)) {
        error = error.with_vendor_code(code);
    }
    let id = body.as_ref().and_then(Envelope::id_of_call);
    match id.and_then(|id| answer.public_id(id)) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    /// Status, code, endpoint, words, and their meaning.
    const TABLE: &str = "
        400 -                    send     -                        > invalid_request rejected caller
        401 -                    send     -                        > unauthenticated rejected provider
        401 -                    send-a   Account is suspended     > forbidden rejected provider
        402 -                    send     -                        > insufficient_funds rejected provider
        403 -                    send     KYC approval pending     > forbidden rejected provider
        404 NOT_FOUND            send     Cannot POST /otp/send    > unsupported rejected provider
        404 -                    send     -                        > unsupported rejected provider
        404 -                    balance  -                        > unsupported rejected provider
        404 NOT_FOUND            verify   Cannot POST /otp/verify  > unsupported rejected provider
        404 NOT_FOUND            resend   Cannot POST /otp/resend  > unsupported rejected provider
        404 NOT_FOUND            resend   OTP request not found    > not_found rejected caller
        404 NOT_FOUND            status   Cannot GET /messages/x   > unsupported rejected provider
        404 NOT_FOUND            status   Message not found        > not_found rejected caller
        409 -                    send     -                        > conflict unknown provider
        409 -                    resend   -                        > conflict rejected caller
        500 INTERNAL_ERROR       send     Internal server error    > unavailable unknown provider
        502 -                    verify   -                        > unavailable unknown provider
        400 INSUFFICIENT_BALANCE send     -                        > insufficient_funds rejected provider
        402 INSUFFICIENT_BALANCE send     -                        > insufficient_funds rejected provider
        200 INSUFFICIENT_BALANCE send     -                        > insufficient_funds rejected provider
        500 INSUFFICIENT_BALANCE send     -                        > insufficient_funds unknown provider
        400 OTP_SEND_FAILED      send     -                        > unavailable rejected provider
        400 VALIDATION_ERROR     send     variables.OTP must be    > invalid_request rejected caller
        400 VALIDATION_ERROR     send-a   variables must be        > unsupported rejected provider
        400 VALIDATION_ERROR     send-a   Phone number must be     > invalid_request rejected caller
        400 INVALID_INPUT        status   -                        > invalid_request rejected caller
        400 INVALID_PHONE_NUMBER send     -                        > invalid_recipient rejected recipient
        401 UNAUTHORIZED         send     Invalid API key          > unauthenticated rejected provider
        401 UNAUTHORIZED         verify   Authentication required  > unauthenticated rejected provider
        401 UNAUTHORIZED         send     Account is suspended     > forbidden rejected provider
        400 INVALID_API_KEY      send     -                        > unauthenticated rejected provider
        403 FORBIDDEN            send     -                        > forbidden rejected provider
        409 IDEMPOTENCY_CONFLICT send     -                        > conflict rejected caller
        409 CONFLICT             send-a   -                        > conflict unknown provider
        409 DUPLICATE_ENTRY      send     -                        > conflict unknown provider
        400 RATE_LIMIT_EXCEEDED  send     -                        > rate_limited rejected policy
        429 RATE_LIMIT_EXCEEDED  send     -                        > rate_limited rejected policy
        429 -                    send-a   Too many requests        > rate_limited rejected provider
        429 -                    send     -                        > rate_limited rejected provider
        429 -                    send     OTPs for this number     > rate_limited rejected policy
        429 RATE_LIMITED         resend   requests for this number > rate_limited rejected policy
        429 INSUFFICIENT_BALANCE send     -                        > rate_limited rejected provider
        429 RATE_LIMIT_EXCEEDED  verify   -                        > rate_limited rejected provider
        400 RATE_LIMIT_EXCEEDED  verify   -                        > rate_limited rejected provider
        429 INTERNAL_ERROR       send     -                        > rate_limited rejected provider
        429 -                    resend   ThrottlerException: Too  > rate_limited rejected provider
        429 -                    verify   -                        > rate_limited rejected provider
        200 UNHEARD_OF           send     -                        > protocol unknown provider";

    fn endpoint(word: &str) -> Endpoint {
        match word {
            "send" => Endpoint::Send(Mode::Transport),
            "send-a" => Endpoint::Send(Mode::Managed(Dialect::A)),
            "resend" => Endpoint::Resend,
            "verify" => Endpoint::Verify,
            "status" => Endpoint::Status,
            _ => Endpoint::Balance,
        }
    }

    #[test]
    fn the_table() {
        for row in TABLE.lines().skip(1) {
            let (asked, expected) = row.split_once('>').unwrap();
            let asked: Vec<&str> = asked.split_whitespace().collect();
            let [status, code, endpoint_word, words @ ..] = &asked[..] else { panic!("{row}") };
            let code = Some(*code).filter(|code| *code != "-");
            let words = words.join(" ");
            let endpoint = endpoint(endpoint_word);
            let got = reading(status.parse().unwrap(), code, &words, endpoint, false);
            let (kind, certainty) = (got.kind.as_str(), got.certainty.as_str());
            let got = format!(" {kind} {certainty} {}", got.blame.as_str());
            assert_eq!(got, expected, "{row}");
        }
    }

    #[test]
    fn a_503_is_a_refusal_only_if_it_says_when() {
        let send = Endpoint::Send(Mode::Transport);
        for (says_when, certainty) in [(true, Certainty::Rejected), (false, Certainty::Unknown)] {
            assert_eq!(reading(503, None, "", send, says_when).certainty, certainty);
        }
    }
}
