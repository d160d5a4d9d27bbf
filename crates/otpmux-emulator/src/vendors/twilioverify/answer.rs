//! The forms of Twilio's answers.

use serde_json::json;

use crate::exchange::Reply;

/// Returns an error: code, text and status.
pub(super) fn error(status: u16, code: u32, text: &str) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Reply::json(
        status,
        &json!({ "code": code, "message": text, "more_info": more, "status": status }),
    )
}

pub(super) fn invalid(parameter: &str) -> Reply {
    error(400, 60200, &format!("Invalid parameter `{parameter}`"))
}

pub(super) fn not_found(path: &str) -> Reply {
    let path = path.strip_prefix("/v2").unwrap_or(path);
    error(404, 20404, &format!("The requested resource {path} was not found"))
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16) -> Reply {
    match status {
        400 => error(400, 60200, "Invalid parameter"),
        401 => error(401, 20003, "Authenticate"),
        403 => error(403, 20403, "Forbidden"),
        404 => error(404, 20404, "The requested resource was not found"),
        405 => error(405, 20004, "Method not allowed"),
        429 => error(429, 20429, "Too many requests"),
        500 => error(500, 20500, "Internal Server Error"),
        503 => error(503, 20503, "Service Unavailable"),
        _ => error(status, 20001, "An error occurred"),
    }
}
