//! Reading of bodies, field by field. All mistakes are collected; none repeats a value.

use std::fmt::Display;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::failure::{Failure, Invalid};
use crate::body::{self, Unread};

/// The size limit of a body, above the size of any valid one.
const LARGEST: usize = 16 * 1024;

/// An object that is read, and the mistakes in it.
pub(super) struct Json {
    fields: Map<String, Value>,
    invalid: Vec<Invalid>,
}

impl<S: Sync> FromRequest<S> for Json {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Failure::not_json());
        }
        let bytes = read(body).await?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self { fields, invalid: Vec::new() }),
            _ => Err(Failure::invalid(vec![Invalid {
                name: "body".to_owned(),
                reason: "must be a JSON object".to_owned(),
            }])),
        }
    }
}

/// Reads a body of any kind.
pub(super) async fn read(body: axum::body::Body) -> Result<bytes::Bytes, Failure> {
    body::read(body, LARGEST).await.map_err(|unread| match unread {
        Unread::TooLarge => Failure::too_large(LARGEST),
        Unread::TooSlow | Unread::Cut => Failure::too_slow(),
    })
}

impl Json {
    pub(super) fn mistake(&mut self, name: impl Into<String>, reason: impl Display) {
        self.invalid.push(Invalid { name: name.into(), reason: reason.to_string() });
    }

    /// Takes a field out; null counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a string out, of at most this many characters, none of them a control character.
    pub(super) fn text(&mut self, name: &str, most: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text)
                if (1..=most).contains(&text.chars().count())
                    && !text.chars().any(char::is_control) =>
            {
                Some(text)
            }
            _ => {
                self.mistake(name, format_args!("must be a string of 1 to {most} characters"));
                None
            }
        }
    }

    /// Takes a string out that must be there.
    pub(super) fn required(&mut self, name: &str, most: usize) -> Option<String> {
        if !self.has_any(&[name]) {
            self.mistake(name, "is required");
        }
        self.text(name, most)
    }

    /// Whether one of these fields is there.
    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.fields.contains_key(*name))
    }

    /// Returns the value, if there was no mistake in any field.
    ///
    /// # Errors
    ///
    /// The mistakes.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.invalid.is_empty() => Ok(value),
            _ => Err(Failure::invalid(self.invalid)),
        }
    }
}
