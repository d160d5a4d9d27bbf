use std::time::Duration;

use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading};

use crate::wire::ErrorAnswer;

/// The calls at which the same answer means different things.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The start of a verification, which is the resend as well.
    Send,
    /// All calls about a verification that exists, and the balance.
    Other,
}

/// How long Fraud Guard blocks a prefix (page of error 60410).
const FRAUD_BLOCK: Duration = Duration::from_hours(12);

/// A row for one error code: the reading, and a detail where Twilio's text does not name the remedy.
struct Row {
    reading: Reading,
    detail: Option<&'static str>,
    retry_after: Option<Duration>,
}

const fn row(reading: Reading) -> Row {
    Row { reading, detail: None, retry_after: None }
}

const fn row_with(reading: Reading, detail: &'static str) -> Row {
    Row { reading, detail: Some(detail), retry_after: None }
}

/// The table by Twilio's error code. The status 429 alone has four meanings.
fn by_code(code: u64, endpoint: Endpoint, text: &str) -> Option<Row> {
    Some(match (code, endpoint) {
        // An invalid parameter. The adapter has checked the number's form, so a `To` that Twilio
        // refuses cannot be reached. The other parameters are of this adapter's making and of its
        // settings: another vendor may do better.
        (60200, Endpoint::Send) if text.contains("`To`") => {
            row(Reading::new(ErrorKind::InvalidRecipient, REJECTED, RECIPIENT))
        }
        (60200, Endpoint::Send) => row(Reading::provider(ErrorKind::InvalidRequest)),
        // Too many sends in the life of one verification (60203), or another request for this
        // number in progress (60212). 60202 is the limit of checks; a third party has seen it for
        // sends as well.
        (60202 | 60203 | 60212, Endpoint::Send) => row(Reading::policy(ErrorKind::RateLimited)),
        // The limit of the account: another vendor may send.
        (20429, _) => row(Reading::provider(ErrorKind::RateLimited)),
        (60204, Endpoint::Send) => row_with(
            Reading::provider(ErrorKind::Unsupported),
            "the Verify service lacks this feature; custom codes need \"Enable Custom \
             Verification Code\", `friendly_name` needs Twilio's sales department",
        ),
        (60205, Endpoint::Send) => row_with(
            Reading::new(ErrorKind::InvalidRecipient, REJECTED, RECIPIENT),
            "the number is a landline, which gets no SMS",
        ),
        (60223, Endpoint::Send) => row_with(
            Reading::provider(ErrorKind::Unsupported),
            "the channel is disabled in the Verify service",
        ),
        // Protections against abuse: no other vendor may bypass them.
        (60410, Endpoint::Send) => Row {
            retry_after: Some(FRAUD_BLOCK),
            ..row_with(
                Reading::policy(ErrorKind::FraudSuspected),
                "Fraud Guard blocks the prefix of this number for 12 hours",
            )
        },
        (60238, Endpoint::Send) => row_with(
            Reading::policy(ErrorKind::FraudSuspected),
            "Twilio blocks this send: the account is under review, or the country is embargoed",
        ),
        (60413, Endpoint::Send) => row(Reading::policy(ErrorKind::FraudSuspected)),
        (60605, Endpoint::Send) => row_with(
            Reading::policy(ErrorKind::FraudSuspected),
            "the Verify geo permissions of the account block this country",
        ),
        // A send looks up nothing but the service.
        (20404, Endpoint::Send) => row_with(
            Reading::provider(ErrorKind::Configuration),
            "Twilio does not know the Verify service; check service_sid",
        ),
        (20003, _) => row(Reading::provider(ErrorKind::Unauthenticated)),
        _ => return None,
    })
}

const REJECTED: otpmux_core::Certainty = otpmux_core::Certainty::Rejected;
const RECIPIENT: otpmux_core::Blame = otpmux_core::Blame::Recipient;

/// The table by status, for codes that are not in the table above.
fn by_status(status: u16, endpoint: Endpoint, says_when: bool) -> Reading {
    match (status, endpoint) {
        (404, Endpoint::Send) => Reading::provider(ErrorKind::Configuration),
        _ => Reading::of_status(status, says_when),
    }
}

/// Returns Twilio's error code, if the body has Twilio's form.
pub(crate) fn code(answer: &Answer) -> Option<u64> {
    answer.parse::<ErrorAnswer>()?.code()
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body: Option<ErrorAnswer> = answer.parse();
    let text = body.as_ref().map(ErrorAnswer::text).unwrap_or_default();
    let code = body.as_ref().and_then(ErrorAnswer::code);
    // A 5xx with a code is a 5xx: the code does not prove that nothing was sent.
    let row = code.filter(|_| answer.status() < 500).and_then(|it| by_code(it, endpoint, text));
    let says_when = answer.retry_after().is_some();
    let row = row.unwrap_or_else(|| self::row(by_status(answer.status(), endpoint, says_when)));
    let mut error = answer.error(row.reading);
    error = match row.detail {
        Some(detail) => error.with_detail(detail),
        None => error.with_detail(answer.public_text(text)),
    };
    if let (None, Some(after)) = (answer.retry_after(), row.retry_after) {
        error = error.with_retry_after(after);
    }
    match code.and_then(|code| public_code(answer, code)) {
        Some(code) => error.with_vendor_code(&code),
        None => error,
    }
}

/// Returns the error code as text. Twilio's codes have five digits, as one-time codes may: only
/// those of the ranges that Twilio documents for this API are shown, and none that the request
/// holds.
fn public_code(answer: &Answer, code: u64) -> Option<String> {
    let documented = matches!(code, 20_000..=20_999 | 60_000..=60_999);
    documented.then(|| answer.public_id(&code.to_string())).flatten()
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Blame, Certainty, ProviderId};

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer::new(ProviderId::new("p").unwrap(), status, None, body)
    }

    /// One status, four meanings: a client that retries every 429 uses up the attempts of a user.
    #[test]
    fn a_429_is_read_by_its_code() {
        for (code, endpoint, kind, blame) in [
            (60203, Endpoint::Send, ErrorKind::RateLimited, Blame::Policy),
            (60202, Endpoint::Send, ErrorKind::RateLimited, Blame::Policy),
            (60212, Endpoint::Send, ErrorKind::RateLimited, Blame::Policy),
            (20429, Endpoint::Send, ErrorKind::RateLimited, Blame::Provider),
            (20429, Endpoint::Other, ErrorKind::RateLimited, Blame::Provider),
            (99999, Endpoint::Send, ErrorKind::RateLimited, Blame::Provider),
        ] {
            let body = format!(r#"{{"code":{code},"message":"x","status":429}}"#);
            let error = error(&answer(429, &body), endpoint);
            let got = (error.kind(), error.certainty(), error.blame());
            assert_eq!(got, (kind, Certainty::Rejected, blame), "{code}");
        }
    }

    #[test]
    fn a_code_does_not_make_a_5xx_certain() {
        let error = error(&answer(503, r#"{"code":60203,"message":"x"}"#), Endpoint::Send);
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Unavailable, Certainty::Unknown));
    }

    #[test]
    fn a_number_that_may_be_a_one_time_code_is_not_shown() {
        for (code, shown) in [("60410", Some("60410")), ("40217", None), ("\"60410\"", None)] {
            let body = format!(r#"{{"code":{code},"message":"x"}}"#);
            let error = error(&answer(403, &body), Endpoint::Send);
            assert_eq!(error.vendor_code(), shown, "{code}");
        }
    }
}
