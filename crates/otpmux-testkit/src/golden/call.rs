use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use otpmux_core::{
    Balance, Cancellation, Channel, ClientContext, Clock as _, Code, CodeSource, Context, Dlt,
    Error, IdempotencyKey, Message, OtpProvider, Outcome, ReceiptTarget, Receipts, Recipient,
    ReportRequest, ResendRequest, SendRequest, Sent, Status, SystemClock, Target, Text,
    VendorReference, Verdict, VerifyRequest,
};
use otpmux_golden::{Call, Input, Request};
use serde_json::Value;
use url::form_urlencoded;

use super::forged;

/// The public address of the service that receives receipts.
const PUBLIC_URL: &str = "https://otp.example.com";

/// The idempotency key of every call: `f47ac10b-58cc-4372-a567-0e02b2c3d479` in the files.
const KEY: [u8; 16] = [
    0xf4, 0x7a, 0xc1, 0x0b, 0x58, 0xcc, 0x43, 0x72, 0xa5, 0x67, 0x0e, 0x02, 0xb2, 0xc3, 0xd4, 0x79,
];

/// Result of a call of the port.
#[derive(Debug)]
pub(super) enum Answer {
    Sent(Sent),
    Verdict(Verdict),
    Status(Status),
    Balance(Balance),
    Cancellation(Cancellation),
    Receipts(Receipts),
    Reported,
    Error(Error),
}

/// Makes the call with the input of a case. The error is a mistake in the file.
pub(super) async fn make(
    provider: &dyn OtpProvider,
    call: &Call,
    input: &Input,
    asked: &Request,
) -> Result<Answer, String> {
    let mut cx = Context::new(IdempotencyKey::from_random(KEY));
    if let Some(target) = &input.receipt {
        cx = cx.with_receipt(ReceiptTarget::new(&target.address, &target.token));
    }
    Ok(match call {
        Call::Send => answer(provider.send(&cx, &send_request(input)?).await, Answer::Sent),
        Call::Verify => {
            let code = input.code.as_deref().ok_or("a verify needs `code`")?;
            let mut request =
                VerifyRequest::new(recipient(input)?, reference(input), code_of(code)?);
            request.client = client(input);
            answer(provider.verify(&cx, &request).await, Answer::Verdict)
        }
        Call::Resend => {
            let mut request = ResendRequest::new(target(input)?);
            request.channel = input.channel.as_deref().map(channel).transpose()?;
            answer(provider.resend(&cx, &request).await, Answer::Sent)
        }
        Call::Cancel => answer(provider.cancel(&cx, &target(input)?).await, Answer::Cancellation),
        Call::Status => answer(provider.status(&cx, &target(input)?).await, Answer::Status),
        Call::Balance => answer(provider.balance(&cx).await, Answer::Balance),
        Call::Report => {
            let outcome = match input.outcome.as_deref() {
                Some("approved") => Outcome::Approved,
                Some("cancelled") => Outcome::Cancelled,
                _ => return Err("a report needs `outcome`: approved or cancelled".to_owned()),
            };
            let mut request = ReportRequest::new(target(input)?, outcome);
            request.code = input.code.as_deref().map(code_of).transpose()?;
            answer(provider.report(&cx, &request).await, |()| Answer::Reported)
        }
        Call::Receipts => receipts(provider, &cx, input, asked).await?,
        other => return Err(format!("the port has no call {other:?}")),
    })
}

fn answer<T>(result: Result<T, Error>, form: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Answer::Error, form)
}

async fn receipts(
    provider: &dyn OtpProvider,
    cx: &Context,
    input: &Input,
    asked: &Request,
) -> Result<Answer, String> {
    let request = received(input, asked)?;
    let result = request.read(provider, cx).await;
    if let Ok(taken) = &result {
        forged::check(provider, cx, &request, taken).await?;
    }
    Ok(answer(result, Answer::Receipts))
}

/// A request of a vendor.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) url: String,
    /// With names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) at: SystemTime,
}

fn received(input: &Input, asked: &Request) -> Result<Received, String> {
    let at = match &input.received_at {
        Some(at) => {
            at.parse::<Timestamp>().map_err(|error| format!("received_at: {error}"))?.into()
        }
        None => SystemClock.now(),
    };
    let body = match &asked.body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) if asked.is_form() => {
            let pairs =
                fields.iter().map(|(name, value)| (name, value.as_str().unwrap_or_default()));
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        }
        json => json.to_string(),
    };
    let header = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
    Ok(Received {
        method: asked.method.clone(),
        url: format!("{PUBLIC_URL}{}", asked.path),
        headers: asked.headers.iter().map(header).collect(),
        body: body.into_bytes(),
        at,
    })
}

/// Returns the message of a case, if it has one.
fn message(input: &Input) -> Option<Message> {
    let text = |text: &String| Text::new(text);
    let mut message = Message::new(Text::new(input.message.as_ref()?));
    message.subject = input.subject.as_ref().map(text);
    message.html = input.html.as_ref().map(text);
    message.speech = input.speech.as_ref().map(text);
    message.app.clone_from(&input.app);
    message.minutes = input.minutes;
    message.locale.clone_from(&input.locale);
    message.variables.clone_from(&input.variables);
    message.templates.clone_from(&input.templates);
    message.dlt = input.dlt.as_ref().map(|dlt| Dlt::new(&dlt.entity_id, &dlt.template_id));
    Some(message)
}

fn client(input: &Input) -> ClientContext {
    let mut client = ClientContext::new();
    client.ip = input.client_ip;
    client.user_agent.clone_from(&input.user_agent);
    client
}

fn send_request(input: &Input) -> Result<SendRequest, String> {
    let source = match &input.code {
        Some(code) => CodeSource::Otpmux(code_of(code)?),
        None => CodeSource::Vendor { length: input.code_length },
    };
    let by = channel(input.channel.as_deref().ok_or("a send needs `channel`")?)?;
    let mut request = SendRequest::new(recipient(input)?, by, source);
    request.message = message(input);
    request.client = client(input);
    request.ttl = input.ttl.map(Duration::from_secs);
    request.template.clone_from(&input.template);
    request.locale.clone_from(&input.locale);
    request.sender.clone_from(&input.sender);
    Ok(request)
}

fn target(input: &Input) -> Result<Target, String> {
    Ok(Target::new(recipient(input)?, reference(input)))
}

fn reference(input: &Input) -> Option<VendorReference> {
    input.reference.as_deref().map(VendorReference::new)
}

fn recipient(input: &Input) -> Result<Recipient, String> {
    let to = input.to.as_deref().ok_or("this call needs `to`")?;
    to.parse().map_err(|error| format!("`to`: {error}"))
}

fn channel(text: &str) -> Result<Channel, String> {
    text.parse().map_err(|error| format!("`channel`: {error}"))
}

fn code_of(text: &str) -> Result<Code, String> {
    text.parse().map_err(|error| format!("`code`: {error}"))
}
