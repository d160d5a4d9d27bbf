//! Receipts: what vendors report about the delivery of messages.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use otpmux::provider::{Clock as _, ProviderId, ReceiptAnswer, ReceiptRequest, SystemClock};
use otpmux::{Error, ErrorKind};

use super::input;
use super::problems::OfReceipt;
use crate::app::App;
use crate::problem::Problem;

/// Report on messages
///
/// For vendors, in the form of each: delivery receipts, also in batches. The provider checks the
/// vendor's signature or the secret in the URL; an API key is not needed. Repeats, any order and
/// receipts of verifications that are gone are harmless, and answered like all others.
#[utoipa::path(
    post,
    path = "/v1/receipts/{provider}",
    operation_id = "receive_receipt",
    tag = "receipts",
    security(()),
    params(
        ("provider" = String, Path, description = "The name of the provider in the configuration"),
        ("token" = Option<String>, Query, description = "The message, as otpmux named it to the vendor"),
    ),
    request_body(content = String, content_type = "*/*", description = "What the vendor sends"),
    responses(
        (status = 200, description = "Taken; this vendor expects a body", body = String,
            content_type = "text/plain"),
        (status = 204, description = "Taken, or of no use any more"),
        OfReceipt,
    ),
)]
pub(super) async fn receive(
    state: State<Arc<App>>,
    provider: Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(state, provider, request).await
}

/// Report on messages, or check the address
///
/// As the `POST`, for vendors whose reports are in the query, and for those that check the address
/// when receipts are set up.
#[utoipa::path(
    get,
    path = "/v1/receipts/{provider}",
    operation_id = "receive_receipt_by_query",
    tag = "receipts",
    security(()),
    params(
        ("provider" = String, Path, description = "The name of the provider in the configuration"),
        ("token" = Option<String>, Query, description = "The message, as otpmux named it to the vendor"),
    ),
    responses(
        (status = 200, description = "Taken; this vendor expects a body", body = String,
            content_type = "text/plain"),
        (status = 204, description = "Taken, or of no use any more"),
        OfReceipt,
    ),
)]
pub(super) async fn receive_by_query(
    state: State<Arc<App>>,
    provider: Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    take(state, provider, request).await
}

async fn take(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let provider = ProviderId::new(&provider).ok();
    let provider = provider.filter(|provider| app.client.takes_receipts(provider));
    let provider = provider.ok_or_else(Problem::no_such_provider)?;
    let settings = app.settings();
    settings.receipts.take(&provider).map_err(Problem::too_many_receipts)?;
    let largest = settings.receipts.largest;
    let (parts, body) = request.into_parts();
    let url = settings.receipts.called(parts.uri.path_and_query().map_or("", |it| it.as_str()));
    // The settings are not held while a vendor is slow.
    drop(settings);
    let body = input::read(body, largest).await?;
    let answer = app.client.receive(&provider, &read(&parts, &url, &body, &headers(&parts))).await;
    answer.map(respond).map_err(refused)
}

fn headers(parts: &Parts) -> Vec<(&str, &[u8])> {
    parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

fn read<'a>(
    parts: &'a Parts,
    url: &'a str,
    body: &'a [u8],
    headers: &'a [(&'a str, &'a [u8])],
) -> ReceiptRequest<'a> {
    let at = SystemClock.now();
    ReceiptRequest { method: parts.method.as_str(), url, headers, body, at }
}

fn respond(answer: ReceiptAnswer) -> Response {
    match answer {
        ReceiptAnswer::Text(text) => {
            let kind = HeaderValue::from_static("text/plain; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

/// A status for the vendor: it repeats what may succeed later, and nothing else.
fn refused(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::Unauthenticated => Problem::forged_receipt(),
        ErrorKind::Protocol => Problem::unreadable_receipt(),
        ErrorKind::NotFound => Problem::no_such_provider(),
        _ => error.into(),
    }
}
