//! Forwards the form's requests to the gateway.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::input::{Body, Refusal};
use crate::relay::{RelayAnswer, RelayRequest};
use crate::shared::Shared;

/// A JSON object with a JSON content type: a plain form of another site cannot send this type.
pub(super) struct Form(Value);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media = media.and_then(|media| media.split(';').next()).unwrap_or_default();
        if !media.trim().eq_ignore_ascii_case("application/json") {
            let text = "the body must be application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let Body(fields) = Body::<Map<String, Value>>::from_request(request, state).await?;
        Ok(Self(Value::Object(fields)))
    }
}

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Form(body): Form,
) -> Result<Response, Refusal> {
    pass_on(&shared, Method::POST, "verifications".to_owned(), Some(body)).await
}

pub(super) async fn status(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    pass_on(&shared, Method::GET, format!("verifications/{}", checked(&id)?), None).await
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path((id, verb)): Path<(String, String)>,
    Form(body): Form,
) -> Result<Response, Refusal> {
    if !matches!(verb.as_str(), "verify" | "resend") {
        return Err(not_passed());
    }
    pass_on(&shared, Method::POST, format!("verifications/{}/{verb}", checked(&id)?), Some(body))
        .await
}

/// Forwards one request; `path` is below the gateway's `/v1/`.
async fn pass_on(
    shared: &Shared,
    method: Method,
    path: String,
    body: Option<Value>,
) -> Result<Response, Refusal> {
    let Some(relay) = shared.world().relay.as_ref().map(Arc::clone) else {
        let text = "no gateway is connected to this page";
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    };
    let request = RelayRequest { method, path: format!("/v1/{path}"), body };
    let answer = tokio::select! {
        answer = relay.relay(request) => answer,
        () = shared.stopped() => {
            let text = "the emulator stops";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
    };
    Ok(match answer {
        Ok(RelayAnswer { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            if body.is_null() {
                status.into_response()
            } else {
                (status, Json(body)).into_response()
            }
        }
        Err(error) => {
            let body =
                json!({ "title": "The gateway does not answer", "detail": error.to_string() });
            (StatusCode::BAD_GATEWAY, Json(body)).into_response()
        }
    })
}

fn not_passed() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "only send, verify, resend and status are passed on")
}

/// Returns the id if no character in it needs escaping.
fn checked(id: &str) -> Result<&str, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_id = (1..=128).contains(&id.len()) && id.bytes().all(plain);
    if is_id { Ok(id) } else { Err(not_passed()) }
}
