//! A body whose settings are known: ready to be written with the values of a send.

use std::fmt;

use zeroize::Zeroizing;

use super::given::{Given, Value};
use super::line::{Absent, AbsentSetting, Line};
use super::values::Values;
use crate::definition::{Field, Tree};
use crate::template::Piece;
use crate::var::{Slot, Var};

/// A JSON value. Values of a send are written as JSON texts, escaped whole; nothing in them can end
/// the text that they are in.
#[derive(Clone)]
pub(crate) enum Node {
    /// JSON that is the same in every send. It may hold secrets.
    Constant(Zeroizing<String>),
    Text(Line),
    /// Digits as a number.
    Number(Line),
    List(Vec<Node>),
    Table(Vec<NodeField>),
    /// The JSON of a node, as text.
    JsonText(Box<Node>),
    /// The first text if the message needs UCS-2, else the second; both are JSON.
    Unicode(String, String),
    /// The node if the values of the line are there, else nothing.
    If(Line, Box<Node>),
}

/// A field of a table.
#[derive(Clone)]
pub(crate) struct NodeField {
    /// The name as JSON, with its colon.
    name: String,
    optional: bool,
    value: Node,
}

/// A setting that is absent where the definition needs one.
#[derive(Debug)]
pub(crate) struct Unbound {
    pub(crate) setting: String,
    pub(crate) path: Option<String>,
}

impl From<AbsentSetting> for Unbound {
    fn from(absent: AbsentSetting) -> Self {
        Self { setting: absent.0, path: None }
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Node {
    /// Puts the settings into a tree.
    pub(super) fn bind(tree: &Tree, given: &Given) -> Result<Self, Unbound> {
        Ok(match tree {
            Tree::Number(number) => Self::constant(number.to_string()),
            Tree::Flag(flag) => Self::constant(flag.to_string()),
            Tree::Text(template) => {
                // A flag or a number keeps its type where it is the whole value.
                if let [Piece::Value(Var::Setting(name), _)] = &template.pieces[..]
                    && let Some(value @ (Value::Flag(_) | Value::Integer(_))) = given.get(name)
                {
                    return Ok(Self::constant(value.expose().into_owned()));
                }
                let line = Line::bind(template, given)?;
                if line.is_only(&Slot::Minutes) { Self::Number(line) } else { Self::text(line) }
            }
            Tree::ToText(template) => Self::text(Line::bind(template, given)?),
            Tree::ToNumber(template) => Self::Number(Line::bind(template, given)?),
            Tree::Unicode(yes, no) => Self::Unicode(json(yes), json(no)),
            Tree::JsonText(tree) => Self::JsonText(Box::new(Self::bind(tree, given)?)),
            Tree::If(condition, tree) => {
                Self::If(Line::bind(condition, given)?, Box::new(Self::bind(tree, given)?))
            }
            Tree::List(list) => {
                let mut nodes = Vec::with_capacity(list.len());
                for tree in list {
                    match Self::bind(tree, given) {
                        Ok(node) => nodes.push(node),
                        Err(_) if matches!(tree, Tree::If(..)) => {}
                        Err(unbound) => return Err(unbound),
                    }
                }
                Self::List(nodes)
            }
            Tree::Table(fields) => Self::Table(bind_fields(fields, given)?),
        }
        .folded())
    }

    fn constant(json: String) -> Self {
        Self::Constant(Zeroizing::new(json))
    }

    fn text(line: Line) -> Self {
        match line.constant() {
            Some(text) => Self::constant(json(text)),
            None => Self::Text(line),
        }
    }

    /// Returns the node as a constant, if no value of a send is in it.
    fn folded(self) -> Self {
        let constant = match &self {
            Self::List(list) => list.iter().all(Self::is_constant),
            Self::Table(fields) => {
                fields.iter().all(|field| !field.optional && field.value.is_constant())
            }
            Self::JsonText(node) => node.is_constant(),
            _ => false,
        };
        if !constant {
            return self;
        }
        let mut bytes = Zeroizing::new(Vec::new());
        match self.write(&mut bytes, &Values::none()) {
            Ok(()) => Self::constant(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => self,
        }
    }

    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// Writes the JSON.
    pub(super) fn write<'p>(
        &'p self,
        out: &mut Vec<u8>,
        values: &'p Values<'_>,
    ) -> Result<(), Absent<'p>> {
        match self {
            Self::Constant(json) => out.extend_from_slice(json.as_bytes()),
            Self::Text(line) => write_text(out, &line.text(values)?),
            Self::Number(line) => write_number(out, &line.text(values)?),
            Self::Unicode(yes, no) => {
                let json = if values.needs_ucs2() { yes } else { no };
                out.extend_from_slice(json.as_bytes());
            }
            Self::JsonText(node) => {
                let mut inner = Zeroizing::new(Vec::new());
                node.write(&mut inner, values)?;
                write_text(out, &String::from_utf8_lossy(&inner));
            }
            Self::If(condition, node) => {
                condition.text(values)?;
                node.write(out, values)?;
            }
            Self::List(list) => {
                out.push(b'[');
                let mut first = true;
                for node in list {
                    let before = out.len();
                    if !first {
                        out.push(b',');
                    }
                    match node.write(out, values) {
                        Ok(()) => first = false,
                        Err(_) if matches!(node, Self::If(..)) => out.truncate(before),
                        Err(absent) => return Err(absent),
                    }
                }
                out.push(b']');
            }
            Self::Table(fields) => {
                out.push(b'{');
                let mut first = true;
                for field in fields {
                    let before = out.len();
                    if !first {
                        out.push(b',');
                    }
                    out.extend_from_slice(field.name.as_bytes());
                    match field.value.write(out, values) {
                        Ok(()) => first = false,
                        Err(_) if field.optional => out.truncate(before),
                        Err(absent) => return Err(absent),
                    }
                }
                out.push(b'}');
            }
        }
        Ok(())
    }

    pub(super) fn each_slot(&self, take: &mut dyn FnMut(&Slot)) {
        match self {
            Self::Text(line) | Self::Number(line) => line.slots().for_each(take),
            Self::List(list) => list.iter().for_each(|node| node.each_slot(take)),
            Self::Table(fields) => fields.iter().for_each(|field| field.value.each_slot(take)),
            Self::JsonText(node) => node.each_slot(take),
            Self::If(condition, node) => {
                condition.slots().for_each(&mut *take);
                node.each_slot(take);
            }
            Self::Constant(_) => {}
            Self::Unicode(..) => take(&Slot::Text),
        }
    }
}

fn bind_fields(fields: &[Field], given: &Given) -> Result<Vec<NodeField>, Unbound> {
    let mut bound = Vec::with_capacity(fields.len());
    for field in fields {
        match Node::bind(&field.value, given) {
            Ok(value) => bound.push(NodeField {
                name: format!("{}:", json(&field.name)),
                optional: field.optional,
                value,
            }),
            Err(_) if field.optional => {}
            Err(Unbound { setting, path }) => {
                return Err(Unbound { setting, path: path.or_else(|| Some(field.path.clone())) });
            }
        }
    }
    Ok(bound)
}

/// Writes a text as JSON.
fn write_text(out: &mut Vec<u8>, text: &str) {
    // A write to memory does not fail, and every text is valid JSON text.
    let _ = serde_json::to_writer(out, text);
}

/// Writes digits as a number; anything else as text, which the vendor refuses.
fn write_number(out: &mut Vec<u8>, text: &str) {
    let number = !text.is_empty()
        && text.len() <= 18
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if number {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_text(out, text);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node")
    }
}
