//! The request of a definition: where it goes, what it holds, how it is authenticated.

use otpmux_core::settings::ConfigError;
use otpmux_http::signature::{Digest, Encoding};

use super::table::{Mistakes, Table};
use super::tree::{Field, Tree, fields, line};
use crate::template::{Piece, Template};
use crate::var::{SignatureValue, Signed, Var};

/// The parts of a request that `[send]` or the table of a channel sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestPart {
    pub(crate) method: Option<Method>,
    pub(crate) path: Option<PathTemplate>,
    pub(crate) headers: Vec<Field<Template<Var>>>,
    pub(crate) query: Vec<Field<Template<Var>>>,
    pub(crate) body: Option<Body>,
    pub(crate) number: Option<NumberForm>,
    pub(crate) locale: Option<LocaleForm>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// A path, with its text for logs.
#[derive(Clone, Debug)]
pub(crate) struct PathTemplate {
    pub(crate) shown: String,
    pub(crate) template: Template<Var>,
    pub(crate) at: String,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Json(Tree),
    Form(Vec<Field>),
}

/// The form of `{to}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NumberForm {
    #[default]
    E164,
    Digits,
    National,
}

/// The form of `{locale}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LocaleForm {
    #[default]
    Bcp47,
    Underscore,
    Language,
}

impl RequestPart {
    /// Reads the keys of a request from a table that may have others.
    pub(super) fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Self {
        let methods = [("GET", Method::Get), ("POST", Method::Post)];
        let numbers = [
            ("e164", NumberForm::E164),
            ("digits", NumberForm::Digits),
            ("national", NumberForm::National),
        ];
        let locales = [
            ("bcp47", LocaleForm::Bcp47),
            ("underscore", LocaleForm::Underscore),
            ("language", LocaleForm::Language),
        ];
        Self {
            method: table.word("method", &methods, mistakes),
            path: read_path(table, mistakes),
            headers: read_headers(table, mistakes),
            query: read_lines("query", table, mistakes),
            body: read_body(table, mistakes),
            number: table.word("number", &numbers, mistakes),
            locale: table.word("locale", &locales, mistakes),
        }
    }

    /// Returns this part with another over it: tables are merged by their fields, all else is
    /// replaced.
    pub(crate) fn under(&self, over: &Self) -> Self {
        let body = match (&self.body, &over.body) {
            (Some(Body::Json(Tree::Table(base))), Some(Body::Json(Tree::Table(over)))) => {
                Some(Body::Json(Tree::Table(merged(base, over))))
            }
            (Some(Body::Form(base)), Some(Body::Form(over))) => {
                Some(Body::Form(merged(base, over)))
            }
            (base, over) => over.clone().or_else(|| base.clone()),
        };
        Self {
            method: over.method.or(self.method),
            path: over.path.clone().or_else(|| self.path.clone()),
            headers: merged(&self.headers, &over.headers),
            query: merged(&self.query, &over.query),
            body,
            number: over.number.or(self.number),
            locale: over.locale.or(self.locale),
        }
    }
}

fn merged<T: Clone>(base: &[Field<T>], over: &[Field<T>]) -> Vec<Field<T>> {
    let replaced = |field: &&Field<T>| !over.iter().any(|other| other.name == field.name);
    base.iter().filter(replaced).chain(over).cloned().collect()
}

fn read_path(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<PathTemplate> {
    let text = table.text("path", mistakes)?;
    let literal = |c: char| c.is_ascii_graphic() && !"?#\\".contains(c);
    if !text.starts_with('/') || !text.chars().all(literal) {
        let message = "must begin with / and hold no spaces, ? or #; parameters belong in `query`";
        table.mistake("path", message, mistakes);
        return None;
    }
    let template = Template::parse(text);
    let template = template.map_err(|error| table.mistake("path", error, mistakes)).ok()?;
    Some(PathTemplate { shown: text.to_owned(), template, at: table.at("path") })
}

fn read_lines(
    key: &'static str,
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Vec<Field<Template<Var>>> {
    let at = table.at(key);
    let map = table.map(key, mistakes);
    map.and_then(|map| fields(&at, map, line, mistakes)).unwrap_or_default()
}

fn read_headers(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<Field<Template<Var>>> {
    let mut headers = read_lines("headers", table, mistakes);
    for header in &mut headers {
        header.name = header.name.to_ascii_lowercase();
        if let Err(message) = check_header(&header.name) {
            mistakes.push(ConfigError::new(header.path.clone(), message));
        }
    }
    headers
}

/// Checks the name of a header.
pub(super) fn check_header(name: &str) -> Result<(), String> {
    // Those that the transport sets itself, and those that would change where the body ends.
    const TAKEN: [&str; 6] =
        ["host", "content-length", "content-type", "transfer-encoding", "connection", "te"];
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("is not the name of a header".to_owned());
    }
    if TAKEN.contains(&name) {
        return Err("this header follows from the request; leave it out".to_owned());
    }
    Ok(())
}

fn read_body(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Body> {
    let (json, form) = (table.get("json"), table.map("form", mistakes));
    let at = table.at("form");
    match (json, form) {
        (Some(_), Some(_)) => {
            table.mistake("form", "a request has `json` or `form`, not both", mistakes);
            None
        }
        (Some(value), None) => Tree::read(&table.at("json"), value, mistakes).map(Body::Json),
        (None, Some(map)) => {
            let fields = Tree::fields(&at, map, mistakes)?;
            for field in &fields {
                if matches!(field.value, Tree::List(_) | Tree::Table(_)) {
                    let message =
                        "a field of a form is a text; write { \"$json\" = .. } for JSON text";
                    mistakes.push(ConfigError::new(field.path.clone(), message));
                }
            }
            Some(Body::Form(fields))
        }
        (None, None) => None,
    }
}

/// How a request is authenticated.
#[derive(Clone, Debug)]
pub(crate) enum Auth {
    None,
    Bearer(Template<Var>),
    Basic { user: Template<Var>, password: Template<Var> },
    Header { name: String, value: Template<Var> },
    Query { name: String, value: Template<Var> },
}

impl Auth {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        const KEYS: [&str; 5] = ["bearer", "basic", "header", "query", "none"];
        let bearer = only_settings("bearer", &mut table, mistakes).map(Self::Bearer);
        let basic = table.table("basic", mistakes).and_then(|mut basic| {
            let user = only_settings("user", &mut basic, mistakes);
            let password = only_settings("password", &mut basic, mistakes);
            let user = basic.needed("user", user, mistakes);
            let password = basic.needed("password", password, mistakes);
            basic.finish(mistakes);
            Some(Self::Basic { user: user?, password: password? })
        });
        let header = named("header", &mut table, mistakes).and_then(|(name, value)| {
            let name = name.to_ascii_lowercase();
            match check_header(&name) {
                Ok(()) => Some(Self::Header { name, value }),
                Err(message) => {
                    table.mistake("header.name", message, mistakes);
                    None
                }
            }
        });
        let query = named("query", &mut table, mistakes);
        let query = query.map(|(name, value)| Self::Query { name, value });
        let none = table.flag("none", mistakes);
        if none == Some(false) {
            table.mistake("none", "is `true` or absent", mistakes);
        }
        let there = KEYS.iter().filter(|key| table.has(key)).count();
        if there != 1 {
            let message = format!("needs exactly one of: {}", KEYS.join(", "));
            table.wrong(message, mistakes);
        }
        table.finish(mistakes);
        let none = none.filter(|none| *none).map(|_| Self::None);
        bearer.or(basic).or(header).or(query).or(none)
    }
}

fn named(
    key: &'static str,
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Option<(String, Template<Var>)> {
    let mut inner = table.table(key, mistakes)?;
    let name = inner.text("name", mistakes);
    let value = only_settings("value", &mut inner, mistakes);
    let name = inner.needed("name", name, mistakes);
    let value = inner.needed("value", value, mistakes);
    inner.finish(mistakes);
    Some((name?.to_owned(), value?))
}

/// Reads a text in which the only placeholders are settings: credentials do not change from send to
/// send.
fn only_settings(
    key: &'static str,
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Option<Template<Var>> {
    let template: Template<Var> = table.template(key, mistakes)?;
    let slot = |piece: &Piece<Var>| matches!(piece, Piece::Value(Var::Slot(_), _));
    if template.pieces.iter().any(slot) {
        let message = "holds credentials, so its placeholders are {setting.NAME}";
        table.mistake(key, message, mistakes);
        return None;
    }
    Some(template)
}

/// The signature of a request.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) digest: Digest,
    pub(crate) key: String,
    pub(crate) key_encoding: KeyEncoding,
    pub(crate) content: Template<Signed>,
    pub(crate) encoding: Encoding,
    pub(crate) header: String,
    pub(crate) value: Template<SignatureValue>,
    /// Where the definition has it.
    pub(crate) path: String,
}

/// How a key is written in its setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyEncoding {
    Text,
    Base64,
    Hex,
    /// Base64 after `whsec_` (Standard Webhooks).
    Whsec,
}

pub(super) const DIGESTS: [(&str, Digest); 3] =
    [("sha1", Digest::Sha1), ("sha256", Digest::Sha256), ("sha512", Digest::Sha512)];
pub(super) const KEY_ENCODINGS: [(&str, KeyEncoding); 4] = [
    ("text", KeyEncoding::Text),
    ("base64", KeyEncoding::Base64),
    ("hex", KeyEncoding::Hex),
    ("whsec", KeyEncoding::Whsec),
];
pub(super) const ENCODINGS: [(&str, Encoding); 3] =
    [("hex", Encoding::Hex), ("base64", Encoding::Base64), ("base64url", Encoding::Base64Url)];

impl Sign {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let digest = table.word("algorithm", &DIGESTS, mistakes);
        let key: Option<Template<crate::var::SettingOnly>> = table.template("key", mistakes);
        let key = table.needed("key", key, mistakes);
        let key = key.and_then(|key| {
            if let [Piece::Value(name, None)] = &key.pieces[..] {
                return Some(name.0.clone());
            }
            table.mistake("key", "must be one setting, such as {setting.secret}", mistakes);
            None
        });
        let key_encoding = table.word("key_encoding", &KEY_ENCODINGS, mistakes);
        let content = table.template("content", mistakes);
        let encoding = table.word("encoding", &ENCODINGS, mistakes);
        let header = table.text("header", mistakes).map(str::to_ascii_lowercase);
        let header = table.needed("header", header, mistakes);
        if let Some(Err(message)) = header.as_deref().map(check_header) {
            table.mistake("header", message, mistakes);
        }
        let value = table.template("value", mistakes);
        let path = table.at("");
        table.finish(mistakes);
        Some(Self {
            digest: digest.unwrap_or(Digest::Sha256),
            key: key?,
            key_encoding: key_encoding.unwrap_or(KeyEncoding::Text),
            content: content.unwrap_or(Template { pieces: vec![Piece::Value(Signed::Body, None)] }),
            encoding: encoding.unwrap_or(Encoding::Hex),
            header: header?,
            value: value.unwrap_or(Template {
                pieces: vec![Piece::Value(SignatureValue::Signature, None)],
            }),
            path: path.trim_end_matches('.').to_owned(),
        })
    }
}
