//! The forms of EasyOTP's answers.

use serde_json::{Value, json};

use crate::exchange::Reply;
use crate::ids;

pub(super) const CHANNEL: &str = "channel is required and must be one of: sms, email, voice";
pub(super) const CODE: &str = "code must be a numeric string between 4 and 10 digits";

/// Returns a success. Every answer has a `request_id` (EasyOTP API introduction).
pub(super) fn success(mut body: Value) -> Reply {
    body["success"] = json!(true);
    body["request_id"] = json!(ids::uuid());
    Reply::json(200, &body)
}

pub(super) fn verdict(verified: bool, message: &str) -> Reply {
    success(json!({ "verified": verified, "message": message }))
}

pub(super) fn error(status: u16, text: &str) -> Reply {
    Reply::json(status, &json!({ "error": text, "request_id": ids::uuid() }))
}

pub(super) fn error_with_wait(text: &str, retry_after: u64) -> Reply {
    let body = json!({ "error": text, "request_id": ids::uuid(), "retry_after": retry_after });
    Reply::json(429, &body)
}

/// Returns the vendor's usual text for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16) -> Reply {
    let text = match status {
        400 => "Bad request",
        401 => "Invalid or missing API key",
        402 => "Insufficient credits",
        403 => "API key is disabled",
        404 => "Not found",
        405 => "Method not allowed",
        413 => "Request body too large",
        429 => "Rate limit exceeded",
        500 => "Internal server error",
        _ => "Service unavailable",
    };
    error(status, text)
}
