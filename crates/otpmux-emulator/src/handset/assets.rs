//! The page and its parts.

use crate::exchange::{Call, Reply};

/// Nothing from elsewhere, nothing inline, no frame around it, and no text turned into markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

pub(super) fn find(call: &Call) -> Option<Reply> {
    let (media, text) = match call.path.as_str() {
        "/" => ("text/html; charset=utf-8", include_str!("page.html")),
        "/handset.css" => ("text/css; charset=utf-8", include_str!("handset.css")),
        "/handset.js" => ("text/javascript; charset=utf-8", include_str!("handset.js")),
        "/handset-form.js" => ("text/javascript; charset=utf-8", include_str!("handset-form.js")),
        "/handset.svg" => ("image/svg+xml", include_str!("handset.svg")),
        _ => return None,
    };
    if !matches!(call.method.as_str(), "GET" | "HEAD") {
        return Some(Reply::error(405, "the page is read with GET"));
    }
    let reply = Reply::bytes(200, media, text)
        // The next version of the program serves at the same address.
        .with_header("cache-control", "no-store")
        .with_header("content-security-policy", CONTENT_SECURITY_POLICY)
        .with_header("referrer-policy", "no-referrer");
    Some(reply)
}
