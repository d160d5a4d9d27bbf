//! Reading what callers send: strictly, with limits on size and time.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use otpmux::VerificationId;

use super::fields::Fields;
use super::tree::Tree;
use crate::body::{self, Unread};
use crate::problem::{Code, Problem};

/// The size limit of a body, above the size of any valid body of this API.
const LARGEST: usize = 16 * 1024;

/// The fields of a JSON body. Another content type, or anything after the object, is an error.
pub(super) struct Body(pub(super) Fields);

/// The same for an optional body: without one, there are no fields.
pub(super) struct OptionalBody(pub(super) Fields);

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts) {
            return Err(Problem::not_json());
        }
        parse(&read(body, LARGEST).await?).map(Self)
    }
}

impl<S: Sync> FromRequest<S> for OptionalBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, LARGEST).await?;
        if bytes.is_empty() {
            return Fields::of(Tree::Object(Vec::new())).map(Self);
        }
        if !is_json(&parts) {
            return Err(Problem::not_json());
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(parts: &Parts) -> bool {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads a body of at most this many bytes.
pub(super) async fn read(body: axum::body::Body, largest: usize) -> Result<Bytes, Problem> {
    body::read(body, largest).await.map_err(|unread| match unread {
        Unread::TooSlow => Problem::too_slow(),
        Unread::TooLarge => Problem::too_large(largest),
        Unread::Cut => Problem::invalid("", Code::NotJson, "ended before its end"),
    })
}

fn parse(bytes: &[u8]) -> Result<Fields, Problem> {
    let body = serde_json::from_slice::<Tree>(bytes).map_err(|error| {
        // Only the position is reported: the text there may be a code or a number.
        let (line, column) = (error.line(), error.column());
        let message = format!("is not JSON from line {line}, column {column} on");
        Problem::invalid("", Code::NotJson, message)
    })?;
    Fields::of(body)
}

/// The id in a path; a malformed id is treated like any unknown id.
pub(super) struct Id(pub(super) Option<VerificationId>);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(text.ok().and_then(|Path(text)| text.parse().ok())))
    }
}
