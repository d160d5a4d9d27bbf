//! An answer as the rules of a definition see it.

use std::borrow::Cow;
use std::cell::OnceCell;

use otpmux_http::Answer;
use serde_json::Value;

use crate::definition::Source;

/// An answer; its body is parsed when a rule first asks for it.
pub(crate) struct View<'a> {
    answer: &'a Answer,
    json: OnceCell<Option<Value>>,
}

impl<'a> View<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        Self { answer, json: OnceCell::new() }
    }

    pub(crate) fn status(&self) -> u16 {
        self.answer.status()
    }

    pub(crate) fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| self.answer.json()).as_ref()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.answer.header(name)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.answer.text().map(str::trim)
    }

    /// Returns the text or whole number at a source; `None` for an empty text and for any other
    /// value.
    pub(crate) fn word(&self, source: &Source) -> Option<Cow<'_, str>> {
        let word = match source {
            Source::Pointer(pointer) => word(self.json()?.pointer(pointer)?)?,
            Source::Header(name) => self.header(name)?.into(),
            Source::Body => self.text()?.into(),
        };
        (!word.is_empty()).then_some(word)
    }

    /// Returns the first text or whole number at one of these pointers.
    pub(crate) fn first(&self, pointers: &[String]) -> Option<Cow<'_, str>> {
        let json = self.json()?;
        pointers.iter().find_map(|pointer| word(json.pointer(pointer)?))
    }

    /// Returns the first value at one of these pointers.
    pub(crate) fn value(&self, pointers: &[String]) -> Option<&Value> {
        let json = self.json()?;
        pointers.iter().find_map(|pointer| json.pointer(pointer))
    }
}

/// Returns a text or a whole number as text.
pub(crate) fn word(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Some(number.to_string().into())
        }
        _ => None,
    }
}
