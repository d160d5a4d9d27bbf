//! Reading an object field by field. All its mistakes are reported at once, each with its field.
//! None repeats what was sent: a value or the name of an unknown field may be personal.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::tree::Tree;
use crate::problem::{Code, Mistake, Problem};

/// About as many as the largest object has.
const MOST_FIELDS: usize = 24;

/// The fields of an object that are not read yet, and the mistakes in those that are.
pub(super) struct Fields {
    /// The field that contains the object, with a dot; empty for the whole body.
    within: String,
    known: Vec<&'static str>,
    rest: Vec<(String, Tree)>,
    mistakes: Vec<Mistake>,
}

impl Fields {
    pub(super) fn of(body: Tree) -> Result<Self, Problem> {
        match body {
            Tree::Object(rest) => Ok(Self::within(String::new(), rest)),
            other => {
                let message = format!("must be a JSON object; this is {}", other.kind());
                Err(Problem::of_mistakes(vec![Mistake::new("", Code::WrongType, message)]))
            }
        }
    }

    fn within(within: String, rest: Vec<(String, Tree)>) -> Self {
        Self { within, known: Vec::with_capacity(MOST_FIELDS), rest, mistakes: Vec::new() }
    }

    /// Takes a field out; a field with the value null counts as absent.
    fn take(&mut self, name: &'static str) -> Option<Tree> {
        self.known.push(name);
        let first = self.rest.iter().position(|(other, _)| other == name)?;
        let (_, value) = self.rest.swap_remove(first);
        let left = self.rest.len();
        self.rest.retain(|(other, _)| other != name);
        if self.rest.len() < left {
            self.mistake(name, Code::DuplicateField, "occurs twice");
            return None;
        }
        (!matches!(value, Tree::Null)).then_some(value)
    }

    /// Returns a string without taking it, because another field depends on it.
    pub(super) fn peek(&self, name: &str) -> Option<&str> {
        self.rest.iter().find_map(|(other, value)| match value {
            Tree::Text(text) if other == name => Some(&**text),
            _ => None,
        })
    }

    /// Whether a field is there, and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.rest.iter().any(|(other, value)| other == name && !matches!(value, Tree::Null))
    }

    /// Records a mistake in a field.
    pub(super) fn mistake(&mut self, name: &str, code: Code, message: impl Into<String>) {
        let field = format!("{}{name}", self.within);
        self.mistakes.push(Mistake::new(field, code, message));
    }

    fn wrong_type(&mut self, name: &str, must: &str, is: &Tree) {
        self.mistake(name, Code::WrongType, format!("must be {must}; this is {}", is.kind()));
    }

    /// A string of any form.
    pub(super) fn string(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Tree::Text(text) => Some(text),
            other => {
                self.wrong_type(name, "a string", &other);
                None
            }
        }
    }

    /// A string with a length in this range and without control characters.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let text = self.string(name)?;
        if length.contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            return Some(text);
        }
        let (least, most) = length.into_inner();
        let message =
            format!("must be {least} to {most} characters, none of them a control character");
        self.mistake(name, Code::WrongFormat, message);
        None
    }

    /// A string that is parsed.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.string(name)?;
        parse(text).map_err(|error| self.mistake(name, Code::WrongFormat, error.to_string())).ok()
    }

    /// Returns the value, or records that it is missing.
    pub(super) fn required<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        let told = |mistake: &Mistake| mistake.is_of(&self.within, name);
        if value.is_none() && !self.mistakes.iter().any(told) {
            self.mistake(name, Code::Missing, "is missing");
        }
        value
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Tree::Bool(flag) => Some(flag),
            other => {
                self.wrong_type(name, "true or false", &other);
                None
            }
        }
    }

    /// A whole number; `unit` is what it counts.
    pub(super) fn whole<T: TryFrom<u64>>(
        &mut self,
        name: &'static str,
        unit: &str,
        range: RangeInclusive<u64>,
    ) -> Option<T> {
        let (least, most) = (*range.start(), *range.end());
        let must = || format!("a whole number of {unit} from {least} to {most}");
        match self.take(name)? {
            Tree::Whole(number) if range.contains(&number) => T::try_from(number).ok(),
            Tree::Whole(_) | Tree::Number => {
                self.mistake(name, Code::OutOfRange, format!("must be {}", must()));
                None
            }
            other => {
                self.wrong_type(name, &must(), &other);
                None
            }
        }
    }

    /// An object that has fields itself.
    pub(super) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        match self.take(name)? {
            Tree::Object(rest) => {
                let mut inner = Self::within(format!("{}{name}.", self.within), rest);
                let value = read(&mut inner);
                inner.no_others();
                self.mistakes.extend(inner.mistakes);
                Some(value)
            }
            other => {
                self.wrong_type(name, "an object", &other);
                None
            }
        }
    }

    /// An object of strings, with any keys.
    pub(super) fn strings(
        &mut self,
        name: &'static str,
        must: &str,
        fits: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> Option<BTreeMap<String, String>> {
        let fields = match self.take(name)? {
            Tree::Object(fields) => fields,
            other => {
                self.wrong_type(name, must, &other);
                return None;
            }
        };
        let mut strings = BTreeMap::new();
        for (key, value) in fields {
            let Tree::Text(value) = value else {
                self.mistake(name, Code::WrongType, format!("must be {must}"));
                return None;
            };
            let twice = strings.insert(key, value).is_some();
            if twice {
                self.mistake(name, Code::DuplicateField, "holds a key twice");
                return None;
            }
        }
        if fits(&strings) {
            return Some(strings);
        }
        self.mistake(name, Code::OutOfRange, format!("must be {must}"));
        None
    }

    /// Records every unknown field as a mistake.
    fn no_others(&mut self) {
        if self.rest.is_empty() {
            return;
        }
        let message = format!(
            "holds a field that is not known; the known ones are {}",
            self.known.join(", ")
        );
        let field = self.within.trim_end_matches('.').to_owned();
        self.mistakes.push(Mistake::new(field, Code::UnknownField, message));
    }

    /// The value that was read, if there was no mistake in any field.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        self.no_others();
        match value {
            Some(value) if self.mistakes.is_empty() => Ok(value),
            _ => Err(Problem::of_mistakes(self.mistakes)),
        }
    }
}
