use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use otpmux_http::{Answer, Reading};

use crate::wire::ErrorAnswer;

/// The table: status and vendor's word to kind, certainty and blame. An answer that it does not list means what
/// the status means at any vendor. When in doubt, it is `Unknown` and the provider's.
fn reading(status: u16, code: &str, says_when: bool) -> Reading {
    match (status, code) {
        (400, "invalid_number") => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        // The recipient's own limit: another vendor must not be a way around it.
        (429, "recipient_limit") => Reading::policy(ErrorKind::RateLimited),
        _ => Reading::of_status(status, says_when),
    }
}

/// The error that an unsuccessful answer means.
pub(crate) fn error(answer: &Answer) -> Error {
    let body = answer.parse().and_then(|body: ErrorAnswer| body.error);
    let (code, text) = body.map(|body| (body.code, body.message)).unwrap_or_default();
    let code = code.unwrap_or_default();
    let reading = reading(answer.status(), &code, answer.retry_after().is_some());
    let error = answer.error(reading).with_vendor_code(&code);
    // A vendor's text may repeat the code or the number: only plain words of it are shown.
    error.with_detail(answer.public_text(&text.unwrap_or_default()))
}
