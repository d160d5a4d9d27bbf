//! The body of a start.

use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::{Channel, Code, CodeSource, Context, Error, ProviderId, SendRequest};

use crate::config::{Config, check_sender};
use crate::locale::vendor_locale;
use crate::wire::{Start, Step};

/// How long a step of a workflow may take.
pub(crate) const STEP_TIMES: RangeInclusive<Duration> =
    Duration::from_secs(15)..=Duration::from_mins(15);

/// Vonage's kind, under which messages name its templates.
const KIND: &str = "vonageverify";

/// Returns the body for a request that the capabilities allow.
pub(crate) fn start<'a>(
    id: &ProviderId,
    config: &'a Config,
    cx: &'a Context,
    request: &'a SendRequest,
) -> Result<Start<'a>, Error> {
    let message = request.message.as_ref();
    let sender = request.sender.as_deref().or(config.sender.as_deref());
    if request.channel == Channel::Sms && sender.is_some_and(|it| check_sender(it).is_err()) {
        return Err(Error::unsupported(id, "the sender: it must have 3 to 11 letters or digits"));
    }
    let dlt = message.and_then(|message| message.dlt.as_ref());
    let step = |channel: &'a Channel| Step {
        channel: channel.as_str(),
        // Vonage takes numbers without the plus.
        to: request.recipient.expose_digits(),
        from: match channel {
            Channel::Sms => sender,
            Channel::WhatsApp => config.whatsapp_sender.as_deref(),
            Channel::Email => config.email_sender.as_deref(),
            _ => None,
        },
        entity_id: dlt.filter(|_| *channel == Channel::Sms).map(|dlt| dlt.entity_id.as_str()),
        content_id: dlt.filter(|_| *channel == Channel::Sms).map(|dlt| dlt.template_id.as_str()),
        app_hash: config.app_hash.as_deref().filter(|_| *channel == Channel::Sms),
        // Says something only where a second step may follow.
        reuse_code: (config.reuse_code && *channel == Channel::Sms && !config.fallback.is_empty())
            .then_some(true),
    };
    let workflow: Vec<_> = channels(config, &request.channel).into_iter().map(step).collect();
    let locale = request.locale.as_deref();
    let locale = locale.or_else(|| message.and_then(|message| message.locale.as_deref()));
    let of_message = message.and_then(|message| message.template(id, KIND));
    let template = request.template.as_deref().or(of_message).or(config.template.as_deref());
    let code_length = match &request.code {
        CodeSource::Vendor { length } => *length,
        _ => None,
    };
    Ok(Start {
        brand: &config.brand,
        locale: locale.and_then(vendor_locale),
        channel_timeout: step_time(config, request.ttl, workflow.len()),
        workflow,
        client_ref: cx.receipt.as_ref().map(|receipt| receipt.token.as_str()),
        code_length,
        code: request.code.otpmux_code().map(Code::expose),
        template_id: template,
        fraud_check: (!config.fraud_check).then_some(false),
    })
}

/// Returns the channels of the workflow. A number has no mailbox, so an e-mail has no fallback.
fn channels<'a>(config: &'a Config, first: &'a Channel) -> Vec<&'a Channel> {
    let more = if first.wants_email() { [].iter() } else { config.fallback.iter() };
    std::iter::once(first).chain(more).collect()
}

/// Returns the time of each step in seconds: the life of the code is their sum. Rounded down, so
/// that Vonage never takes a code for longer than otpmux.
fn step_time(config: &Config, ttl: Option<Duration>, steps: usize) -> Option<u64> {
    let steps = u64::try_from(steps).unwrap_or(1).max(1);
    let of_ttl = ttl.map(|ttl| ttl.as_secs() / steps);
    let seconds = of_ttl.or(config.channel_timeout.map(|time| time.as_secs()))?;
    Some(seconds.clamp(STEP_TIMES.start().as_secs(), STEP_TIMES.end().as_secs()))
}
