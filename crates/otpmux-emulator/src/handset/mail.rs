//! The HTML of a mail, for a frame of the page.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

use super::events;
use crate::shared::Shared;

/// A mail runs no script, opens nothing, sends no form and loads nothing from anywhere; its own
/// styles and its embedded pictures are shown. The sandbox gives it an origin without rights.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

pub(super) async fn html(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let html = events::find(&shared.world(), &id).and_then(|message| message.html.clone());
    let Some(html) = html else {
        return (StatusCode::NOT_FOUND, "there is no such mail, or it has no HTML").into_response();
    };
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}
