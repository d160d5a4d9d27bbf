//! Answers in JSON.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue};
use otpmux::Certainty;
use serde::Serialize;

use crate::problem::Problem;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The space that most answers need.
const USUAL_LENGTH: usize = 512;

/// A value as the JSON body of an answer.
pub(crate) struct Answer<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_LENGTH);
        // Only a map with keys that are no text cannot be written, and no answer has one.
        if serde_json::to_writer(&mut body, &self.0).is_err() {
            return Problem::internal(Certainty::Unknown).into_response();
        }
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response
    }
}
