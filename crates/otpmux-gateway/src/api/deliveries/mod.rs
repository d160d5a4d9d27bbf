//! Deliveries: codes that the caller made and will check.

pub(super) mod create;
pub(super) mod outcome;
pub(super) mod resend;
pub(super) mod show;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use otpmux::DeliveryId;

use crate::problem::Problem;

/// The id in a path; a malformed id is treated like any unknown id.
pub(super) struct Id(DeliveryId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(Problem::no_such_delivery)
    }
}
