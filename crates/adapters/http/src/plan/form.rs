//! A form whose settings are known.

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

use super::given::Given;
use super::line::{Absent, Line};
use super::node::{Node, Unbound};
use super::values::Values;
use crate::definition::{Field, Tree};
use crate::template::{Piece, Template};
use crate::var::Slot;

/// A field of a form, a header, or a parameter of the query.
#[derive(Clone)]
pub(crate) struct Pair<T = FormValue> {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) value: T,
}

/// The text of a field of a form.
#[derive(Clone)]
pub(crate) enum FormValue {
    Line(Line),
    /// JSON as text.
    Json(Node),
    /// The first text if the message needs UCS-2, else the second.
    Unicode(String, String),
    /// The text if the values of the line are there, else nothing.
    If(Line, Box<FormValue>),
}

impl FormValue {
    fn bind(tree: &Tree, given: &Given) -> Result<Self, Unbound> {
        let literal = |text: String| Template { pieces: vec![Piece::Literal(text)] };
        let line = |template: &Template<_>| Line::bind(template, given).map_err(Unbound::from);
        Ok(match tree {
            Tree::Text(template) | Tree::ToText(template) | Tree::ToNumber(template) => {
                Self::Line(line(template)?)
            }
            Tree::Number(number) => Self::Line(line(&literal(number.to_string()))?),
            Tree::Flag(flag) => Self::Line(line(&literal(flag.to_string()))?),
            Tree::Unicode(yes, no) => Self::Unicode(yes.clone(), no.clone()),
            Tree::If(given_values, tree) => {
                Self::If(line(given_values)?, Box::new(Self::bind(tree, given)?))
            }
            Tree::JsonText(tree) => Self::Json(Node::bind(tree, given)?),
            // A definition has no other tree here; see `read_body`.
            tree @ (Tree::List(_) | Tree::Table(_)) => Self::Json(Node::bind(tree, given)?),
        })
    }

    /// Returns the text.
    pub(super) fn text<'p>(&'p self, values: &'p Values<'_>) -> Result<Cow<'p, str>, Absent<'p>> {
        match self {
            Self::Line(line) => line.text(values),
            Self::Unicode(yes, no) => Ok(if values.needs_ucs2() { yes } else { no }.into()),
            Self::If(condition, then) => {
                condition.text(values)?;
                then.text(values)
            }
            Self::Json(node) => {
                let mut json = Zeroizing::new(Vec::new());
                node.write(&mut json, values)?;
                Ok(String::from_utf8_lossy(&json).into_owned().into())
            }
        }
    }

    pub(super) fn each_slot(&self, take: &mut dyn FnMut(&Slot)) {
        match self {
            Self::Line(line) => line.slots().for_each(take),
            Self::Json(node) => node.each_slot(take),
            Self::If(condition, then) => {
                condition.slots().for_each(&mut *take);
                then.each_slot(take);
            }
            Self::Unicode(..) => take(&Slot::Text),
        }
    }
}

/// Puts the settings into the fields of a form.
pub(super) fn bind_form(fields: &[Field], given: &Given) -> Result<Vec<Pair>, Unbound> {
    bind_pairs(fields, |tree| FormValue::bind(tree, given))
}

/// Puts the settings into headers or parameters.
pub(super) fn bind_lines(
    fields: &[Field<Template<crate::var::Var>>],
    given: &Given,
) -> Result<Vec<Pair<Line>>, Unbound> {
    bind_pairs(fields, |template| Ok(Line::bind(template, given)?))
}

fn bind_pairs<T, U>(
    fields: &[Field<T>],
    bind: impl Fn(&T) -> Result<U, Unbound>,
) -> Result<Vec<Pair<U>>, Unbound> {
    let mut bound = Vec::with_capacity(fields.len());
    for field in fields {
        match bind(&field.value) {
            Ok(value) => {
                bound.push(Pair { name: field.name.clone(), optional: field.optional, value });
            }
            Err(_) if field.optional => {}
            Err(Unbound { setting, path }) => {
                return Err(Unbound { setting, path: path.or_else(|| Some(field.path.clone())) });
            }
        }
    }
    Ok(bound)
}

impl fmt::Debug for FormValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormValue")
    }
}
