//! For whoever runs the gateway; no key is needed, and nothing personal is shown.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{Content as ProblemContent, Problem};

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fine {
    #[schema(value_type = FineWord)]
    status: &'static str,
}

/// The only word that there is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum FineWord {
    Ok,
}

/// Is it alive?
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

/// Can it send?
///
/// The store answers and one provider at least is not being left alone. Not while it stops.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "Send requests here", body = Fine),
        (status = 503, description = "Send requests elsewhere", body = ProblemContent,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Answer<Fine>, Problem> {
    if app.is_draining() {
        return Err(Problem::draining());
    }
    app.client.ready().await?;
    Ok(Answer(Fine { status: "ok" }))
}

/// Show the metrics
///
/// In the text format of Prometheus. Without recipients, codes and ids. Where the configuration gives
/// them a listener of their own (`metrics_listen`), they are there and not here.
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
