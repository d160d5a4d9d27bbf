//! The meaning of an answer: success, the vendor's reference, errors.

use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::settings::parse_duration;
use otpmux_core::{Blame, Certainty, ErrorKind};
use serde_json::Value;

use super::table::{Mistakes, Table};
use crate::view::View;

/// A place in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A JSON pointer (RFC 6901).
    Pointer(String),
    /// A header, in lower case.
    Header(String),
    /// The whole body as text, without the white space around it.
    Body,
}

/// A source, and what must be there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test {
    pub(crate) source: Source,
    pub(crate) check: Check,
}

/// The condition on the value at a source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Check {
    /// One of these values; types are strict.
    OneOf(Vec<Value>),
    Prefix(String),
    /// This text; ASCII case is ignored. It is in lower case here.
    Contains(String),
    Exists(bool),
}

/// The statuses of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    pub(crate) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    fn all_within(&self, range: &RangeInclusive<u16>) -> bool {
        self.0.iter().all(|one| range.contains(one.start()) && range.contains(one.end()))
    }

    fn meets(&self, range: &RangeInclusive<u16>) -> bool {
        self.0.iter().any(|one| one.start() <= range.end() && range.start() <= one.end())
    }

    fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let value = table.get("status")?;
        let ranges: Option<Vec<_>> = match value {
            Value::Array(list) if !list.is_empty() => list.iter().map(range).collect(),
            one => range(one).map(|range| vec![range]),
        };
        if ranges.is_none() {
            let message =
                "must be a status such as 200, a range such as \"200-299\", or a list of them";
            table.mistake("status", message, mistakes);
        }
        ranges.map(Self)
    }
}

fn range(value: &Value) -> Option<RangeInclusive<u16>> {
    let valid = |status: &u16| (100..=599).contains(status);
    let parse = |text: &str| text.trim().parse().ok().filter(valid);
    match value {
        Value::Number(number) => {
            let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
            status.filter(valid).map(|status| status..=status)
        }
        Value::String(text) => {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (parse(first)?, parse(last)?);
            (first <= last).then_some(first..=last)
        }
        _ => None,
    }
}

impl Source {
    /// Reads the source in a table that may have other keys.
    fn read_in(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let pointer = read_pointer("pointer", table, mistakes).map(Self::Pointer);
        let header = table.text("header", mistakes).map(str::to_ascii_lowercase);
        let header = header.map(Self::Header);
        let body = table.flag("body", mistakes).filter(|body| *body).map(|_| Self::Body);
        if ["pointer", "header", "body"].iter().filter(|key| table.has(key)).count() > 1 {
            table.wrong("has one source: `pointer`, `header` or `body = true`", mistakes);
        }
        pointer.or(header).or(body)
    }

    /// Reads a table that is a source and nothing else, or returns whether it is optional too.
    pub(super) fn read(
        key: &'static str,
        table: &mut Table<'_>,
        mistakes: &mut Mistakes,
    ) -> Option<(Self, bool)> {
        let mut inner = table.table(key, mistakes)?;
        let source = Self::read_in(&mut inner, mistakes);
        let optional = inner.flag("optional", mistakes).unwrap_or(false);
        if source.is_none() {
            inner.wrong("needs a source: `pointer`, `header` or `body = true`", mistakes);
        }
        inner.finish(mistakes);
        Some((source?, optional))
    }
}

/// Reads a JSON pointer.
pub(super) fn read_pointer(
    key: &'static str,
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Option<String> {
    let pointer = table.text(key, mistakes)?;
    if pointer.starts_with('/') {
        return Some(pointer.to_owned());
    }
    table.mistake(key, "must be a JSON pointer, such as /data/0/id", mistakes);
    None
}

/// Reads a JSON pointer or a list of them.
fn read_pointers(key: &'static str, table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let list = match table.get(key) {
        None => return Vec::new(),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(one) => vec![one.as_str()],
    };
    let pointer = |text: Option<&str>| text.filter(|text| text.starts_with('/')).map(str::to_owned);
    let pointers: Option<Vec<_>> = list.into_iter().map(pointer).collect();
    pointers.unwrap_or_else(|| {
        let message = "must be a JSON pointer, such as /error/code, or a list of them";
        table.mistake(key, message, mistakes);
        Vec::new()
    })
}

impl Test {
    /// Reads the test in a table that may have other keys. `None` if it has none, or a wrong one.
    pub(super) fn read_in(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        const CHECKS: [&str; 5] = ["equals", "one_of", "prefix", "contains", "exists"];
        let source = Source::read_in(table, mistakes);
        let check = Check::read_in(table, mistakes);
        let checks: Vec<_> = CHECKS.into_iter().filter(|key| table.has(key)).collect();
        match (&source, &checks[..]) {
            (None, []) => None,
            (Some(_), [_]) => Some(Self { source: source?, check: check? }),
            (Some(_), []) => {
                table.wrong(format!("needs one of: {}", CHECKS.join(", ")), mistakes);
                None
            }
            (None, _) => {
                let message = "needs a source: `pointer`, `header` or `body = true`";
                table.wrong(message, mistakes);
                None
            }
            (Some(_), _) => {
                table.wrong(format!("has one of: {}", checks.join(", ")), mistakes);
                None
            }
        }
    }

    pub(crate) fn holds(&self, view: &View<'_>) -> bool {
        match &self.source {
            Source::Pointer(pointer) => {
                self.check.of_json(view.json().and_then(|v| v.pointer(pointer)))
            }
            Source::Header(name) => self.check.of_text(view.header(name)),
            Source::Body => self.check.of_text(view.text()),
        }
    }
}

impl Check {
    pub(super) fn read_in(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let simple =
            |value: &Value| value.is_string() || value.is_boolean() || value.as_i64().is_some();
        let equals = table.get("equals");
        let one_of = table.list("one_of", mistakes);
        if equals.is_some_and(|value| !simple(value)) {
            table.mistake("equals", "must be a text, a whole number, true or false", mistakes);
        }
        if one_of.is_some_and(|list| list.is_empty() || !list.iter().all(simple)) {
            let message =
                "must be a list of texts, whole numbers, true or false, with one at least";
            table.mistake("one_of", message, mistakes);
        }
        let prefix = table.text("prefix", mistakes).map(|text| Self::Prefix(text.to_owned()));
        let contains = table.text("contains", mistakes);
        let contains = contains.map(|text| Self::Contains(text.to_ascii_lowercase()));
        let exists = table.flag("exists", mistakes).map(Self::Exists);
        let equals = equals.map(|value| Self::OneOf(vec![value.clone()]));
        let one_of = one_of.map(|list| Self::OneOf(list.clone()));
        equals.or(one_of).or(prefix).or(contains).or(exists)
    }

    fn of_json(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::OneOf(values), Some(value)) => values.contains(value),
            (Self::Exists(wanted), value) => {
                let there = value.is_some_and(|value| !value.is_null() && *value != "");
                there == *wanted
            }
            (_, Some(Value::String(text))) => self.of_text(Some(text)),
            (Self::Prefix(prefix), Some(Value::Number(number))) => {
                number.to_string().starts_with(prefix)
            }
            _ => false,
        }
    }

    pub(super) fn of_text(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::OneOf(values), Some(text)) => values.iter().any(|value| value == text),
            (Self::Prefix(prefix), Some(text)) => text.starts_with(prefix.as_str()),
            (Self::Contains(part), Some(text)) => text.to_ascii_lowercase().contains(part.as_str()),
            (Self::Exists(wanted), text) => text.is_some_and(|text| !text.is_empty()) == *wanted,
            (_, None) => false,
        }
    }

    /// Checks a text or number that was read as text: vendors write codes in both forms.
    pub(crate) fn of_word(&self, word: Option<&str>) -> bool {
        match (self, word) {
            (Self::OneOf(values), Some(word)) => values
                .iter()
                .any(|value| crate::view::word(value).is_some_and(|value| value == word)),
            (check, word) => check.of_text(word),
        }
    }

    /// Returns whether the check can hold only where the vendor has written something.
    fn is_positive(&self) -> bool {
        *self != Self::Exists(false)
    }
}

/// How a success is recognised.
#[derive(Clone, Debug)]
pub(crate) struct Success {
    pub(crate) status: Statuses,
    pub(crate) require: Vec<Test>,
    pub(crate) reference: Option<Source>,
    /// An answer without the reference is no success.
    pub(crate) reference_required: bool,
    pub(crate) request_id: Option<Source>,
}

impl Success {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let before = mistakes.len();
        let status = Statuses::read(&mut table, mistakes);
        if status.as_ref().is_some_and(|status| !status.all_within(&(200..=299))) {
            table.mistake("status", "a success has a status from 200 to 299", mistakes);
        }
        let status = table.needed("status", status, mistakes);
        let mut require = Vec::new();
        for mut inner in table.tables("require", mistakes) {
            let test = Test::read_in(&mut inner, mistakes);
            if test.is_none() && inner.is_empty() {
                inner.wrong("needs a source and a test", mistakes);
            }
            require.extend(test);
            inner.finish(mistakes);
        }
        let reference = Source::read("reference", &mut table, mistakes);
        let request_id = Source::read("request_id", &mut table, mistakes).map(|(source, _)| source);
        let alone = table.text("status_alone", mistakes);
        let (reference, optional) = reference.unzip();
        let reference_required = optional == Some(false);
        let evidence = require.iter().any(|test| test.check.is_positive()) || reference_required;
        match (evidence, alone) {
            // A test with a mistake is reported already.
            (false, None) if mistakes.len() == before => {
                let message = "a status alone is not a success: add what the vendor's answer holds \
                               (`require`, `reference`), or say in `status_alone = \"..\"` why the \
                               status is all that the vendor says";
                table.wrong(message, mistakes);
            }
            (true, Some(_)) => {
                let message = "remove it: there is a test of the answer";
                table.mistake("status_alone", message, mistakes);
            }
            _ => {}
        }
        table.finish(mistakes);
        Some(Self { status: status?, require, reference, reference_required, request_id })
    }
}

/// An answer of a vendor, made from a definition.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExampleAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Success {
    /// Returns an answer that is read as a success.
    pub(super) fn example(&self) -> ExampleAnswer {
        let mut tree = Value::Null;
        let (mut headers, mut text) = (Vec::new(), None);
        let mut put = |source: &Source, value: Value| match source {
            Source::Pointer(pointer) => set(&mut tree, pointer, value),
            Source::Header(name) => {
                headers.push((name.clone(), crate::view::word(&value).unwrap_or_default().into()));
            }
            Source::Body => text = value.as_str().map(str::to_owned),
        };
        let reference = self.reference.iter().map(|source| (source, "example-reference"));
        let request_id = self.request_id.iter().map(|source| (source, "example-request"));
        for (source, value) in request_id.chain(reference) {
            put(source, value.into());
        }
        for test in &self.require {
            match &test.check {
                Check::OneOf(values) => put(&test.source, values[0].clone()),
                Check::Prefix(text) | Check::Contains(text) => {
                    put(&test.source, text.as_str().into());
                }
                // A value that is there already for the reference is left as it is.
                Check::Exists(true) if !self.reference.iter().any(|at| *at == test.source) => {
                    put(&test.source, "example".into());
                }
                Check::Exists(_) => {}
            }
        }
        let status = self.status.0.first().map_or(200, |range| *range.start());
        let json = if tree.is_null() { String::new() } else { tree.to_string() };
        ExampleAnswer { status, headers, body: text.unwrap_or(json) }
    }
}

/// Sets the value at a JSON pointer; numbers in it are places of lists.
fn set(tree: &mut Value, pointer: &str, value: Value) {
    let mut at = tree;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        at = match step.parse::<usize>() {
            Ok(place) if place < 16 && !at.is_object() => {
                if !at.is_array() {
                    *at = Value::Array(Vec::new());
                }
                let Value::Array(list) = at else { return };
                while list.len() <= place {
                    list.push(Value::Null);
                }
                &mut list[place]
            }
            _ => {
                if !at.is_object() {
                    *at = Value::Object(serde_json::Map::new());
                }
                let Value::Object(table) = at else { return };
                table.entry(step).or_insert(Value::Null)
            }
        };
    }
    *at = value;
}

/// Where an unsuccessful answer has the vendor's words: JSON pointers, of which the first that is
/// there counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) code: Vec<String>,
    pub(crate) detail: Vec<String>,
    pub(crate) request_id: Vec<String>,
    pub(crate) retry_after: Vec<String>,
}

impl Failure {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Self {
        let failure = Self {
            code: read_pointers("code", &mut table, mistakes),
            detail: read_pointers("detail", &mut table, mistakes),
            request_id: read_pointers("request_id", &mut table, mistakes),
            retry_after: read_pointers("retry_after", &mut table, mistakes),
        };
        table.finish(mistakes);
        failure
    }
}

/// One row of the table of errors.
#[derive(Clone, Debug)]
pub(crate) struct ErrorRow {
    pub(crate) status: Option<Statuses>,
    pub(crate) test: Option<Test>,
    pub(crate) kind: ErrorKind,
    pub(crate) blame: Blame,
    /// `None`: rejected, but unknown for a 5xx.
    pub(crate) certainty: Option<Certainty>,
    pub(crate) retry_after: Option<RetryAfter>,
}

/// When the vendor allows the next try.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RetryAfter {
    Fixed(Duration),
    At(Source),
}

/// The kinds that an answer can mean.
const KINDS: [ErrorKind; 14] = [
    ErrorKind::InvalidRequest,
    ErrorKind::InvalidRecipient,
    ErrorKind::Unsupported,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::Unauthenticated,
    ErrorKind::Forbidden,
    ErrorKind::InsufficientFunds,
    ErrorKind::RateLimited,
    ErrorKind::FraudSuspected,
    ErrorKind::Unavailable,
    ErrorKind::Timeout,
    ErrorKind::Protocol,
    ErrorKind::Configuration,
];

pub(super) const BLAMES: [(&str, Blame); 4] = [
    ("caller", Blame::Caller),
    ("policy", Blame::Policy),
    ("provider", Blame::Provider),
    ("recipient", Blame::Recipient),
];

impl ErrorRow {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let status = Statuses::read(&mut table, mistakes);
        let test = Test::read_in(&mut table, mistakes);
        let kinds = KINDS.map(|kind| (kind.as_str(), kind));
        let kind = table.word("kind", &kinds, mistakes);
        let kind = table.needed("kind", kind, mistakes);
        let blame = table.word("blame", &BLAMES, mistakes);
        let blame = table.needed("blame", blame, mistakes);
        let certainties = [("rejected", Certainty::Rejected), ("unknown", Certainty::Unknown)];
        let certainty = table.word("certainty", &certainties, mistakes);
        let retry_after = Self::read_retry_after(&mut table, mistakes);
        let tested =
            test.is_some() || ["pointer", "header", "body"].iter().any(|key| table.has(key));
        if test.as_ref().is_some_and(|test| !test.check.is_positive()) {
            let message = "an absent field proves nothing; test a field that the vendor writes";
            table.mistake("exists", message, mistakes);
        }
        let rejected = certainty != Some(Certainty::Unknown);
        let of = |range| status.as_ref().is_none_or(|status| status.meets(&range));
        if !tested && rejected && of(200..=299) {
            let message =
                "a row that a 2xx fits needs a test of the answer: the status proves nothing";
            table.wrong(message, mistakes);
        } else if !tested && certainty == Some(Certainty::Rejected) && of(500..=599) {
            let message = "a 5xx alone does not prove that nothing was sent; test the answer, or \
                           leave `certainty` out";
            table.mistake("certainty", message, mistakes);
        }
        table.finish(mistakes);
        Some(Self { status, test, kind: kind?, blame: blame?, certainty, retry_after })
    }

    fn read_retry_after(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<RetryAfter> {
        match table.get("retry_after")? {
            Value::String(text) => {
                let time = parse_duration(text);
                if time.is_none() {
                    table.mistake("retry_after", "must be a time such as \"30s\"", mistakes);
                }
                time.map(RetryAfter::Fixed)
            }
            _ => Source::read("retry_after", table, mistakes).map(|(at, _)| RetryAfter::At(at)),
        }
    }

    pub(crate) fn fits(&self, view: &View<'_>) -> bool {
        self.status.as_ref().is_none_or(|status| status.contains(view.status()))
            && self.test.as_ref().is_none_or(|test| test.holds(view))
    }
}
