use std::time::Duration;

use otpmux_core::{
    Balance, Cancellation, Channel, Code, CodeSource, Context, Error, IdempotencyKey, OtpProvider,
    Recipient, ResendRequest, SendRequest, Sent, Status, Target, VendorReference, Verdict,
    VerifyRequest,
};
use otpmux_golden::{Call, Input};

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
    Error(Error),
}

/// Makes the call with the input of a case. The error is a mistake in the file.
pub(super) async fn make(
    provider: &dyn OtpProvider,
    call: &Call,
    input: &Input,
) -> Result<Answer, String> {
    let cx = Context::new(IdempotencyKey::from_random(KEY));
    Ok(match call {
        Call::Send => answer(provider.send(&cx, &send_request(input)?).await, Answer::Sent),
        Call::Verify => {
            let code = input.code.as_deref().ok_or("a verify needs `code`")?;
            let request = VerifyRequest::new(recipient(input)?, reference(input), code_of(code)?);
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
        other => return Err(format!("the port has no call {other:?}")),
    })
}

fn answer<T>(result: Result<T, Error>, form: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(Answer::Error, form)
}

fn send_request(input: &Input) -> Result<SendRequest, String> {
    let source = match &input.code {
        Some(code) => CodeSource::Otpmux(code_of(code)?),
        None => CodeSource::Vendor { length: input.code_length },
    };
    let by = channel(input.channel.as_deref().ok_or("a send needs `channel`")?)?;
    let mut request = SendRequest::new(recipient(input)?, by, source);
    request.message.clone_from(&input.message);
    request.subject.clone_from(&input.subject);
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
