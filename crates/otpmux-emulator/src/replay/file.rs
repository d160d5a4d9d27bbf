//! A golden file with its variable parts identified.

use std::collections::BTreeMap;

use otpmux_golden::{Golden, Named, Response};
use serde_json::Value;

use super::meaning::{self, Kind, Meaning};
use super::shape::{self, LeafKind, Shape, name_at};
use crate::check::{is_digits, is_e164, is_email};

#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) meaning: Meaning,
    pub(super) shape: Shape,
    pub(super) response: Response,
    pub(super) channel: Option<String>,
    /// The code of its case.
    pub(super) code: Option<String>,
    /// The TTL of its code, in seconds.
    pub(super) ttl: Option<u64>,
    /// The parts of the request that differ from one request to the next, by position; a segment of
    /// the path is at `#number`.
    pub(super) parts: BTreeMap<String, Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Recipient,
    Code,
    /// An id that the vendor returned in an earlier answer.
    Id,
    Text,
    Subject,
    Channel,
    /// How many digits the vendor's code has.
    Length,
}

impl File {
    /// Reads a file. `given` returns whether a text is an id that some answer of the folder
    /// contains.
    pub(super) fn new(file: &Named, given: impl Fn(&str) -> bool) -> Self {
        let Named { name, golden, .. } = file;
        let (kind, meaning) = (meaning::kind(golden, name), meaning::meaning(golden, name));
        let shape = golden_shape(golden);
        let input = meaning::common_case(golden).map(|case| case.input.clone()).unwrap_or_default();
        let mut parts = BTreeMap::new();
        // Another number or address, such as the sender's, is no recipient where the file shows one.
        let to = |text: &str| input.to.as_deref().is_some_and(|to| same_recipient(to, text));
        let shows_recipient = shape.all_texts().any(to);
        for (place, leaf) in &shape.texts {
            if leaf.kind == LeafKind::Word {
                continue;
            }
            let text = leaf.text.as_str();
            let part = if to(text) || (!shows_recipient && is_recipient(place, text)) {
                Part::Recipient
            } else if input.code.as_deref() == Some(text) || is_code(place, text) {
                Part::Code
            } else if given(text) || refers_to(input.reference.as_deref(), text) {
                Part::Id
            } else if input.code_length.is_some_and(|length| length.to_string() == text) {
                Part::Length
            } else {
                match name_at(place).as_str() {
                    "message" | "text" | "body" | "content" => Part::Text,
                    "subject" => Part::Subject,
                    "channel" | "via" => Part::Channel,
                    _ if is_text_with(input.code.as_deref(), text) => Part::Text,
                    _ => continue,
                }
            };
            parts.insert(place.clone(), part);
        }
        for (number, segment) in shape.path.iter().enumerate() {
            if given(segment) || refers_to(input.reference.as_deref(), segment) {
                parts.insert(format!("#{number}"), Part::Id);
            } else if to(segment) || (!shows_recipient && (is_e164(segment) || is_email(segment))) {
                parts.insert(format!("#{number}"), Part::Recipient);
            } else if input.code.as_ref() == Some(segment) {
                parts.insert(format!("#{number}"), Part::Code);
            }
        }
        let (name, response) = (name.clone(), golden.response.clone());
        let (channel, code) = (input.channel, input.code);
        Self { name, kind, meaning, shape, response, channel, code, ttl: input.ttl, parts }
    }

    /// Returns whether the request has the same path, below any base path.
    pub(super) fn is_at(&self, asked: &Shape) -> bool {
        self.base_path_of(asked).is_some()
    }

    /// Returns the number of segments of the file's path that come before those of the request,
    /// since they belong to its base URL; `None` if the rest of the path is another one.
    pub(super) fn base_path_of(&self, asked: &Shape) -> Option<usize> {
        let skipped = self.shape.path.len().checked_sub(asked.path.len())?;
        let is_same = |(number, (golden, asked)): (usize, (&String, &String))| {
            golden == asked || self.parts.contains_key(&format!("#{}", skipped + number))
        };
        let rest = || self.shape.path[skipped..].iter().zip(&asked.path).enumerate();
        (self.shape.method == asked.method && rest().all(is_same)).then_some(skipped)
    }

    /// Returns how similar the request is to this file's; `None` if one of the file's variable
    /// parts is missing.
    pub(super) fn likeness(&self, asked: &Shape) -> Option<i32> {
        let needed = [Part::Recipient, Part::Code, Part::Id];
        let mut likeness = 0;
        for (place, leaf) in &self.shape.texts {
            let part = self.parts.get(place);
            match asked.texts.get(place) {
                None if part.is_some_and(|part| needed.contains(part)) => return None,
                None => likeness -= 2,
                Some(other) if other.kind != leaf.kind => likeness -= 2,
                Some(other) if part.is_none_or(|part| *part == Part::Channel) => {
                    likeness += if other.text == leaf.text { 4 } else { 2 };
                }
                Some(_) => likeness += 3,
            }
        }
        let strangers = asked.texts.keys().filter(|place| !self.shape.texts.contains_key(*place));
        Some(likeness - 2 * i32::try_from(strangers.count()).unwrap_or(i32::MAX / 2))
    }

    /// Returns the text of the request at the position where the file has such a part.
    pub(super) fn asked<'a>(&'a self, part: Part, asked: &'a Shape) -> Option<&'a str> {
        self.pairs(asked).find_map(|(found, _, text)| (found == part).then_some(text))
    }

    /// Returns the code of a request that has it inside of a longer text, where the file's request
    /// has the code of its case.
    pub(super) fn code_in(&self, asked: &Shape) -> Option<String> {
        let code = self.code.as_deref()?;
        // The digits of a number may hold those of the code by chance.
        let is_other = |place: &str| {
            matches!(self.parts.get(place), Some(Part::Recipient | Part::Id | Part::Channel))
        };
        let texts = self.shape.texts.iter().filter(|(place, _)| !is_other(place));
        texts.into_iter().find_map(|(place, leaf)| {
            let (before, after) = leaf.text.split_once(code)?;
            let asked = asked.texts.get(place)?;
            let found = asked.text.strip_prefix(before)?.strip_suffix(after)?;
            is_digits(found, 4..=10).then(|| found.to_owned())
        })
    }

    /// Returns each variable part with the file's text and the request's.
    pub(super) fn pairs<'a>(
        &'a self,
        asked: &'a Shape,
    ) -> impl Iterator<Item = (Part, &'a str, &'a str)> {
        let skipped = self.shape.path.len().saturating_sub(asked.path.len());
        self.parts.iter().filter_map(move |(place, part)| {
            if let Some(number) = place.strip_prefix('#') {
                let number = number.parse::<usize>().ok()?;
                let segment = asked.path.get(number.checked_sub(skipped)?)?;
                return Some((*part, self.shape.path.get(number)?.as_str(), segment.as_str()));
            }
            let (golden, asked) = (self.shape.texts.get(place)?, asked.texts.get(place)?);
            Some((*part, golden.text.as_str(), asked.text.as_str()))
        })
    }
}

pub(super) fn golden_shape(golden: &Golden) -> Shape {
    let request = &golden.request;
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let media = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let body = match &request.body {
        Value::String(text) => shape::body(media.map(|(_, media)| media.as_str()), text.as_bytes()),
        body => body.clone(),
    };
    Shape::new(&request.method, path, query, &body)
}

/// Returns whether two texts are one recipient: with and without `+`, spaces and dashes.
fn same_recipient(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    one == other
        || (!one.contains('@') && digits(one).len() >= 7 && {
            let is_number = |c: char| c.is_ascii_digit() || "+ -()".contains(c);
            // A vendor of one country takes the number without its calling code.
            let (one, bare) = (digits(one), digits(other));
            other.chars().all(is_number)
                && (one == bare || (bare.len() >= 8 && one.ends_with(&bare)))
        })
}

fn is_recipient(place: &str, text: &str) -> bool {
    let names = ["to", "phone", "phonenumber", "recipient", "mobile", "number", "msisdn", "email"];
    is_e164(text)
        || is_email(text)
        || (is_digits(text, 7..=15) && names.contains(&name_at(place).as_str()))
}

fn is_code(place: &str, text: &str) -> bool {
    let names = ["code", "otp", "otpcode", "passcode", "pin", "verificationcode"];
    is_digits(text, 4..=10) && names.contains(&name_at(place).as_str())
}

/// Returns whether a text is a message with this code.
fn is_text_with(code: Option<&str>, text: &str) -> bool {
    code.is_some_and(|code| text.contains(code)) && text.contains(' ') && !text.starts_with('<')
}

/// Returns whether a text is part of an adapter's reference.
fn refers_to(reference: Option<&str>, text: &str) -> bool {
    text.len() >= 6 && reference.is_some_and(|reference| reference.contains(text))
}
