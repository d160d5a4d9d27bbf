//! The forms of AirTexts' errors. All are assumed; the vendor documents none.

use serde_json::{Value, json};

use super::account::ErrorShape;
use crate::exchange::Reply;

/// Reason why a request is refused.
#[derive(Debug)]
pub(super) enum Problem {
    Unauthorized,
    AppNotAllowed,
    Invalid { code: &'static str, message: &'static str },
    RateLimited { wait: u64 },
    Balance,
    NotFound,
    Used,
    Expired,
    Exhausted { wait: u64 },
    WrongCode { status: u16, left: u32 },
    NoRoute,
    Method,
}

impl Problem {
    fn row(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Unauthorized => (401, "UNAUTHORIZED", "Invalid credentials"),
            Self::AppNotAllowed => (403, "INVALID_APP_ID", "Application not allowed"),
            Self::Invalid { code, message } => (400, code, message),
            Self::RateLimited { .. } => (429, "RATE_LIMITED", "Too many requests"),
            Self::Balance => (402, "INSUFFICIENT_BALANCE", "Insufficient balance"),
            Self::NotFound => (404, "OTP_NOT_FOUND", "OTP not found"),
            Self::Used => (409, "OTP_ALREADY_USED", "OTP already used"),
            Self::Expired => (410, "OTP_EXPIRED", "OTP expired"),
            Self::Exhausted { .. } => (429, "MAX_ATTEMPTS_EXCEEDED", "Too many attempts"),
            Self::WrongCode { status, .. } => (*status, "INVALID_CODE", "Invalid OTP code"),
            Self::NoRoute => (404, "NOT_FOUND", "Not found"),
            Self::Method => (405, "METHOD_NOT_ALLOWED", "Method not allowed"),
        }
    }

    pub(super) fn answer(&self, shape: ErrorShape, on_verify: bool) -> Reply {
        let (status, code, message) = self.row();
        if status == 200 {
            let body = json!({ "success": false, "verified": false, "message": message });
            return Reply::json(200, &body);
        }
        let mut body = error(shape, code, message);
        if on_verify && self.is_verdict() {
            body["verified"] = json!(false);
        }
        match self {
            Self::RateLimited { wait } => {
                body["retry_after"] = json!(wait);
                Reply::json(status, &body).with_header("retry-after", wait.to_string())
            }
            Self::Exhausted { wait } => {
                body["retry_after"] = json!(wait);
                Reply::json(status, &body)
            }
            Self::WrongCode { left, .. } => {
                body["attempts_remaining"] = json!(left);
                Reply::json(status, &body)
            }
            _ => Reply::json(status, &body),
        }
    }

    /// Returns whether it concerns a code, not the request.
    fn is_verdict(&self) -> bool {
        use Problem as P;
        matches!(
            self,
            P::NotFound | P::Used | P::Expired | P::Exhausted { .. } | P::WrongCode { .. }
        )
    }
}

fn error(shape: ErrorShape, code: &str, message: &str) -> Value {
    match shape {
        ErrorShape::Object => {
            json!({ "success": false, "error": { "code": code, "message": message } })
        }
        ErrorShape::Text => json!({ "success": false, "error": message }),
        ErrorShape::TopLevel => json!({ "success": false, "code": code, "message": message }),
    }
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16, shape: ErrorShape) -> Reply {
    let (code, message) = match status {
        400 => ("INVALID_REQUEST", "Invalid request"),
        401 => ("UNAUTHORIZED", "Invalid credentials"),
        402 => ("INSUFFICIENT_BALANCE", "Insufficient balance"),
        403 => ("INVALID_APP_ID", "Application not allowed"),
        404 => ("NOT_FOUND", "Not found"),
        413 => ("REQUEST_TOO_LARGE", "Request body too large"),
        429 => ("RATE_LIMITED", "Too many requests"),
        500 => ("INTERNAL_ERROR", "Internal server error"),
        _ => ("SERVICE_UNAVAILABLE", "Service unavailable"),
    };
    Reply::json(status, &error(shape, code, message))
}
