//! The problems that each call can answer: the same table for the document and for its readers.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Statuses that any call with a key can answer.
const KEYED: [u16; 5] = [401, 403, 429, 500, 503];

/// Every problem status, with the words of its `type` and their meaning.
const MEANINGS: [(u16, &str); 13] = [
    (400, "`invalid_request`: it cannot be read, or a value is not of its form"),
    (401, "`unauthenticated`: no valid API key"),
    (403, "`forbidden`: not for this API key; `fraud_suspected`: a vendor takes it for an attack"),
    (
        404,
        "`not_found`: no such verification or delivery, or none that this can be asked of, or not yours; no such event or endpoint",
    ),
    (408, "`request_timeout`: the body did not come in time"),
    (
        409,
        "`conflict`: the same request, under the same `Idempotency-Key`, is still under way, or \
         the `external_id` names an earlier verification",
    ),
    (413, "`too_large`: the body"),
    (415, "`unsupported_media_type`: the body is not `application/json`"),
    (
        422,
        "It was understood, and cannot be done: `invalid_recipient`, `unsupported` (no provider \
         offers it), `invalid_request` (the channel and the recipient do not go together, or a \
         vendor does not take a value), `key_reused` (the \
         `Idempotency-Key` names another request or code), `not_a_code` (of a verify), \
         `configuration` (of a reload)",
    ),
    (
        429,
        "`rate_limited`: a limit of the recipient, the client or others; `too_many_requests`: that \
         of the API key",
    ),
    (500, "`internal`, `configuration`: the gateway failed, not the request"),
    (
        503,
        "`store`: out of reach, no code is approved; `draining`; or no vendor took it: `unavailable`, \
         `circuit_open`, `transport`, `protocol`, `insufficient_funds`, `rate_limited`, \
         `unauthenticated`, `forbidden`",
    ),
    (504, "`timeout`: no vendor answered in time"),
];

/// Problems of a receipt, which has no API key.
pub(super) struct OfReceipt;

impl IntoResponses for OfReceipt {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let about = [
            (400, "`invalid_request`: it is the vendor's, and cannot be read"),
            (401, "`unauthenticated`: it is not the vendor's, or too old"),
            (404, "`not_found`: no provider of this name takes receipts"),
            (408, "`request_timeout`: the body did not come in time"),
            (413, "`too_large`: the body"),
            (429, "`too_many_requests`: this provider has sent as many receipts as it may"),
            (500, "`internal`, `configuration`: the gateway failed, not the request"),
            (503, "`store`: out of reach; send it again"),
            (504, "`timeout`: the provider could not check it in time; send it again"),
        ];
        let problem = |(status, about): (u16, &str)| (status.to_string(), response(status, about));
        about.into_iter().map(problem).collect()
    }
}

fn responses(more: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let fits = |status: &u16| KEYED.contains(status) || more.contains(status);
    let problem = |(status, about): (u16, &str)| (status.to_string(), response(status, about));
    MEANINGS.into_iter().filter(|(status, _)| fits(status)).map(problem).collect()
}

fn response(status: u16, about: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(about);
    let response = response.content("application/problem+json", content);
    let header = |kind, about| {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
    };
    match status {
        401 => response.header("WWW-Authenticate", header(Type::String, "`Bearer`")),
        409 | 429 | 503 | 504 => response
            .header("Retry-After", header(Type::Integer, "Seconds to wait, where that is known")),
        _ => response,
    }
    .into()
}

/// Declares a type for the problems of a call.
macro_rules! problems {
    ($($(#[$about:meta])* $name:ident = $($status:literal),*;)*) => {$(
        $(#[$about])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses(&[$($status),*])
            }
        }
    )*};
}

problems! {
    /// Problems of a call without a body that changes nothing.
    OfQuestion =;
    /// Problems of a send.
    OfSend = 400, 408, 409, 413, 415, 422, 504;
    /// Problems of a resend.
    OfResend = 400, 404, 408, 409, 413, 415, 422, 504;
    /// Problems of a verify. An unknown id is a verdict.
    OfVerify = 400, 408, 413, 415, 422, 504;
    /// Problems of a status.
    OfShow = 404, 504;
    /// Problems of a cancel.
    OfCancel = 404, 409, 422, 504;
    /// Problems of an outcome.
    OfOutcome = 400, 404, 408, 413, 415, 504;
    /// Problems of a reload.
    OfReload = 422;
}
