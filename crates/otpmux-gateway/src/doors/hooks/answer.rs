//! The forms of answers.

use std::time::SystemTime;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use otpmux::config::HookAnswers;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{authgear, supabase};

/// A delivery that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Its id; `None` if the deadline was over before it was known.
    pub(super) id: Option<String>,
    /// Whether a vendor has confirmed that it took the message.
    pub(super) confirmed: bool,
    /// When the delivery began.
    pub(super) at: SystemTime,
}

/// Returns the answer in the form that the caller reads.
pub(super) fn respond(form: HookAnswers, outcome: Result<Accepted, Refusal>) -> Response {
    match (form, outcome) {
        (HookAnswers::Supabase, Ok(_)) => supabase::accepted(),
        (HookAnswers::Supabase, Err(refusal)) => supabase::refused(&refusal),
        (HookAnswers::Authgear, Ok(_)) => authgear::accepted(),
        (HookAnswers::Authgear, Err(refusal)) => authgear::refused(&refusal),
        (HookAnswers::Novu, Ok(accepted)) => {
            let Accepted { id, at, .. } = &accepted;
            let at = jiff::Timestamp::try_from(*at).ok().map(|at| at.to_string());
            let found = json!({ "id": id, "date": at });
            let body = json!({ "id": id, "date": at, "data": found });
            json_answer(StatusCode::OK, &body, None)
        }
        (HookAnswers::Text, Err(refusal)) => {
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            let wait = refusal.retry_after;
            answer(refusal.status, kind, refusal.message.into(), wait)
        }
        (_, Ok(Accepted { id, confirmed, .. })) => {
            json_answer(StatusCode::OK, &json!({ "id": id, "confirmed": confirmed }), None)
        }
        (_, Err(refusal)) => {
            let body = json!({ "error": refusal.kind, "message": refusal.message });
            json_answer(refusal.status, &body, refusal.retry_after)
        }
    }
}

/// Returns an answer in JSON.
pub(super) fn json_answer(status: StatusCode, body: &Value, retry_after: Option<u64>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    answer(status, kind, body.to_string().into(), retry_after)
}

fn answer(status: StatusCode, kind: HeaderValue, body: Body, retry_after: Option<u64>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    if let Some(wait) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}
