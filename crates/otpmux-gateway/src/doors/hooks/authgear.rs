//! The answers that Authgear reads: `code` decides, whatever the status.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::answer::json_answer;
use super::refusal::Refusal;

pub(super) fn accepted() -> Response {
    json_answer(StatusCode::OK, &json!({ "code": "ok" }), None)
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let code = match refusal.kind {
        "invalid_recipient" => "invalid_phone_number",
        "rate_limited" | "too_many_requests" => "rate_limited",
        "unauthenticated" => "authentication_failed",
        "timeout" => "timeout",
        "forbidden" | "fraud_suspected" => "delivery_rejected",
        _ if refusal.status.is_server_error() => "delivery_rejected",
        _ => "unsupported_request",
    };
    let body = json!({
        "code": code,
        "description": refusal.message,
        "info": { "provider_name": "otpmux", "provider_error_code": refusal.kind },
    });
    json_answer(refusal.status, &body, refusal.retry_after)
}
