use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading, retry_after_field};

use crate::wire::ErrorAnswer;

/// The two endpoints: the same status means different things at them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Send,
    Verify,
}

/// The table: status, endpoint and whether the answer says when to come back. EasyOTP has no error
/// codes, and its texts are read by nobody.
fn reading(status: u16, endpoint: Endpoint, says_when: bool) -> Reading {
    match (status, endpoint) {
        // The limit per recipient promises `retry_after`, the key's limit does not (API
        // introduction). The first must not be got around by another vendor.
        (429, Endpoint::Send) if says_when => Reading::policy(ErrorKind::RateLimited),
        // Nothing is looked up on send: a wrong base_url.
        (404, Endpoint::Send) => Reading::provider(ErrorKind::Unavailable),
        _ => Reading::of_status(status, says_when),
    }
}

/// The error that an unsuccessful answer means.
pub(crate) fn error(answer: &Answer, endpoint: Endpoint) -> Error {
    let body: Option<ErrorAnswer> = answer.parse();
    let field = body.as_ref().and_then(|body| retry_after_field(body.retry_after.as_ref()));
    // The body comes first: it is documented, the header is not.
    let says_when = field.or(answer.retry_after());
    let mut error = answer.error(reading(answer.status(), endpoint, says_when.is_some()));
    if let Some(after) = says_when {
        error = error.with_retry_after(after);
    }
    if let Some(body) = body {
        let text = body.error.as_ref().and_then(|text| text.as_str()).unwrap_or_default();
        error = error.with_detail(answer.public_text(text));
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
        use Certainty::{Refused, Unknown};
        use Endpoint::{Send, Verify};
        use ErrorKind as K;
        for (status, endpoint, says_when, kind, certainty, blame) in [
            (400, Send, false, K::InvalidRequest, Refused, Caller),
            (401, Send, false, K::Unauthenticated, Refused, Provider),
            (402, Send, false, K::InsufficientFunds, Refused, Provider),
            (403, Send, false, K::Forbidden, Refused, Provider),
            (404, Send, false, K::Unavailable, Refused, Provider),
            (429, Send, true, K::RateLimited, Refused, Policy),
            (429, Send, false, K::RateLimited, Refused, Provider),
            (429, Verify, false, K::RateLimited, Refused, Provider),
            (500, Send, false, K::Unavailable, Unknown, Provider),
            (502, Verify, false, K::Unavailable, Unknown, Provider),
            (503, Send, true, K::Unavailable, Refused, Provider),
        ] {
            let expected = Reading::new(kind, certainty, blame);
            assert_eq!(reading(status, endpoint, says_when), expected, "{status} {says_when}");
        }
    }
}
