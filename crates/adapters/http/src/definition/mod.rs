//! A vendor as data.

mod answer;
mod receipts;
mod request;
mod setting;
mod table;
mod tree;
mod walk;

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::settings::{ConfigError, read_list};
use otpmux_core::{Channel, CountryCode, RateLimit};
use serde_json::{Map, Value};

use crate::template::Template;
use crate::var::SettingOnly;
use table::{Mistakes, Table};

pub use answer::ExampleAnswer;
pub(crate) use answer::{Check, ErrorRow, Failure, RetryAfter, Source, Success};
pub(crate) use receipts::{
    Challenge, NetworkAt, Over, Pointer, ReceiptBody, ReceiptRules, ReceiptVar, RequestPlace,
    Scheme,
};
pub(crate) use request::{
    Auth, Body, KeyEncoding, LocaleForm, Method, NumberForm, PathTemplate, RequestPart, Sign,
};
pub(crate) use setting::{SettingDeclaration, SettingForm};
pub(crate) use tree::{Field, Tree};

/// How to send by one vendor: its request, and what its answers mean.
///
/// A definition is data: it is read from TOML ([`from_toml`](Self::from_toml)) or JSON
/// ([`from_json`](Self::from_json)) and checked as a whole. It holds no secret. The format is
/// described in the documentation, "Any vendor by configuration".
///
/// ```
/// use otpmux_generic_http::Definition;
///
/// let definition = Definition::from_json(&serde_json::json!({
///     "base_url": "https://api.acme.example/v1",
///     "auth": { "bearer": "{setting.api_key}" },
///     "limits": { "code_length": "4-10" },
///     "channels": { "sms": {} },
///     "send": { "path": "/messages", "json": { "to": "{to}", "body": "{text}" } },
///     "success": { "status": 201, "reference": { "pointer": "/id" } },
/// }))?;
/// assert_eq!(definition.settings().collect::<Vec<_>>(), ["api_key"]);
/// # Ok::<(), otpmux_generic_http::DefinitionErrors>(())
/// ```
#[derive(Clone)]
pub struct Definition {
    pub(crate) base_url: Option<Template<SettingOnly>>,
    pub(crate) countries: Vec<CountryCode>,
    /// `None`: every setting that is used must be given.
    pub(crate) declared: Option<Vec<SettingDeclaration>>,
    pub(crate) one_of: Vec<Vec<String>>,
    pub(crate) auth: Option<Auth>,
    pub(crate) sign: Option<Sign>,
    pub(crate) limits: Limits,
    pub(crate) channels: Vec<ChannelRules>,
    pub(crate) failure: Failure,
    pub(crate) errors: Vec<ErrorRow>,
    pub(crate) receipts: Option<ReceiptRules>,
}

impl fmt::Debug for Definition {
    /// A definition holds no secret, unless one was written into it by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels: Vec<_> = self.channels.iter().map(|rules| &rules.channel).collect();
        f.debug_struct("Definition").field("channels", &channels).finish_non_exhaustive()
    }
}

/// The limits that the vendor documents.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) code_length: RangeInclusive<u8>,
    pub(crate) requests: Vec<RateLimit>,
    pub(crate) sends_per_recipient: Vec<RateLimit>,
}

/// How to send by one channel.
#[derive(Clone, Debug)]
pub(crate) struct ChannelRules {
    pub(crate) channel: Channel,
    /// The settings without which the channel does not exist.
    pub(crate) needs: Vec<String>,
    pub(crate) request: RequestPart,
    pub(crate) success: Success,
    /// They come before those of the definition.
    pub(crate) errors: Vec<ErrorRow>,
    /// Where the definition has the channel.
    pub(crate) path: String,
}

impl Definition {
    /// Reads a definition from TOML.
    ///
    /// # Errors
    ///
    /// Every mistake, with its key as the path; a text that is not TOML has exactly one.
    pub fn from_toml(text: &str) -> Result<Self, DefinitionErrors> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let message = format!("not TOML: {}", error.message());
            DefinitionErrors(vec![ConfigError::new("", message)])
        })?;
        Self::from_json(&json(toml::Value::Table(table)))
    }

    /// Reads a definition from JSON, which has the same keys as TOML.
    ///
    /// # Errors
    ///
    /// Every mistake, with its key as the path.
    pub fn from_json(value: &Value) -> Result<Self, DefinitionErrors> {
        let mut mistakes = Mistakes::new();
        let definition = value.as_object().and_then(|map| Self::read(map, &mut mistakes));
        if !value.is_object() {
            mistakes.push(ConfigError::new("", "a definition must be a table"));
        }
        match definition {
            Some(definition) if mistakes.is_empty() => Ok(definition),
            _ => Err(DefinitionErrors(mistakes)),
        }
    }

    fn read(map: &Map<String, Value>, mistakes: &mut Mistakes) -> Option<Self> {
        let mut table = Table::new("", map);
        // Of presets; the documentation is made from them.
        for key in ["name", "doc"] {
            table.text(key, mistakes);
        }
        let base_url = table.template("base_url", mistakes);
        let countries = read_countries(&mut table, mistakes);
        let declared = table.table("settings", mistakes);
        let declared = declared.map(|inner| SettingDeclaration::read_all(&inner, mistakes));
        let one_of = read_one_of(&mut table, mistakes);
        let auth = table.table("auth", mistakes).and_then(|inner| Auth::read(inner, mistakes));
        let sign = table.table("sign", mistakes).and_then(|inner| Sign::read(inner, mistakes));
        let limits =
            table.table("limits", mistakes).and_then(|inner| Limits::read(inner, mistakes));
        let limits = table.needed("limits", limits, mistakes);
        let before = mistakes.len();
        let send = table.table("send", mistakes).map(|mut inner| {
            let part = RequestPart::read(&mut inner, mistakes);
            inner.finish(mistakes);
            part
        });
        // The content of a part with a mistake is not known.
        let whole = mistakes.len() == before;
        let success = table.table("success", mistakes);
        let common = table.has("success");
        let success = success.and_then(|inner| Success::read(inner, mistakes));
        let channels = table.table("channels", mistakes);
        let channels = table.needed("channels", channels, mistakes).map(|inner| {
            let send = (send.unwrap_or_default(), whole);
            read_channels(&inner, &send, (common, success.as_ref()), mistakes)
        });
        let failure = table.table("failure", mistakes);
        let failure = failure.map(|inner| Failure::read(inner, mistakes)).unwrap_or_default();
        let errors = read_errors(&mut table, mistakes);
        let receipts = table.table("receipts", mistakes);
        let receipts = receipts.and_then(|inner| ReceiptRules::read(inner, mistakes));
        table.finish(mistakes);
        let definition = Self {
            base_url,
            countries,
            declared,
            one_of,
            auth,
            sign,
            limits: limits?,
            channels: channels?,
            failure,
            errors,
            receipts,
        };
        definition.check_settings(mistakes);
        Some(definition)
    }
}

/// The mistakes in a definition; never empty. Their paths begin at the definition's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionErrors(pub(crate) Vec<ConfigError>);

impl DefinitionErrors {
    /// Returns the mistakes.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }

    /// Returns the mistakes.
    pub fn into_list(self) -> Vec<ConfigError> {
        self.0
    }
}

impl std::fmt::Display for DefinitionErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            let line = if place == 0 { "" } else { "\n" };
            write!(f, "{line}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DefinitionErrors {}

/// Returns a value of TOML in the form of JSON.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            let entry = |(key, value)| (key, json(value));
            Value::Object(table.into_iter().map(entry).collect())
        }
    }
}

fn read_countries(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<CountryCode> {
    let at = table.at("countries");
    let Some(list) = table.list("countries", mistakes) else { return Vec::new() };
    let parse =
        |text: &str| text.parse().map_err(|error: otpmux_core::CountryError| error.to_string());
    read_list(&at, list, parse).unwrap_or_else(|errors| {
        mistakes.extend(errors);
        Vec::new()
    })
}

fn read_one_of(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<Vec<String>> {
    let Some(mut inner) = table.table("require", mistakes) else { return Vec::new() };
    let list = inner.list("one_of", mistakes);
    let names = |names: &Value| -> Option<Vec<String>> {
        names.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let lists: Option<Vec<_>> = list.into_iter().flatten().map(names).collect();
    if lists.is_none() {
        inner.mistake("one_of", "must be a list of lists of settings", mistakes);
    }
    inner.finish(mistakes);
    lists.unwrap_or_default()
}

fn read_errors(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<ErrorRow> {
    let rows = table.tables("errors", mistakes);
    rows.into_iter().filter_map(|row| ErrorRow::read(row, mistakes)).collect()
}

impl Limits {
    fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let length = table.text("code_length", mistakes).and_then(|text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let range = first.parse().ok().zip(last.parse().ok()).map(|(first, last)| first..=last);
            let fits = |range: &RangeInclusive<u8>| {
                !range.is_empty() && *range.start() >= 4 && *range.end() <= 10
            };
            let range = range.filter(fits);
            if range.is_none() {
                let message = "must be lengths from 4 to 10, such as \"4-10\" or \"6\"";
                table.mistake("code_length", message, mistakes);
            }
            range
        });
        let code_length = table.needed("code_length", length, mistakes);
        let requests = read_limits("requests", &mut table, mistakes);
        let sends_per_recipient = read_limits("sends_per_recipient", &mut table, mistakes);
        table.finish(mistakes);
        Some(Self { code_length: code_length?, requests, sends_per_recipient })
    }
}

fn read_limits(
    key: &'static str,
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Vec<RateLimit> {
    let at = table.at(key);
    let Some(list) = table.list(key, mistakes) else { return Vec::new() };
    let parse = |text: &str| {
        let limit = text.split_once('/').and_then(|(count, per)| {
            let count = count.parse().ok().filter(|count| *count > 0)?;
            let per = otpmux_core::settings::parse_duration(per)?;
            (per >= Duration::from_secs(1)).then(|| RateLimit::new(count, per))
        });
        limit.ok_or_else(|| "must be a limit such as \"10/1s\"".to_owned())
    };
    read_list(&at, list, parse).unwrap_or_else(|errors| {
        mistakes.extend(errors);
        Vec::new()
    })
}

fn read_channels(
    table: &Table<'_>,
    (send, whole): &(RequestPart, bool),
    (common, success): (bool, Option<&Success>),
    mistakes: &mut Mistakes,
) -> Vec<ChannelRules> {
    let mut channels = Vec::new();
    for (word, value) in table.entries() {
        let path = table.at(word);
        let channel = word.parse::<Channel>();
        if let Err(error) = &channel {
            table.mistake(word, error.to_string(), mistakes);
        }
        let Some(map) = value.as_object() else {
            table.mistake(word, format!("must be a table; begin it with [{path}]"), mistakes);
            continue;
        };
        let before = mistakes.len();
        let mut inner = Table::new(path.clone(), map);
        let needs = inner.texts("needs", mistakes).unwrap_or_default();
        let needs = needs.into_iter().map(str::to_owned).collect();
        let part = RequestPart::read(&mut inner, mistakes);
        let whole = *whole && mistakes.len() == before;
        let own = inner.table("success", mistakes);
        let own_there = own.is_some();
        let own = own.and_then(|inner| Success::read(inner, mistakes));
        let errors = read_errors(&mut inner, mistakes);
        if !own_there && !common {
            let message = "nothing says what a success is: add [success]";
            inner.wrong(message, mistakes);
        }
        inner.finish(mistakes);
        let request = send.under(&part);
        if whole {
            check_request(&request, &path, mistakes);
        }
        let success = own.or_else(|| success.cloned());
        if let (Ok(channel), Some(success)) = (channel, success) {
            channels.push(ChannelRules { channel, needs, request, success, errors, path });
        }
    }
    if channels.is_empty() && table.is_empty() {
        table.wrong("needs at least one channel, such as [channels.sms]", mistakes);
    }
    channels
}

/// Checks what a request needs as a whole.
fn check_request(request: &RequestPart, path: &str, mistakes: &mut Mistakes) {
    let mut wrong = |message: &str| mistakes.push(ConfigError::new(path, message));
    if request.body.is_some() && request.method == Some(Method::Get) {
        wrong("a GET has no body: use `query`, or another `method`");
    }
    let (mut code, mut to) = (false, false);
    request.each_slot(&mut |slot| {
        code |= slot.holds_code();
        to |= matches!(
            slot,
            crate::var::Slot::To
                | crate::var::Slot::ToE164
                | crate::var::Slot::ToDigits
                | crate::var::Slot::ToNational
        );
    });
    if !code {
        wrong("its request never holds the code: use {text}, {code}, {html} or {speech}");
    }
    if !to {
        wrong("its request never names the recipient: use {to}");
    }
}
