//! The forms of Infobip's errors.

use serde_json::{Value, json};

use crate::exchange::Reply;

fn exception(status: u16, id: &str, text: &str, validation: Option<Value>) -> Reply {
    let mut exception = json!({ "messageId": id, "text": text });
    if let Some(validation) = validation {
        exception["validationErrors"] = validation;
    }
    Reply::json(status, &json!({ "requestError": { "serviceException": exception } }))
}

pub(super) fn invalid(field: &str, text: &str) -> Reply {
    let errors = json!({ field: [text] });
    exception(400, "BAD_REQUEST", "Bad Request", Some(errors))
}

pub(super) fn too_many(text: &str) -> Reply {
    exception(429, "TOO_MANY_REQUESTS", text, None)
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16) -> Reply {
    let (id, text) = match status {
        400 => ("BAD_REQUEST", "Bad request"),
        401 => ("UNAUTHORIZED", "Unauthorized"),
        403 => ("FORBIDDEN", "Forbidden"),
        404 => ("NOT_FOUND", "Not found"),
        405 => ("METHOD_NOT_ALLOWED", "Method not allowed"),
        429 => ("TOO_MANY_REQUESTS", "Too many requests"),
        _ => ("GENERAL_ERROR", "Something went wrong. Please contact support."),
    };
    exception(status, id, text, None)
}
