//! `otpmux vendor test`

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use otpmux::http::HttpSettings;
use otpmux::provider::{
    CodeSource, Context, IdempotencyKey, Message, SendRequest, Sent, Text, VendorReference,
};
use otpmux::vendors::generic_http::{Definition, DefinitionErrors, HttpProvider};
use otpmux::{Certainty, Channel, Code, Error, OtpProvider as _, Recipient};
use serde_json::{Value, json};

use super::recorder::{Answer, Recorder, Request};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "\
Secrets are made up. Without --status the server gives an answer that the definition reads as a success.

  otpmux vendor test acme.toml
  otpmux vendor test acme.toml --channel whatsapp --set account=a-1 --template otp
  otpmux vendor test acme.toml --status 400 --body '{\"error\":{\"code\":\"invalid_number\"}}'")]
pub(crate) struct Args {
    /// The file with the definition
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Send by this channel; without it, by each channel
    #[arg(long)]
    channel: Option<Channel>,
    /// Set a setting that is no secret
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Set the sender
    #[arg(long)]
    sender: Option<String>,
    /// Set the vendor's id of a template
    #[arg(long)]
    template: Option<String>,
    /// Send to this number or address instead of an example
    #[arg(long)]
    to: Option<Recipient>,
    /// Let the server answer with this HTTP status
    #[arg(long)]
    status: Option<u16>,
    /// Let the server answer with this body
    #[arg(long, requires = "status")]
    body: Option<String>,
}

const CODE: &str = "004217";
/// Long enough for a machine under load; the server answers at once.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => {
            let what = format!("{} cannot be read: {error}", args.file.display());
            return Failure::usage(what).report(output);
        }
    };
    let definition = match Definition::from_toml(&text) {
        Ok(definition) => definition,
        Err(errors) => return wrong(args, &errors, output),
    };
    let channels: Vec<Channel> = match &args.channel {
        Some(channel) => vec![channel.clone()],
        None => definition.channels().cloned().collect(),
    };
    let mut exit = Exit::Done;
    for channel in channels {
        let Some(answer) = answer(args, &definition, &channel) else {
            let words: Vec<_> = definition.channels().map(Channel::as_str).collect();
            let what =
                format!("the definition has no channel {channel}; it has: {}", words.join(", "));
            return Failure::usage(what).report(output);
        };
        let recorder = Recorder::start().await?;
        let provider = match provider(args, &definition, &recorder.url()?) {
            Ok(provider) => provider,
            Err(errors) => return wrong(args, &errors, output),
        };
        let request = match request(args, &channel) {
            Ok(request) => request,
            Err(what) => return Failure::usage(what).report(output),
        };
        let cx = Context::new(IdempotencyKey::from_random([7; 16]));
        let cx = cx.with_deadline(tokio::time::Instant::now().into_std() + PATIENCE);
        let (record, send) = (recorder.record(&answer), provider.send(&cx, &request));
        tokio::pin!(record, send);
        let (recorded, result) = tokio::select! {
            recorded = &mut record => (Some(recorded?), send.await),
            result = &mut send => match result {
                // Refused before it left, so no server was reached.
                Err(error) if error.certainty() == Certainty::NotSent => (None, Err(error)),
                result => (Some(record.await?), result),
            },
        };
        let masks = Masks::new(args, &definition, &request);
        if result.is_err() && args.status.is_none() {
            exit = Exit::Failed;
        }
        show(&channel, recorded.as_ref(), &answer, &result, &masks, output)?;
    }
    Ok(exit)
}

fn wrong(args: &Args, errors: &DefinitionErrors, output: &mut Output) -> io::Result<Exit> {
    let count = errors.iter().count();
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    let lines: Vec<_> = errors.iter().map(|error| format!("\n  {error}")).collect();
    let what = format!("{} has {count} {noun}:{}", args.file.display(), lines.concat());
    Failure::usage(what).report(output)
}

fn answer(args: &Args, definition: &Definition, channel: &Channel) -> Option<Answer> {
    let example = definition.example_answer(channel)?;
    Some(match args.status {
        Some(status) => {
            Answer { status, headers: Vec::new(), body: args.body.clone().unwrap_or_default() }
        }
        None => Answer { status: example.status, headers: example.headers, body: example.body },
    })
}

fn provider(
    args: &Args,
    definition: &Definition,
    url: &str,
) -> Result<HttpProvider, DefinitionErrors> {
    let mut builder = HttpProvider::builder(definition.clone());
    let given = pairs(&args.settings);
    let public: BTreeSet<_> = definition.public_settings().collect();
    for name in definition.settings() {
        let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        builder = match value {
            Some(value) => builder.setting(name, value),
            None if public.contains(name) => builder.setting(name, "example"),
            None => builder.secret(name, made_up(name)),
        };
    }
    if let Some(sender) = &args.sender {
        builder = builder.sender(sender);
    }
    let mut http = HttpSettings::default();
    http.base_url = Some(url.to_owned());
    builder.http(http).build("test")
}

fn pairs(settings: &[String]) -> Vec<(&str, &str)> {
    settings.iter().filter_map(|text| text.split_once('=')).collect()
}

/// Returns the value of a secret in a test; it is masked where it is shown.
fn made_up(name: &str) -> String {
    format!("made-up-{name}")
}

fn request(args: &Args, channel: &Channel) -> Result<SendRequest, &'static str> {
    let example = if channel.wants_email() { "someone@example.com" } else { "+14155550123" };
    let to = match &args.to {
        Some(to) => to.clone(),
        None => example.parse().map_err(|_| "the example of a recipient is invalid")?,
    };
    let code: Code = CODE.parse().map_err(|_| "the example of a code is invalid")?;
    let mut request = SendRequest::new(to, channel.clone(), CodeSource::Otpmux(code));
    let mut message = Message::new(Text::new("Your Acme code is {code}"));
    message.subject = Some(Text::new("Your Acme code"));
    message.html = Some(Text::new("<p>Your Acme code is <b>{code}</b></p>"));
    message.app = Some("Acme".to_owned());
    message.locale = Some("en".to_owned());
    message.minutes = Some(5);
    request.message = Some(message);
    request.template.clone_from(&args.template);
    Ok(request)
}

/// Values that must not be shown in full.
struct Masks(Vec<(String, String)>);

impl Masks {
    fn new(args: &Args, definition: &Definition, request: &SendRequest) -> Self {
        let given: Vec<_> = pairs(&args.settings).into_iter().map(|(name, _)| name).collect();
        let secrets = definition.settings().filter(|name| !given.contains(name));
        let secrets = secrets.map(|name| (made_up(name), format!("\u{2039}{name}\u{203a}")));
        let to = request.recipient.expose();
        let masked = request.recipient.masked();
        let bare = to.trim_start_matches('+').to_owned();
        let at = to.replace('@', "%40");
        let more = [(to.to_owned(), masked.clone()), (at, masked.clone()), (bare, masked)];
        let code = [(CODE.to_owned(), "\u{2022}".repeat(CODE.len()))];
        Self(secrets.chain(more).chain(code).collect())
    }

    fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (value, mask)| text.replace(value, mask))
    }
}

/// Headers of every request, which say nothing about the definition.
const COMMON: [&str; 4] = ["host", "accept", "content-length", "user-agent"];

fn show(
    channel: &Channel,
    request: Option<&Request>,
    answer: &Answer,
    result: &Result<Sent, Error>,
    masks: &Masks,
    output: &mut Output,
) -> io::Result<()> {
    let request = request.map(|request| {
        let headers: serde_json::Map<String, Value> = request
            .headers
            .iter()
            .filter(|(name, _)| !COMMON.contains(&name.as_str()))
            .map(|(name, value)| {
                let shown = if name == "authorization" {
                    let scheme = value.split(' ').next().unwrap_or_default();
                    format!("{scheme} \u{2022}\u{2022}\u{2022}")
                } else {
                    masks.hide(value)
                };
                (name.clone(), shown.into())
            })
            .collect();
        let body = masks.hide(&request.body);
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        json!({ "request": masks.hide(&request.line), "headers": headers, "body": body })
    });
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
            "channel": channel.as_str(), "request": request, "status": answer.status, "reading": reading,
        }));
    }
    output.title(&format!("{channel}"))?;
    match &request {
        None => output.line("  no request was made")?,
        Some(request) => {
            output.line(format_args!("  {}", request["request"].as_str().unwrap_or_default()))?;
            for (name, value) in request["headers"].as_object().into_iter().flatten() {
                output.line(format_args!("  {name}: {}", value.as_str().unwrap_or_default()))?;
            }
            match &request["body"] {
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => output.line(format_args!("\n  {text}"))?,
                body => output.line(format_args!("\n  {body}"))?,
            }
            output.line(format_args!("\n  answer: {} {}", answer.status, answer.body))?;
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
