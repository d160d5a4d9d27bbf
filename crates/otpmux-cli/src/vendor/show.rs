//! The output of `otpmux vendor test`: request and reading, with secrets and numbers masked.

use std::io;

use otpmux::provider::{SendRequest, Sent, VendorReference};
use otpmux::{Channel, Error};
use serde_json::{Value, json};

use super::recorder::{Answer, Request};
use crate::output::Output;

/// A send that is shown.
pub(super) struct Shown<'a> {
    pub(super) channel: &'a Channel,
    /// `None` if no request was made.
    pub(super) exchange: Option<&'a (Request, Answer)>,
    pub(super) result: &'a Result<Sent, Error>,
    /// Whether the answer is one that a golden file shows.
    pub(super) from_files: bool,
}

/// Values that must not be shown in full.
pub(super) struct Masks(Vec<(String, String)>);

impl Masks {
    /// Hides values of settings, each with its name, the recipient and the code.
    pub(super) fn new(secrets: &[(String, String)], request: &SendRequest, code: &str) -> Self {
        let secrets = secrets.iter();
        let secrets =
            secrets.map(|(name, value)| (value.clone(), format!("\u{2039}{name}\u{203a}")));
        let to = request.recipient.expose();
        let masked = request.recipient.masked();
        let at = to.replace('@', "%40");
        let mut numbers = vec![to.to_owned(), at];
        if let Some(number) = request.recipient.phone() {
            // With and without a part of its calling code; the longest first.
            let digits = number.expose_digits();
            let last = digits.len().saturating_sub(6);
            numbers.extend((0..last).map(|start| digits[start..].to_owned()));
        }
        let numbers = numbers.into_iter().map(|number| (number, masked.clone()));
        let code = [(code.to_owned(), "\u{2022}".repeat(code.len()))];
        let mut all: Vec<_> = secrets.chain(numbers).chain(code).collect();
        all.retain(|(value, _)| !value.is_empty());
        Self(all)
    }

    fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (value, mask)| text.replace(value, mask))
    }
}

/// Headers of every request, which say nothing about the definition.
const COMMON: [&str; 4] = ["host", "accept", "content-length", "user-agent"];

/// Writes the request, the answer and the reading.
pub(super) fn show(shown: &Shown<'_>, masks: &Masks, output: &mut Output) -> io::Result<()> {
    let Shown { channel, exchange, result, from_files } = shown;
    let request = exchange.map(|(request, _)| json_of(request, masks));
    let reading = match result {
        Ok(sent) => json!({
            "sent": true,
            "reference": sent.reference.as_ref().map(VendorReference::as_str),
            "request_id": sent.request_id,
        }),
        Err(error) => json!({
            "sent": false,
            "kind": error.kind().as_str(),
            "certainty": error.certainty().as_str(),
            "blame": error.blame().as_str(),
            "vendor_code": error.vendor_code(),
            "retry_after": error.retry_after().map(|time| time.as_secs()),
            "message": error.to_string(),
        }),
    };
    if output.is_json() {
        return output.json(&json!({
            "channel": channel.as_str(), "request": request, "golden": from_files,
            "status": exchange.map(|(_, answer)| answer.status),
            "answer": exchange.map(|(_, answer)| json_in(&masks.hide(&answer.body))),
            "reading": reading,
        }));
    }
    output.title(&format!("{channel}"))?;
    match request.as_ref().zip(*exchange) {
        None => output.line("  no request was made")?,
        Some((request, (_, answer))) => {
            output.line(format_args!("  {}", request["request"].as_str().unwrap_or_default()))?;
            for (name, value) in request["headers"].as_object().into_iter().flatten() {
                output.line(format_args!("  {name}: {}", value.as_str().unwrap_or_default()))?;
            }
            match &request["body"] {
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => output.line(format_args!("\n  {text}"))?,
                body => output.line(format_args!("\n  {body}"))?,
            }
            let origin = if *from_files { "golden file" } else { "made up" };
            let body = masks.hide(&answer.body);
            output.line(format_args!("\n  answer ({origin}): {} {body}", answer.status))?;
        }
    }
    match result {
        Ok(sent) => {
            let reference = sent.reference.as_ref().map_or("none", |reference| reference.as_str());
            output.line(format_args!("  reading: sent, reference {reference}\n"))
        }
        Err(error) => output.line(format_args!(
            "  reading: {} / {} / {}: {error}\n",
            error.kind().as_str(),
            error.certainty().as_str(),
            error.blame().as_str()
        )),
    }
}

fn json_of(request: &Request, masks: &Masks) -> Value {
    let headers = request.headers.iter().filter(|(name, _)| !COMMON.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| {
        let shown = if name == "authorization" {
            let scheme = value.split(' ').next().unwrap_or_default();
            format!("{scheme} \u{2022}\u{2022}\u{2022}")
        } else {
            masks.hide(value)
        };
        (name.clone(), Value::from(shown))
    });
    let headers: serde_json::Map<_, _> = headers.collect();
    let body = json_in(&masks.hide(&request.body));
    json!({ "request": masks.hide(&request.line), "headers": headers, "body": body })
}

/// Returns the JSON that a text is, or the text.
fn json_in(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
