//! The forms of Vonage's answers.

use serde_json::{Value, json};

use crate::exchange::Reply;
use crate::ids;

/// Errors of Verify have their own page, those of all APIs another one.
const OF_VERIFY: [&str; 4] = ["invalid-code", "concurrent", "conflict", "expired"];

pub(super) fn problem(status: u16, name: &str, title: &str, detail: &str) -> Reply {
    problem_with(status, name, title, detail, &json!({}))
}

pub(super) fn problem_with(
    status: u16,
    name: &str,
    title: &str,
    detail: &str,
    more: &Value,
) -> Reply {
    let page = if OF_VERIFY.contains(&name) || name == "invalid-params" { "/verify" } else { "" };
    let mut body = json!({
        "type": format!("https://developer.vonage.com/api-errors{page}#{name}"),
        "title": title,
        "detail": detail,
        "instance": ids::uuid().replace('-', ""),
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    Reply::bytes(status, "application/problem+json", body.to_string())
}

pub(super) fn invalid(parameter: &str, reason: &str) -> Reply {
    let list = json!({ "invalid_parameters": [{ "name": parameter, "reason": reason }] });
    let detail = "The value of one or more parameters is invalid.";
    problem_with(422, "invalid-params", "Invalid params", detail, &list)
}

pub(super) fn not_found(id: &str) -> Reply {
    let detail = format!("Request '{id}' was not found or it has been verified already.");
    problem(404, "not-found", "Not Found", &detail)
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
pub(super) fn usual_error(status: u16) -> Reply {
    let (name, title, detail) = match status {
        400 => ("invalid-code", "Invalid Code", "The code does not match the expected value."),
        401 => ("unauthorized", "Unauthorized", "You did not provide correct credentials."),
        402 => (
            "low-balance",
            "Low balance",
            "This request could not be performed due to your account balance being low.",
        ),
        403 => ("forbidden", "Forbidden", "Your account does not have permission."),
        404 => ("not-found", "Not Found", "The requested resource was not found."),
        409 => (
            "concurrent",
            "Conflict",
            "Concurrent verifications to the same number are not allowed.",
        ),
        422 => return invalid("brand", "`brand` is invalid"),
        429 => ("throttled", "Rate Limit Hit", "Please wait, then retry your request."),
        500 => (
            "internal-error",
            "Internal Error",
            "There was an error processing your request in the Platform.",
        ),
        _ => ("error", "Error", "An error occurred."),
    };
    problem(status, name, title, detail)
}
