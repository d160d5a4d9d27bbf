use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use otpmux::{Channel, EscalationStep, NewVerification, OtpClient, Recipient, Repeat};
use serde::Serialize;
use serde_json::Value;

use super::failure::Failure;
use super::json::Json;
use super::session::Session;
use super::{id, next};
use crate::answer::Answer;
use crate::app::App;
use crate::doors::recipient::{self, WithoutPlus};

/// The most steps of a workflow.
const STEPS: usize = 3;
/// Fields of Vonage's API that have no effect here.
const IGNORED: [&str; 2] = ["fraud_check", "reuse_code"];
/// The same within a step of a workflow.
const IGNORED_IN_STEP: [&str; 5] = ["from", "entity_id", "content_id", "app_hash", "mode"];

/// The valid waits between two steps, in seconds, and that of a request without one.
const CHANNEL_TIMEOUT: RangeInclusive<u64> = 15..=900;
const USUAL_TIMEOUT: u64 = 180;

/// The answer to a start.
#[derive(Debug, Serialize)]
pub(super) struct Started {
    request_id: String,
}

/// Starts a verification, or sends the live one again.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    session: Session,
    body: Json,
) -> Result<(StatusCode, Answer<Started>), Failure> {
    let new = read(body, &session, &app.client)?;
    let client = session.client.clone();
    let sent = app.to_the_end(async move { client.send(new).await }).await?;
    Ok((StatusCode::ACCEPTED, Answer(Started { request_id: id::write(sent.id) })))
}

fn read(mut body: Json, session: &Session, reader: &OtpClient) -> Result<NewVerification, Failure> {
    let brand = body.required("brand", 16);
    let client_ref = body.text("client_ref", 40);
    let locale = body.text("locale", 35);
    let template = body.text("template_id", 128);
    let code_length = match body.take("code_length") {
        None => None,
        Some(length) => {
            let length = length.as_u64().filter(|length| (4..=10).contains(length));
            if length.is_none() {
                body.mistake("code_length", "must be a whole number from 4 to 10");
            }
            length.and_then(|length| u8::try_from(length).ok())
        }
    };
    if body.take("code").is_some() {
        body.mistake("code", "this gateway makes the codes that it checks; leave the field out");
    }
    let timeout = channel_timeout(&mut body);
    let workflow = workflow(&mut body, reader);
    if body.has_any(&IGNORED) || workflow.as_ref().is_some_and(|workflow| workflow.ignored) {
        session.door.ignore("fraud_check, from, entity_id, content_id, app_hash");
    }
    let new = workflow.map(|Workflow { to, channels, .. }| {
        let name = client_ref
            .map(|name| format!("{} vonage {name} {}", session.caller.name, to.canonical()));
        let mut new = NewVerification::to(to);
        new.options.channel = channels.first().cloned();
        if session.door.escalates {
            let further = channels.iter().skip(1).cloned();
            new.steps = further.map(|channel| EscalationStep::by(channel, timeout)).collect();
        }
        new.options.purpose = session.purpose.clone();
        new.options.locale = locale;
        new.options.template = template;
        new.code_length = code_length;
        new.options.brand = brand.filter(|brand| session.caller.texts.brands.contains(brand));
        new.options.metadata = BTreeMap::from([next::note(&channels)]);
        new.options.idempotency_key = name;
        // Vonage has at most one request for a number at a time.
        new.repeat = Some(Repeat::SameCode);
        new
    });
    body.finish(new)
}

fn channel_timeout(body: &mut Json) -> Duration {
    let seconds = match body.take("channel_timeout") {
        None => Some(USUAL_TIMEOUT),
        Some(given) => given.as_u64().filter(|seconds| CHANNEL_TIMEOUT.contains(seconds)),
    };
    if seconds.is_none() {
        let (least, most) = (CHANNEL_TIMEOUT.start(), CHANNEL_TIMEOUT.end());
        let reason = format_args!("must be a whole number of seconds from {least} to {most}");
        body.mistake("channel_timeout", reason);
    }
    Duration::from_secs(seconds.unwrap_or(USUAL_TIMEOUT))
}

/// The steps of a workflow, all to one recipient.
struct Workflow {
    to: Recipient,
    channels: Vec<Channel>,
    /// Whether a step has a field without effect.
    ignored: bool,
}

fn workflow(body: &mut Json, reader: &OtpClient) -> Option<Workflow> {
    let steps = match body.take("workflow") {
        Some(Value::Array(steps)) if (1..=STEPS).contains(&steps.len()) => steps,
        Some(_) => {
            body.mistake("workflow", format_args!("must be a list of 1 to {STEPS} channels"));
            return None;
        }
        None => {
            body.mistake("workflow", "is required");
            return None;
        }
    };
    let mut read: Option<Workflow> = None;
    for (at, step) in steps.iter().enumerate() {
        let name = |field: &str| format!("workflow[{at}].{field}");
        let channel = match step.get("channel").and_then(Value::as_str) {
            Some("sms") => Channel::Sms,
            Some("whatsapp") => Channel::WhatsApp,
            Some("voice") => Channel::Voice,
            Some("email") => Channel::Email,
            _ => {
                let reason = "must be sms, whatsapp, voice or email; this gateway has no other";
                body.mistake(name("channel"), reason);
                continue;
            }
        };
        let to = step.get("to").and_then(Value::as_str).unwrap_or_default();
        let to = match recipient(to, &channel, reader) {
            Ok(to) => to,
            Err(reason) => {
                body.mistake(name("to"), reason);
                continue;
            }
        };
        let ignored = IGNORED_IN_STEP.iter().any(|field| step.get(*field).is_some());
        match &mut read {
            None => read = Some(Workflow { to, channels: vec![channel], ignored }),
            Some(first) if first.to.canonical() == to.canonical() => {
                first.channels.push(channel);
                first.ignored |= ignored;
            }
            Some(_) => {
                let reason = "must be the recipient of the first step: a verification has one";
                body.mistake(name("to"), reason);
            }
        }
    }
    read
}

/// Reads a recipient. Vonage's numbers begin with the calling code, without a plus.
fn recipient(to: &str, channel: &Channel, reader: &OtpClient) -> Result<Recipient, String> {
    let to = recipient::read(to, WithoutPlus::International, reader);
    let to = to.map_err(|error| error.to_string())?;
    match (to.email().is_some(), *channel == Channel::Email) {
        (true, false) => Err("must be a number".to_owned()),
        (false, true) => Err("must be an e-mail address".to_owned()),
        _ => Ok(to),
    }
}
