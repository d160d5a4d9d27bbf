//! Endpoints for operators; no key is needed, and nothing personal is shown.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::app::App;
use crate::problem::{Content as ProblemContent, Problem};
use crate::readiness::Standing;

/// The answer of a live process.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fine {
    #[schema(value_type = FineWord)]
    status: &'static str,
}

/// The status of a live process.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum FineWord {
    Ok,
}

/// Check that the process is alive
///
/// The process answers. Restart it if it does not.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "operation",
    security(()),
    responses((status = 200, description = "It is", body = Fine)),
)]
pub(super) async fn alive() -> Answer<Fine> {
    Answer(Fine { status: "ok" })
}

/// Whether this gateway is ready for requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Readiness")]
pub(super) struct Ready {
    #[schema(value_type = ReadyWord)]
    status: &'static str,
    /// `ok` (it accepts writes), `full` (it rejects new verifications and checks codes),
    /// `unavailable` (it cannot be reached or rejects writes), or `server_key_differs` (another
    /// process has another key under the same id). Absent while the gateway stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<StoreWord>)]
    store: Option<&'static str>,
    /// The health of the providers, as this process sees it; only for callers with an API key. It
    /// does not affect readiness.
    #[serde(skip_serializing_if = "Option::is_none")]
    providers: Option<Vec<ProviderState>>,
}

/// Whether this gateway is ready for requests.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum ReadyWord {
    Ok,
    Unavailable,
    Draining,
}

/// The state of the store.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum StoreWord {
    Ok,
    Full,
    Unavailable,
    ServerKeyDiffers,
}

/// A provider and its circuit.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderState {
    /// Its name in the configuration.
    name: String,
    /// Its circuit breaker: `closed` (the provider gets messages), `open` (after failures it gets
    /// messages only if no other provider is left) or `half_open` (one message tests whether it
    /// works again).
    #[schema(value_type = CircuitWord)]
    circuit: &'static str,
}

/// The state of a circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum CircuitWord {
    Closed,
    Open,
    HalfOpen,
}

/// Check that the gateway is ready
///
/// Ready means that the store works (`ok` or `full`) and that this gateway has the same server keys
/// as the other processes. A gateway that stops is not ready. Vendors that are down do not make a
/// gateway unready, because codes that were sent can still be verified. A result is reused for one
/// second.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "Send requests here", body = Ready),
        (status = 503, description = "Send requests elsewhere", body = Ready),
    ),
)]
pub(super) async fn ready(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let draining = app.is_draining();
    let standing = if draining { None } else { Some(app.standing().await) };
    let (code, status) = match standing {
        Some(Standing::Ok | Standing::Full) => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
    };
    // The names of vendors are shown only to callers with an API key.
    let known = headers.get(AUTHORIZATION).is_some_and(|key| app.knows(key.as_bytes()));
    let providers = known.then(|| {
        let view = |view: &otpmux::admin::ProviderView| ProviderState {
            name: view.id().to_string(),
            circuit: view.health().as_str(),
        };
        app.client.providers().iter().map(view).collect()
    });
    let ready = Ready { status, store: standing.map(Standing::as_str), providers };
    (code, Answer(ready)).into_response()
}

/// Show the metrics
///
/// In the text format of Prometheus, without recipients, codes and ids. If the configuration sets a
/// separate listener (`metrics_listen`), the metrics are served there and not here.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        (status = 404, description = "They are switched off, or elsewhere", body = ProblemContent,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let metrics = app.metrics.as_ref().ok_or_else(Problem::not_found)?;
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, metrics.render()).into_response())
}
