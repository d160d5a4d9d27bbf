use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading, retry_after_field};

use crate::wire::ErrorAnswer;

/// The two endpoints: the same status means different things at them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Send,
    Verify,
}

/// The table: status, endpoint, text, and whether the answer has a time for the next try. EasyOTP
/// has no error codes; a text is read only where nothing else distinguishes two limits.
fn reading(status: u16, endpoint: Endpoint, text: &str, says_when: bool) -> Reading {
    match (status, endpoint) {
        // For the key's limit another vendor is tried; the recipient's limit must not be bypassed
        // by another vendor. A time for the next try proves neither: a proxy before the vendor
        // sends one, too.
        (429, Endpoint::Send) if is_recipients_limit(text) => {
            Reading::policy(ErrorKind::RateLimited)
        }
        // A send looks nothing up: base_url is wrong.
        (404, Endpoint::Send) => Reading::provider(ErrorKind::Unavailable),
        _ => Reading::of_status(status, says_when),
    }
}

/// Matches "Rate limit exceeded: Maximum 2 verification codes per minute." (API introduction): the
/// recipient's limit counts codes; the key's limit counts requests.
fn is_recipients_limit(text: &str) -> bool {
    text.to_ascii_lowercase().contains("verification codes per ")
}

/// Returns whether a 429 to a verify is the lockout after too many wrong codes: "Too many failed
/// attempts." (API introduction). Any other 429 is a limit of the account or of a proxy.
pub(crate) fn is_lockout(body: &ErrorAnswer) -> bool {
    body.text().to_ascii_lowercase().contains("too many failed attempts")
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body: Option<ErrorAnswer> = answer.parse();
    let field = body.as_ref().and_then(|body| retry_after_field(body.retry_after.as_ref()));
    // The body comes first: it is documented, and the header is not.
    let says_when = field.or(answer.retry_after());
    let text = body.as_ref().map(ErrorAnswer::text).unwrap_or_default();
    let mut error = answer.error(reading(answer.status(), endpoint, text, says_when.is_some()));
    if let Some(after) = says_when {
        error = error.with_retry_after(after);
    }
    if let Some(body) = body {
        error = error.with_detail(answer.public_text(body.text()));
        let id = body.request_id.as_ref().and_then(|id| answer.public_id(id.as_str()?));
        if let Some(id) = id {
            error = error.with_request_id(id);
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Blame, Certainty};

    use super::*;

    #[test]
    fn the_table() {
        use Blame::{Caller, Policy, Provider};
        use Certainty::{Rejected, Unknown};
        use Endpoint::{Send, Verify};
        use ErrorKind as K;
        let recipients = "Rate limit exceeded: Maximum 2 verification codes per minute.";
        for (status, endpoint, text, says_when, kind, certainty, blame) in [
            (400, Send, "", false, K::InvalidRequest, Rejected, Caller),
            (401, Send, "", false, K::Unauthenticated, Rejected, Provider),
            (402, Send, "", false, K::InsufficientFunds, Rejected, Provider),
            (403, Send, "", false, K::Forbidden, Rejected, Provider),
            (404, Send, "", false, K::Unavailable, Rejected, Provider),
            (429, Send, recipients, true, K::RateLimited, Rejected, Policy),
            (429, Send, recipients, false, K::RateLimited, Rejected, Policy),
            (429, Send, "Rate limit exceeded", true, K::RateLimited, Rejected, Provider),
            (
                429,
                Send,
                "Maximum 120 requests per minute",
                true,
                K::RateLimited,
                Rejected,
                Provider,
            ),
            (429, Send, "", false, K::RateLimited, Rejected, Provider),
            (429, Verify, recipients, true, K::RateLimited, Rejected, Provider),
            (500, Send, recipients, false, K::Unavailable, Unknown, Provider),
            (502, Verify, "", false, K::Unavailable, Unknown, Provider),
            (503, Send, "", true, K::Unavailable, Rejected, Provider),
        ] {
            let expected = Reading::new(kind, certainty, blame);
            let got = reading(status, endpoint, text, says_when);
            assert_eq!(got, expected, "{status} {text} {says_when}");
        }
    }
}
