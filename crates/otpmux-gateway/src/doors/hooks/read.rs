//! Reading a request: which recipient gets which code.

use std::net::IpAddr;

use bytes::Bytes;
use otpmux::config::{HookFields, HookKind};
use otpmux::errors::CodeInTextError;
use otpmux::http::signature::Encoding;
use otpmux::{Channel, Code, NewDelivery, OtpClient, Recipient};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use super::settings::Hook;
use super::supabase;
use crate::doors::recipient::{self, WithoutPlus};

/// What a caller wants to have delivered.
pub(super) struct Wanted {
    /// One message; two for a change of an address that both addresses confirm.
    pub(super) messages: Vec<Message>,
    pub(super) locale: Option<String>,
    pub(super) ip: Option<IpAddr>,
    pub(super) channel: Option<Channel>,
    /// A name of the request for idempotency: a hash, the same in each repeat.
    pub(super) name: String,
}

pub(super) struct Message {
    pub(super) to: Recipient,
    pub(super) code: Code,
    /// The caller's text, with the code in it, if it is to be sent.
    pub(super) text: Option<String>,
}

/// Reads the body of a request that was checked.
pub(super) fn read(
    hook: &Hook,
    is_form: bool,
    bytes: &Bytes,
    client: &OtpClient,
) -> Result<Wanted, Refusal> {
    let body = if is_form { form(bytes) } else { json(bytes)? };
    let fields = &hook.door.fields;
    let changed = match hook.door.kind {
        HookKind::SupabaseEmail => supabase::email_change(&body),
        _ => None,
    };
    let messages = match changed {
        Some(pairs) => {
            let message = |(to, code): (&str, &str)| {
                Ok(Message { to: recipient(to, hook, client)?, code: given(code)?, text: None })
            };
            pairs.into_iter().map(message).collect::<Result<Vec<_>, Refusal>>()?
        }
        None => vec![message(&body, hook, client)?],
    };
    if messages.is_empty() {
        return Err(no_code());
    }
    Ok(Wanted {
        messages,
        // A tag that cannot be one is not worth a message that is not sent.
        locale: text(&body, &fields.locale)
            .filter(|locale| (2..=35).contains(&locale.len()) && locale.is_ascii())
            .map(str::to_owned),
        ip: text(&body, &fields.ip).and_then(|text| text.parse().ok()),
        channel: text(&body, &fields.channel).and_then(channel),
        name: name(&body, fields, bytes),
    })
}

fn message(body: &Value, hook: &Hook, client: &OtpClient) -> Result<Message, Refusal> {
    let fields = &hook.door.fields;
    let to = text(body, &fields.recipient)
        .ok_or_else(|| missing("the recipient", &fields.recipient))
        .and_then(|to| recipient(to, hook, client))?;
    let finished = text(body, &fields.text);
    let code = match (text(body, &fields.code), finished) {
        (Some(code), _) => given(code)?,
        (None, Some(finished)) => {
            let found = NewDelivery::code_in_text(finished, hook.door.code_length);
            found.map_err(|error| Refusal::invalid(no_single_code(error)))?
        }
        (None, None) => return Err(no_code()),
    };
    let text = match finished.filter(|_| hook.door.free_text) {
        // They are places of values in a text.
        Some(finished) if finished.contains(['{', '}']) => {
            return Err(Refusal::invalid(
                "the text holds `{` or `}`, which a text cannot hold here",
            ));
        }
        finished => finished.map(str::to_owned),
    };
    Ok(Message { to, code, text })
}

fn json(bytes: &[u8]) -> Result<Value, Refusal> {
    let body = serde_json::from_slice::<Value>(bytes).map_err(|error| {
        // Only the position is reported: the text there may be a code or a number.
        let (line, column) = (error.line(), error.column());
        Refusal::unreadable(format!("the body is not JSON from line {line}, column {column} on"))
    })?;
    if body.is_object() { Ok(body) } else { Err(Refusal::unreadable("the body is no object")) }
}

/// A form as an object of texts.
fn form(bytes: &[u8]) -> Value {
    let pairs = url::form_urlencoded::parse(bytes).into_owned();
    Value::Object(pairs.map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>())
}

/// Returns the first text that is not empty.
fn text<'a>(body: &'a Value, pointers: &[String]) -> Option<&'a str> {
    let texts = pointers.iter().filter_map(|pointer| body.pointer(pointer)?.as_str());
    texts.map(str::trim).find(|text| !text.is_empty())
}

fn recipient(text: &str, hook: &Hook, client: &OtpClient) -> Result<Recipient, Refusal> {
    let optional = hook.door.plus_is_optional;
    let without_plus =
        if optional { WithoutPlus::InternationalUnlessZero } else { WithoutPlus::National };
    let read = recipient::read(text, without_plus, client);
    read.map_err(|_| Refusal::invalid_recipient())
}

fn given(code: &str) -> Result<Code, Refusal> {
    Code::given(code)
        .map_err(|_| Refusal::invalid("the code must be 4 to 10 digits or letters of ASCII"))
}

fn channel(word: &str) -> Option<Channel> {
    let known = [Channel::Sms, Channel::Voice, Channel::WhatsApp, Channel::Email];
    known.into_iter().find(|channel| channel.as_str() == word)
}

/// A request is named by its caller, or by its content.
fn name(body: &Value, fields: &HookFields, bytes: &[u8]) -> String {
    let digest = match text(body, &fields.request) {
        Some(name) => Sha256::new().chain_update(b"name:").chain_update(name).finalize(),
        None => Sha256::new().chain_update(b"body:").chain_update(bytes).finalize(),
    };
    Encoding::Hex.encode(&digest)
}

fn missing(what: &str, pointers: &[String]) -> Refusal {
    let places = pointers.join(", ");
    Refusal::invalid(format!("{what} is missing: there is no text at {places}"))
}

fn no_single_code(error: CodeInTextError) -> &'static str {
    match error {
        CodeInTextError::Several => {
            "the text holds several numbers that can be the code; set `code_length`"
        }
        _ => "the text holds no number that can be the code",
    }
}

fn no_code() -> Refusal {
    Refusal::invalid("the request holds no code; messages without a code are not sent")
}
