//! The API's description, for programs and for people.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};

mod examples;
mod fields;
mod html;
mod page;
mod problem;

use super::openapi;
use crate::problem::{self as problems, Content, Problem};

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

/// Redirects a browser that opens the gateway's address to the documentation page.
pub(super) async fn root() -> Redirect {
    Redirect::temporary("/docs")
}

/// Describe the API to people
///
/// A page that loads nothing from other servers.
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
    html_page(PAGE.as_str())
}

/// Explain a problem type to people
///
/// The page of a problem type: its cause and what to do.
#[utoipa::path(
    get,
    path = "/problems/{type}",
    operation_id = "problem",
    tag = "operation",
    security(()),
    params(("type" = String, Path, description = "The last part of a problem's `type`",
        example = "rate_limited")),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 404, description = "`not_found`: no such type", body = Content,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn problem(Path(kind): Path<String>) -> Result<Response, Problem> {
    let text = problems::page(&kind).ok_or_else(Problem::not_found)?;
    Ok(html_page(problem::of(&kind, text)))
}

fn html_page(html: impl IntoResponse) -> Response {
    // A page needs its style and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                  form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, html).into_response()
}
