//! The meaning of failures. The vendor announces "detailed response codes" and lists none: the
//! words here are guesses (A7 to A14), used only where a wrong guess does no harm.

use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading};

use crate::Endpoint;
use crate::fields::Fields;

/// The meaning of a vendor's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    WrongCode,
    Expired,
    Used,
    Exhausted,
    NotFound,
    Recipient,
    Forbidden,
    Credentials,
    Funds,
    /// A limit of unknown scope.
    Limit,
    /// A limit that the answer says is the recipient's.
    RecipientLimit,
    Request,
    Fault,
}

impl Word {
    /// Returns whether it concerns the code that a user typed, and so may be a verdict.
    pub(crate) fn is_about_code(self) -> bool {
        use Word::{Exhausted, Expired, NotFound, Used, WrongCode};
        matches!(self, WrongCode | Expired | Used | Exhausted | NotFound)
    }
}

/// Reads a code in any letter case, with `_` or `-` between its words. Matches whole codes only:
/// `TOKEN_EXPIRED` does not concern the code that the user typed.
pub(crate) fn word(code: &str) -> Option<Word> {
    let code = code.to_ascii_uppercase().replace('-', "_");
    Some(match &*code {
        "INVALID_CODE" | "INVALID_OTP" | "INVALID_OTP_CODE" | "WRONG_CODE" | "WRONG_OTP"
        | "INCORRECT_CODE" | "INCORRECT_OTP" | "CODE_INVALID" | "CODE_INCORRECT"
        | "CODE_MISMATCH" | "OTP_INVALID" | "OTP_INCORRECT" | "OTP_MISMATCH" => Word::WrongCode,
        "EXPIRED"
        | "OTP_EXPIRED"
        | "CODE_EXPIRED"
        | "EXPIRED_CODE"
        | "EXPIRED_OTP"
        | "VERIFICATION_EXPIRED" => Word::Expired,
        "ALREADY_USED"
        | "ALREADY_VERIFIED"
        | "OTP_USED"
        | "OTP_ALREADY_USED"
        | "OTP_ALREADY_VERIFIED"
        | "CODE_USED"
        | "CODE_ALREADY_USED" => Word::Used,
        "MAX_ATTEMPTS"
        | "MAX_ATTEMPTS_EXCEEDED"
        | "MAX_ATTEMPTS_REACHED"
        | "TOO_MANY_ATTEMPTS"
        | "ATTEMPTS_EXCEEDED"
        | "NO_ATTEMPTS_LEFT" => Word::Exhausted,
        "NOT_FOUND"
        | "OTP_NOT_FOUND"
        | "CODE_NOT_FOUND"
        | "VERIFICATION_NOT_FOUND"
        | "VERIFICATION_ID_NOT_FOUND"
        | "INVALID_VERIFICATION_ID" => Word::NotFound,
        "INVALID_RECIPIENT"
        | "INVALID_PHONE"
        | "INVALID_PHONE_NUMBER"
        | "INVALID_NUMBER"
        | "RECIPIENT_INVALID" => Word::Recipient,
        "INVALID_APP_ID" | "INVALID_APPID" | "APP_NOT_FOUND" | "APP_NOT_ALLOWED"
        | "APP_DISABLED" | "ACCOUNT_SUSPENDED" | "ACCOUNT_DISABLED" | "FORBIDDEN" => {
            Word::Forbidden
        }
        "UNAUTHORIZED"
        | "UNAUTHENTICATED"
        | "INVALID_CREDENTIALS"
        | "INVALID_API_KEY"
        | "INVALID_TOKEN"
        | "TOKEN_EXPIRED" => Word::Credentials,
        "INSUFFICIENT_BALANCE"
        | "INSUFFICIENT_FUNDS"
        | "INSUFFICIENT_CREDIT"
        | "INSUFFICIENT_CREDITS"
        | "PAYMENT_REQUIRED" => Word::Funds,
        "RATE_LIMITED" | "RATE_LIMIT" | "RATE_LIMIT_EXCEEDED" | "TOO_MANY_REQUESTS" => Word::Limit,
        "RECIPIENT_LIMIT"
        | "RECIPIENT_LIMIT_EXCEEDED"
        | "RECIPIENT_RATE_LIMIT"
        | "RECIPIENT_RATE_LIMITED"
        | "RECIPIENT_RATE_LIMIT_EXCEEDED"
        | "PHONE_RATE_LIMITED"
        | "PHONE_RATE_LIMIT_EXCEEDED"
        | "NUMBER_RATE_LIMITED"
        | "NUMBER_RATE_LIMIT_EXCEEDED" => Word::RecipientLimit,
        "INVALID_REQUEST" | "BAD_REQUEST" | "VALIDATION_ERROR" | "MISSING_PARAMETER"
        | "INVALID_PARAMETER" => Word::Request,
        "INTERNAL_ERROR" | "INTERNAL_SERVER_ERROR" | "SERVER_ERROR" | "SERVICE_UNAVAILABLE" => {
            Word::Fault
        }
        _ => return None,
    })
}

/// The table: status, code and endpoint. `says_when`: the answer has a time for the next try.
fn reading(status: u16, word: Option<Word>, endpoint: Endpoint, says_when: bool) -> Reading {
    match (status, word) {
        // A13, and faults: the request may have been carried out, so no code makes it a rejection.
        (401 | 408 | 500.., _) if !(status == 501 && endpoint.is_optional()) => {
            Reading::of_status(status, says_when)
        }
        (429, Some(word @ (Word::RecipientLimit | Word::Exhausted))) => of_word(word, endpoint),
        (429, _) => of_word(Word::Limit, endpoint),
        (_, Some(word)) => of_word(word, endpoint),
        // Optional routes may be missing (A15 to A19).
        (404 | 405 | 501, None) if endpoint.is_optional() => {
            Reading::provider(ErrorKind::Unsupported)
        }
        // A send looks nothing up: base_url or path is wrong.
        (404, None) if endpoint == Endpoint::Send => Reading::provider(ErrorKind::Unavailable),
        // A success status with a denial (A2) had no effect. With a time for the next try it is a
        // limit.
        (200..=299, None) if says_when => of_word(Word::Limit, endpoint),
        (200..=299, None) => Reading::provider(ErrorKind::Unavailable),
        _ => Reading::of_status(status, says_when),
    }
}

fn of_word(word: Word, endpoint: Endpoint) -> Reading {
    use otpmux_core::{Blame, Certainty};
    match word {
        Word::Recipient => {
            Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
        }
        Word::Forbidden => Reading::provider(ErrorKind::Forbidden),
        Word::Credentials => Reading::provider(ErrorKind::Unauthenticated),
        Word::Funds => Reading::provider(ErrorKind::InsufficientFunds),
        // Another vendor would bypass the limit.
        Word::RecipientLimit | Word::Exhausted
            if matches!(endpoint, Endpoint::Send | Endpoint::Resend) =>
        {
            Reading::policy(ErrorKind::RateLimited)
        }
        // The limit is the account's or a proxy's: only a limit that names the recipient may leave
        // a user without a code.
        Word::Limit | Word::RecipientLimit | Word::Exhausted => {
            Reading::provider(ErrorKind::RateLimited)
        }
        // A send looks nothing up.
        Word::NotFound if endpoint == Endpoint::Send => Reading::provider(ErrorKind::Unavailable),
        Word::NotFound => Reading::caller(ErrorKind::NotFound),
        Word::Expired | Word::Used => Reading::caller(ErrorKind::Conflict),
        Word::Request | Word::WrongCode => Reading::caller(ErrorKind::InvalidRequest),
        Word::Fault => Reading::unknown(ErrorKind::Unavailable),
    }
}

/// Returns the error for an answer that is not a success, or denies success.
pub(crate) fn error(answer: &Answer, fields: &Fields, endpoint: Endpoint) -> Error {
    let when = fields.retry_after(answer);
    let code = fields.code();
    let word = code.and_then(word);
    // The text is read last, and only so that a limit is not taken for another failure, or for
    // another party's limit.
    let limit = || fields.speaks_of_limit() || answer.status() == 429;
    let word = match word {
        None | Some(Word::Limit) if fields.names_the_recipient() && limit() => {
            Some(Word::RecipientLimit)
        }
        word => word.or_else(|| fields.speaks_of_limit().then_some(Word::Limit)),
    };
    let row = reading(answer.status(), word, endpoint, when.is_some());
    let mut error = answer.error(row);
    if let Some(after) = when {
        error = error.with_retry_after(after);
    }
    if let Some(message) = fields.message() {
        error = error.with_detail(answer.public_text(message));
    }
    match code.and_then(|code| answer.public_code(code)) {
        Some(code) => error.with_vendor_code(code),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Blame, Certainty};

    use super::*;

    #[test]
    fn the_table() {
        use Endpoint::{List, Resend, Send, Status, Verify};
        use ErrorKind as K;
        let recipient = Reading::new(K::InvalidRecipient, Certainty::Rejected, Blame::Recipient);
        let (caller, policy) = (Reading::caller, Reading::policy);
        let (provider, unknown) = (Reading::provider, Reading::unknown);
        for (status, code, endpoint, expected) in [
            (400, "", Send, caller(K::InvalidRequest)),
            (400, "SURPRISE", Send, caller(K::InvalidRequest)),
            (400, "INVALID_RECIPIENT", Send, recipient),
            (200, "INVALID_NUMBER", Send, recipient),
            (422, "VALIDATION_ERROR", Send, caller(K::InvalidRequest)),
            (400, "INVALID_APP_ID", Send, provider(K::Forbidden)),
            (401, "INVALID_CODE", Verify, provider(K::Unauthenticated)),
            (402, "", Send, provider(K::InsufficientFunds)),
            (403, "", Send, provider(K::Forbidden)),
            (404, "", Send, provider(K::Unavailable)),
            (404, "NOT_FOUND", Send, provider(K::Unavailable)),
            (404, "", Resend, provider(K::Unsupported)),
            (404, "OTP_NOT_FOUND", Resend, caller(K::NotFound)),
            (410, "OTP_EXPIRED", Resend, caller(K::Conflict)),
            (405, "", Status, provider(K::Unsupported)),
            (501, "", List, provider(K::Unsupported)),
            (409, "", Send, caller(K::Conflict)),
            (429, "", Send, provider(K::RateLimited)),
            (429, "RATE_LIMITED", Resend, provider(K::RateLimited)),
            (429, "INSUFFICIENT_BALANCE", Send, provider(K::RateLimited)),
            (429, "RECIPIENT_RATE_LIMITED", Send, policy(K::RateLimited)),
            (400, "recipient-limit-exceeded", Send, policy(K::RateLimited)),
            (429, "RECIPIENT_RATE_LIMITED", Verify, provider(K::RateLimited)),
            (429, "MAX_ATTEMPTS", Resend, policy(K::RateLimited)),
            (429, "", Verify, provider(K::RateLimited)),
            (200, "", Send, provider(K::Unavailable)),
            (200, "INTERNAL_ERROR", Send, unknown(K::Unavailable)),
            (408, "RATE_LIMITED", Send, unknown(K::Timeout)),
            (500, "", Send, unknown(K::Unavailable)),
            (500, "INVALID_RECIPIENT", Send, unknown(K::Unavailable)),
            (503, "", Send, unknown(K::Unavailable)),
        ] {
            let got = reading(status, word(code), endpoint, false);
            assert_eq!(got, expected, "{status} {code} {endpoint:?}");
        }
        // With a time for the next try.
        for (status, expected) in [
            (200, provider(K::RateLimited)),
            (429, provider(K::RateLimited)),
            (503, provider(K::Unavailable)),
        ] {
            assert_eq!(reading(status, None, Send, true), expected, "{status}");
        }
    }
}
