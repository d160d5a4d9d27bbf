//! What Supabase Auth writes and reads differently from all others.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::json_answer;
use super::refusal::Refusal;

/// A 200 counts as a success only with the content type of JSON, which `{}` is.
pub(super) fn accepted() -> Response {
    json_answer(StatusCode::OK, &json!({}), None)
}

/// Its user sees an error only if the answer is a success that holds it; each other status is a 500
/// with a fixed text. A 429 or 503 with `Retry-After` makes it try again at once.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let http_code = refusal.status.as_u16();
    let body = json!({ "error": { "http_code": http_code, "message": refusal.message } });
    if refusal.repeat {
        let status = match refusal.status {
            StatusCode::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        return json_answer(status, &body, Some(refusal.retry_after.unwrap_or(1)));
    }
    let status = if refusal.for_user { StatusCode::OK } else { refusal.status };
    json_answer(status, &body, None)
}

/// The addresses and codes of an e-mail hook whose user changes the address: with confirmation by
/// both addresses, each gets its own code; else the new address gets the one code. `None` for every
/// other action.
pub(super) fn email_change(body: &Value) -> Option<Vec<(&str, &str)>> {
    let text = |pointer| {
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    if text("/email_data/email_action_type") != Some("email_change") {
        return None;
    }
    let (old, new) = (text("/user/email"), text("/user/new_email"));
    let (token, token_new) = (text("/email_data/token"), text("/email_data/token_new"));
    let pairs = match token_new {
        Some(_) => vec![old.zip(token), new.zip(token_new)],
        None => vec![new.or(old).zip(token)],
    };
    Some(pairs.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_address() {
        let body = |action: &str, token: &str, token_new: &str, new: &str| {
            json!({
                "user": { "email": "old@example.com", "new_email": new },
                "email_data": {
                    "token": token, "token_new": token_new, "email_action_type": action
                },
            })
        };
        let (old, new) = ("old@example.com", "new@example.com");
        for (given, expected) in [
            (body("signup", "111111", "", ""), None),
            (
                body("email_change", "111111", "222222", new),
                Some(vec![(old, "111111"), (new, "222222")]),
            ),
            (body("email_change", "", "222222", new), Some(vec![(new, "222222")])),
            (body("email_change", "111111", "", new), Some(vec![(new, "111111")])),
            (body("email_change", "", "", new), Some(vec![])),
        ] {
            assert_eq!(email_change(&given), expected, "{given}");
        }
    }
}
