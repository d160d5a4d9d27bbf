//! The forms of MSG91's answers: status 200 also for refusals.

use serde_json::json;

use crate::exchange::Reply;

pub(super) const BAD_KEY: &str = "Invalid authkey";

pub(super) fn success(text: &str) -> Reply {
    Reply::json(200, &json!({ "message": text, "type": "success" }))
}

pub(super) fn sent(request_id: &str) -> Reply {
    Reply::json(200, &json!({ "request_id": request_id, "type": "success" }))
}

pub(super) fn refusal(text: &str) -> Reply {
    Reply::json(200, &json!({ "message": text, "type": "error" }))
}

/// Returns the answer for a key that does not fit, which has a code beside the text.
pub(super) fn bad_key() -> Reply {
    Reply::json(200, &json!({ "message": BAD_KEY, "type": "error", "code": "201" }))
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16) -> Reply {
    let text = match status {
        401 => {
            let body = json!({
                "status": "fail", "hasError": true, "errors": "Unauthorized", "code": "401",
                "apiError": "201",
            });
            return Reply::json(401, &body);
        }
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Payload Too Large",
        429 => "Too Many Attempts.",
        _ => "Server Error",
    };
    Reply::json(status, &json!({ "message": text, "type": "error" }))
}
