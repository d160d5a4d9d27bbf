//! The page and its parts.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::shared::Shared;

/// Nothing from other origins, nothing inline, no framing, and no text parsed as markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

/// Path, media type and content.
const PARTS: [(&str, &str, &str); 6] = [
    ("/", HTML, include_str!("page.html")),
    ("/handset.css", CSS, concat!(include_str!("palette.css"), include_str!("handset.css"))),
    ("/handset.js", SCRIPT, include_str!("handset.js")),
    ("/handset-clock.js", SCRIPT, include_str!("handset-clock.js")),
    ("/handset-form.js", SCRIPT, include_str!("handset-form.js")),
    ("/handset.svg", PICTURE, include_str!("handset.svg")),
];

pub(super) fn router() -> Router<Arc<Shared>> {
    PARTS.into_iter().fold(Router::new(), |router, (path, media, content)| {
        router.route(path, get(move || std::future::ready(part(media, content))))
    })
}

fn part(media: &'static str, content: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, media),
        // The next version of the program uses the same address.
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, content)
}
