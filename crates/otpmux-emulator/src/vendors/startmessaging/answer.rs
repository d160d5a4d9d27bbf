//! The forms of StartMessaging's answers: the envelope, and each problem in each dialect.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Dialect, Onboarding};
use crate::clock::millis;
use crate::exchange::Reply;
use crate::ids;

/// Reason why a request is refused.
#[derive(Debug)]
pub(super) enum Problem {
    NoCredentials,
    InvalidKey,
    Suspended,
    Onboarding(Onboarding),
    Throttled(u64),
    Validation(Vec<&'static str>),
    NumberLimit(u64),
    Balance,
    Upstream,
    DuplicateKey,
    KeyOfOtherNumber,
    WrongCode,
    Exhausted,
    Expired,
    Used,
    UnknownRequest,
    NotUuid,
    UnknownMessage,
    NoRoute(Method, String),
}

/// Status, machine code and text of a problem.
struct Row(u16, &'static str, String);

impl Problem {
    fn row(&self, dialect: Dialect) -> Row {
        use Problem as P;
        let live = dialect == Dialect::Live;
        let (status, code, text) = match self {
            P::NoCredentials => (401, "UNAUTHORIZED", "Authentication required"),
            P::InvalidKey => (401, "UNAUTHORIZED", "Invalid API key"),
            P::Suspended => (401, "UNAUTHORIZED", "Account is suspended"),
            P::Onboarding(Onboarding::MobileVerification) => {
                (403, "FORBIDDEN", "Mobile verification required")
            }
            P::Onboarding(Onboarding::KycSubmission) => {
                (403, "FORBIDDEN", "KYC submission required")
            }
            P::Onboarding(Onboarding::KycApproval) => (403, "FORBIDDEN", "KYC approval pending"),
            P::Throttled(_) => (429, "INTERNAL_ERROR", "ThrottlerException: Too Many Requests"),
            P::Validation(texts) => {
                (400, "VALIDATION_ERROR", texts.first().copied().unwrap_or("Bad Request"))
            }
            // The server answers the next two with 400; the documents and tutorials say 429 and
            // 402.
            P::NumberLimit(_) => (
                if live { 400 } else { 429 },
                "RATE_LIMIT_EXCEEDED",
                "Too many OTP requests for this mobile number. Please try again after 5 minutes.",
            ),
            P::Balance => {
                (if live { 400 } else { 402 }, "INSUFFICIENT_BALANCE", "Insufficient balance")
            }
            P::Upstream => (400, "OTP_SEND_FAILED", "Failed to initiate OTP"),
            P::DuplicateKey => (409, "DUPLICATE_ENTRY", "Duplicate idempotency key"),
            P::KeyOfOtherNumber => (
                409,
                "IDEMPOTENCY_CONFLICT",
                "Idempotency key was used with a different phone number",
            ),
            // No document shows the answers of verify to these; they are made up.
            P::WrongCode => (400, "INVALID_INPUT", "Invalid OTP"),
            P::Exhausted => (400, "INVALID_INPUT", "Maximum verification attempts exceeded"),
            P::Expired => (410, "INVALID_INPUT", "OTP expired"),
            P::Used => (409, "CONFLICT", "OTP already verified"),
            P::UnknownRequest => (404, "NOT_FOUND", "OTP request not found"),
            P::NotUuid => (400, "INVALID_INPUT", "Validation failed (uuid is expected)"),
            P::UnknownMessage => (404, "NOT_FOUND", "Message not found"),
            P::NoRoute(method, path) => {
                return Row(404, "NOT_FOUND", format!("Cannot {method} {path}"));
            }
        };
        Row(status, code, text.to_owned())
    }

    fn tutorial(&self) -> Reply {
        let Row(status, _, text) = self.row(Dialect::Tutorial);
        let text = match self {
            Self::Balance => "Insufficient wallet balance".to_owned(),
            Self::Throttled(_) | Self::NumberLimit(_) => "Too many requests".to_owned(),
            _ => text,
        };
        let mut body = json!({ "statusCode": status, "message": text });
        if self.is_about_verify() {
            body["success"] = json!(false);
        }
        Reply::json(status, &body)
    }

    fn is_about_verify(&self) -> bool {
        use Problem as P;
        matches!(self, P::WrongCode | P::Exhausted | P::Expired | P::Used | P::UnknownRequest)
    }

    fn retry_after(&self, dialect: Dialect) -> Option<u64> {
        match self {
            Self::Throttled(wait) => Some(*wait),
            Self::NumberLimit(wait) if dialect != Dialect::Live => Some(*wait),
            _ => None,
        }
    }

    pub(super) fn answer(&self, dialect: Dialect, now: Timestamp) -> Reply {
        // The only error of the tutorials that is shown in the server's envelope.
        let enveloped = dialect != Dialect::Tutorial || matches!(self, Self::KeyOfOtherNumber);
        let reply = if enveloped {
            let Row(status, code, text) = self.row(dialect);
            let mut error = json!({ "code": code, "message": text });
            if let Self::Validation(texts) = self {
                error["details"] = texts.iter().map(|text| json!({ "message": text })).collect();
            }
            let mut body = envelope(false, status, now);
            body["error"] = error;
            Reply::json(status, &body)
        } else {
            self.tutorial()
        };
        match self.retry_after(dialect) {
            Some(wait) => reply.with_header("retry-after", wait.to_string()),
            None => reply,
        }
    }
}

pub(super) fn envelope(success: bool, status: u16, now: Timestamp) -> Value {
    json!({
        "success": success,
        "statusCode": status,
        "requestId": ids::prefixed("req_"),
        "timestamp": millis(now),
    })
}

pub(super) fn success(status: u16, data: Value, now: Timestamp) -> Reply {
    let mut body = envelope(true, status, now);
    body["data"] = data;
    Reply::json(status, &body)
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16, dialect: Dialect, now: Timestamp) -> Reply {
    let (code, text) = match status {
        400 => ("VALIDATION_ERROR", "Bad Request"),
        401 => ("UNAUTHORIZED", "Invalid API key"),
        402 => ("INSUFFICIENT_BALANCE", "Insufficient balance"),
        403 => ("FORBIDDEN", "Forbidden resource"),
        404 => ("NOT_FOUND", "Not Found"),
        409 => ("CONFLICT", "Conflict"),
        413 => ("INTERNAL_ERROR", "request entity too large"),
        429 if dialect == Dialect::Tutorial => ("", "Too many requests"),
        429 => ("INTERNAL_ERROR", "ThrottlerException: Too Many Requests"),
        500 => ("INTERNAL_ERROR", "Internal server error"),
        _ => ("INTERNAL_ERROR", "Service Unavailable"),
    };
    if dialect == Dialect::Tutorial {
        return Reply::json(status, &json!({ "statusCode": status, "message": text }));
    }
    let mut body = envelope(false, status, now);
    body["error"] = json!({ "code": code, "message": text });
    Reply::json(status, &body)
}
