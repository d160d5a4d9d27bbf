use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::problem::{Code, Problem};

/// The header `Idempotency-Key`.
pub(super) struct IdempotencyName(Option<String>);

impl IdempotencyName {
    /// The key as the engine gets it: the callers' keys are kept apart.
    pub(super) fn of_caller(self, caller: &str) -> Option<String> {
        self.0.map(|name| format!("{caller} {name}"))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        let fit = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !fit {
            let message = "must be 1 to 255 visible ASCII characters without spaces";
            return Err(Problem::invalid("Idempotency-Key", Code::WrongFormat, message));
        }
        Ok(Self(Some(text.to_owned())))
    }
}
