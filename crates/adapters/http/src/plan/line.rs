//! A text whose settings are known, and whose other values come with each send.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use super::given::Given;
use super::values::Values;
use crate::template::{Piece, Template};
use crate::var::{Slot, Var};

/// A text with the places of values. It may hold secrets.
#[derive(Clone)]
pub(crate) struct Line(Vec<Part>);

#[derive(Clone)]
enum Part {
    Literal(Zeroizing<String>),
    Slot(Slot, Option<String>),
}

/// The setting that a template needs, and that the provider does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AbsentSetting(pub(crate) String);

/// The value that a text needs, and that the send does not bring.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Absent<'p>(pub(crate) &'p Slot);

impl Line {
    /// Puts the settings into a template.
    pub(super) fn bind(template: &Template<Var>, given: &Given) -> Result<Self, AbsentSetting> {
        Self::bind_with(template, given, |value| value.into())
    }

    /// As [`bind`](Self::bind), with each setting changed by `encode`.
    pub(super) fn bind_with(
        template: &Template<Var>,
        given: &Given,
        encode: fn(&str) -> Cow<'_, str>,
    ) -> Result<Self, AbsentSetting> {
        let mut parts: Vec<Part> = Vec::with_capacity(template.pieces.len());
        let literal = |parts: &mut Vec<Part>, text: &str| match parts.last_mut() {
            Some(Part::Literal(before)) => before.push_str(text),
            _ => parts.push(Part::Literal(Zeroizing::new(text.to_owned()))),
        };
        for piece in &template.pieces {
            match piece {
                Piece::Literal(text) => literal(&mut parts, text),
                Piece::Value(Var::Setting(name), default) => match (given.get(name), default) {
                    (Some(value), _) => literal(&mut parts, &encode(&value.expose())),
                    (None, Some(default)) => literal(&mut parts, &encode(default)),
                    (None, None) => return Err(AbsentSetting(name.clone())),
                },
                Piece::Value(Var::Slot(slot), default) => {
                    parts.push(Part::Slot(slot.clone(), default.clone()));
                }
            }
        }
        Ok(Self(parts))
    }

    /// Returns the empty text.
    pub(super) fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the text if no value of a send is in it.
    pub(super) fn constant(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns whether the text is one value of a send and nothing else.
    pub(super) fn is_only(&self, wanted: &Slot) -> bool {
        matches!(&self.0[..], [Part::Slot(slot, _)] if slot == wanted)
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|part| match part {
            Part::Slot(slot, _) => Some(slot),
            Part::Literal(_) => None,
        })
    }

    /// Passes the parts to `take`: the text, and whether it is a value of the send.
    pub(super) fn each<'p>(
        &'p self,
        values: &Values<'_>,
        mut take: impl FnMut(&str, bool),
    ) -> Result<(), Absent<'p>> {
        for part in &self.0 {
            match part {
                Part::Literal(text) => take(text, false),
                Part::Slot(slot, default) => match (values.get(slot), default) {
                    (Some(value), _) => take(value, true),
                    (None, Some(default)) => take(default, true),
                    (None, None) => return Err(Absent(slot)),
                },
            }
        }
        Ok(())
    }

    /// Returns the text.
    pub(super) fn text<'t>(&'t self, values: &'t Values<'_>) -> Result<Cow<'t, str>, Absent<'t>> {
        match &self.0[..] {
            [] => Ok("".into()),
            [Part::Literal(text)] => Ok(text.as_str().into()),
            [Part::Slot(slot, default)] => {
                let value = values.get(slot).or(default.as_deref());
                value.map(Cow::Borrowed).ok_or(Absent(slot))
            }
            _ => {
                let mut text = String::new();
                self.each(values, |part, _| text.push_str(part))?;
                Ok(text.into())
            }
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} parts)", self.0.len())
    }
}
