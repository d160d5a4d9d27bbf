//! The request of one channel.

use std::borrow::Cow;

use otpmux_core::{Channel, Secret};
use otpmux_http::Call;

use super::form::{Pair, bind_form, bind_lines};
use super::given::Given;
use super::line::{Absent, Line};
use super::node::{Node, Unbound};
use super::sign::SignPlan;
use super::values::Values;
use crate::definition::{
    Body, ChannelRules, ErrorRow, LocaleForm, Method, NumberForm, PathTemplate, Success,
};
use crate::var::Slot;

/// How to send by one channel.
pub(crate) struct ChannelPlan {
    pub(crate) channel: Channel,
    method: Method,
    /// The path as logs show it: with its placeholders.
    endpoint: String,
    path: Line,
    headers: Vec<Pair<Line>>,
    query: Vec<Pair<Line>>,
    body: BodyPlan,
    pub(crate) number: NumberForm,
    pub(crate) locale: LocaleForm,
    /// It cannot send without the engine's message.
    pub(crate) needs_message: bool,
    pub(crate) success: Success,
    pub(crate) errors: Vec<ErrorRow>,
}

enum BodyPlan {
    None,
    Json(Node),
    Form(Vec<Pair>),
}

/// Why a request cannot be made. Nothing was sent.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The send does not bring this value.
    Absent(String),
    /// A value does not fit into a header.
    Header,
}

impl From<Absent<'_>> for Refused {
    fn from(absent: Absent<'_>) -> Self {
        Self::Absent(absent.0.name().to_owned())
    }
}

impl ChannelPlan {
    pub(super) fn bind(
        rules: &ChannelRules,
        common: &[ErrorRow],
        given: &Given,
        credential: Option<&Pair<Line>>,
    ) -> Result<Self, Unbound> {
        let request = &rules.request;
        let bind_path = |path: &PathTemplate| {
            Line::bind_with(&path.template, given, |value| segment(value).into())
                .map_err(|absent| Unbound { setting: absent.0, path: Some(path.at.clone()) })
        };
        let path = request.path.as_ref();
        let mut query = bind_lines(&request.query, given)?;
        query.extend(credential.cloned());
        let body = match &request.body {
            None => BodyPlan::None,
            Some(Body::Json(tree)) => BodyPlan::Json(Node::bind(tree, given)?),
            Some(Body::Form(fields)) => BodyPlan::Form(bind_form(fields, given)?),
        };
        let mut needs_message = false;
        request.each_template(&mut |template, _, optional| {
            needs_message |= !optional && template.needs_message();
        });
        Ok(Self {
            channel: rules.channel.clone(),
            method: request.method.unwrap_or(Method::Post),
            endpoint: path.map_or("/", |path| path.shown.as_str()).to_owned(),
            path: path.map(bind_path).transpose()?.unwrap_or_else(Line::empty),
            headers: bind_lines(&request.headers, given)?,
            query,
            body,
            number: request.number.unwrap_or_default(),
            locale: request.locale.unwrap_or_default(),
            needs_message,
            success: rules.success.clone(),
            errors: rules.errors.iter().chain(common).cloned().collect(),
        })
    }

    /// Returns whether a slot is used.
    pub(super) fn uses(&self, wanted: &dyn Fn(&Slot) -> bool) -> bool {
        let mut found = false;
        let mut take = |slot: &Slot| found |= wanted(slot);
        self.path.slots().for_each(&mut take);
        for pair in self.headers.iter().chain(&self.query) {
            pair.value.slots().for_each(&mut take);
        }
        match &self.body {
            BodyPlan::None => {}
            BodyPlan::Json(node) => node.each_slot(&mut take),
            BodyPlan::Form(pairs) => pairs.iter().for_each(|pair| pair.value.each_slot(&mut take)),
        }
        found
    }

    /// Returns the request of a send.
    pub(crate) fn call(
        &self,
        values: &Values<'_>,
        credential: Option<&(String, Secret)>,
        sign: Option<&SignPlan>,
    ) -> Result<Call, Refused> {
        let endpoint = self.endpoint.clone();
        let call = match &self.body {
            BodyPlan::None => match self.method {
                Method::Get => Call::get(endpoint),
                // A body of zero bytes would lose its content type, and some servers refuse that.
                Method::Post => Call::request(http::Method::POST, endpoint),
            },
            BodyPlan::Json(node) => {
                // The copy inside the call is not wiped, as every adapter's is not.
                let mut json = Vec::with_capacity(256);
                node.write(&mut json, values)?;
                Call::post_bytes(endpoint, "application/json", json).map_err(|_| Refused::Header)?
            }
            BodyPlan::Form(pairs) => {
                let fields = present(pairs, |value| value.text(values))?;
                Call::post_form(endpoint, fields.iter().map(|(name, text)| (*name, &**text)))
            }
        };
        let mut call = call.with_path(self.path(values)?);
        for (name, text) in present(&self.query, |line| line.text(values))? {
            call = call.with_query(name.to_owned(), text);
        }
        for (name, text) in present(&self.headers, |line| line.text(values))? {
            call = call.with_header(name, &text).map_err(|_| Refused::Header)?;
        }
        if let Some((name, value)) = credential {
            call = call.with_header(name, value.expose()).map_err(|_| Refused::Header)?;
        }
        if let Some(sign) = sign {
            let value = sign.sign(call.body(), values);
            call = call.with_header(&sign.header, &value).map_err(|_| Refused::Header)?;
        }
        Ok(values.private().fold(call, Call::hiding))
    }

    /// Returns the path: each value is a part of one segment, whatever is in it.
    fn path(&self, values: &Values<'_>) -> Result<String, Refused> {
        let mut path = String::with_capacity(self.endpoint.len() + 16);
        self.path.each(values, |text, value| {
            if value { path.push_str(&segment(text)) } else { path.push_str(text) }
        })?;
        Ok(path)
    }
}

/// Returns the names and texts of the fields that are there.
fn present<'p, T>(
    pairs: &'p [Pair<T>],
    text: impl Fn(&'p T) -> Result<Cow<'p, str>, Absent<'p>>,
) -> Result<Vec<(&'p str, Cow<'p, str>)>, Refused> {
    let mut fields = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match text(&pair.value) {
            Ok(text) => fields.push((pair.name.as_str(), text)),
            Err(_) if pair.optional => {}
            Err(absent) => return Err(absent.into()),
        }
    }
    Ok(fields)
}

/// Returns a value as a part of a segment of a path, percent-encoded.
fn segment(value: &str) -> String {
    use std::fmt::Write as _;
    let mut segment = String::with_capacity(value.len() + 8);
    // In a URL, `.` and `..` refer to other paths, even if encoded. Encoded twice, they are a value
    // that the vendor does not know.
    let dots = value.bytes().all(|b| b == b'.');
    for byte in value.bytes() {
        match byte {
            b'.' if dots => segment.push_str("%252E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => {
                segment.push(char::from(byte));
            }
            // A write to a string does not fail.
            other => drop(write!(segment, "%{other:02X}")),
        }
    }
    segment
}

impl std::fmt::Debug for ChannelPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChannelPlan({} {})", self.channel, self.endpoint)
    }
}
