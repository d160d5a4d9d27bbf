//! The API's description, for programs and for people.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};

mod examples;
mod fields;
mod html;
mod page;

use super::openapi;

/// Describe the API to programs
///
/// This document, `OpenAPI` 3.1.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The description", body = Object,
        content_type = "application/json")),
)]
pub(super) async fn document() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| openapi().to_string());
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (headers, TEXT.as_str()).into_response()
}

/// Whoever opens the gateway's address in a browser wants the page.
pub(super) async fn root() -> Redirect {
    Redirect::temporary("/docs")
}

/// Describe the API to people
///
/// A page with nothing from elsewhere.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "docs",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")),
)]
pub(super) async fn page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(|| page::of(&openapi()));
    // The page needs its own style and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE.as_str()).into_response()
}
