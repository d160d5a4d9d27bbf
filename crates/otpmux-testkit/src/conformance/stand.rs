use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Code, CodeError, CodeSource, Context, Error,
    ErrorKind, IdempotencyKey, Message, OsEntropy, OtpProvider, Recipient, SendRequest, Sent,
    Target, Text, Verdict, VerifyRequest,
};

use super::case::ensure;
use super::{DeliveredMessage, Fixture, Instance};

/// Longer than the lifetime of any code.
pub(super) const LONG: Duration = Duration::from_hours(25);
/// Longer than a limit of one a minute.
pub(super) const A_WHILE: Duration = Duration::from_secs(121);

/// State at the beginning of a trial.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) fixture: Arc<dyn Fixture>,
    pub(super) capabilities: Capabilities,
}

impl Bench {
    pub(super) fn new(fixture: Arc<dyn Fixture>, capabilities: Capabilities) -> Self {
        Self { fixture, capabilities }
    }

    /// Returns a new vendor and provider; requests use the first channel.
    pub(super) async fn start(&self) -> Result<Stand, String> {
        let channel = self.capabilities.channels.first().cloned();
        let channel = channel.ok_or("the provider claims no channel at all")?;
        Ok(self.start_with(channel).await)
    }

    pub(super) async fn start_with(&self, channel: Channel) -> Stand {
        let instance = self.fixture.start().await;
        Stand {
            provider: instance.provider(),
            recipient: instance.recipient(&channel),
            instance,
            channel,
        }
    }

    /// As `start`, with a vendor's code that has arrived.
    pub(super) async fn start_sent(&self) -> Result<(Stand, Sent, Code), String> {
        let stand = self.start().await?;
        let sent = stand.send(&stand.vendor_request(None)).await;
        let sent = sent.map_err(unexpected)?;
        let code = stand.last_code().await?;
        Ok((stand, sent, code))
    }
}

pub(super) struct Stand {
    pub(super) instance: Box<dyn Instance>,
    pub(super) provider: Arc<dyn OtpProvider>,
    pub(super) channel: Channel,
    pub(super) recipient: Recipient,
}

impl Stand {
    /// Returns a request with a code that otpmux generated if the provider accepts those, or else a
    /// vendor's.
    pub(super) fn request(&self) -> SendRequest {
        match &self.provider.capabilities().otpmux_codes {
            Some(lengths) => self.otpmux_code_request(&fresh_code(*lengths.end())),
            None => self.vendor_request(None),
        }
    }

    pub(super) fn otpmux_code_request(&self, code: &str) -> SendRequest {
        // `fresh_code` and the trials use only digits and letters, so the fallback is never used.
        let code: Result<Code, CodeError> = Code::given(code);
        let source = code.map_or(CodeSource::Vendor { length: None }, CodeSource::Otpmux);
        self.request_with(source)
    }

    pub(super) fn vendor_request(&self, length: Option<u8>) -> SendRequest {
        self.request_with(CodeSource::Vendor { length })
    }

    fn request_with(&self, source: CodeSource) -> SendRequest {
        let mut request = SendRequest::new(self.recipient.clone(), self.channel.clone(), source);
        if self.provider.capabilities().needs_message {
            let text = Text::new("Your code for Conformance is {code}");
            request.message = Some(Message::new(text.clone()).with_subject(text));
        }
        request
    }

    pub(super) async fn send(&self, request: &SendRequest) -> Result<Sent, Error> {
        self.provider.send(&cx(), request).await
    }

    pub(super) async fn verify(&self, sent: &Sent, code: &Code) -> Result<Verdict, Error> {
        self.verify_by(&*self.provider, sent, code).await
    }

    pub(super) async fn verify_by(
        &self,
        provider: &dyn OtpProvider,
        sent: &Sent,
        code: &Code,
    ) -> Result<Verdict, Error> {
        let reference = sent.reference.clone();
        let request = VerifyRequest::new(self.recipient.clone(), reference, code.clone());
        provider.verify(&cx(), &request).await
    }

    pub(super) fn target(&self, sent: &Sent) -> Target {
        Target::new(self.recipient.clone(), sent.reference.clone())
    }

    pub(super) async fn last_message(&self) -> Result<DeliveredMessage, String> {
        let last = self.instance.delivered().await.pop();
        last.ok_or_else(|| "no message arrived".to_owned())
    }

    pub(super) async fn last_code(&self) -> Result<Code, String> {
        let message = self.last_message().await?;
        let code = message.code.parse();
        code.map_err(|error| format!("the message that arrived holds no code: {error}"))
    }

    /// Runs a call that must be refused before any I/O, and returns its error.
    pub(super) async fn untouched<T: Debug>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<Error, String> {
        let before = self.instance.requests_seen().await;
        let error = failed(call.await)?;
        let certainty = error.certainty();
        ensure!(certainty == Certainty::NotSent, "{certainty:?} is not NotSent: {error}");
        let requests = self.instance.requests_seen().await - before;
        ensure!(requests == 0, "{requests} requests before it was refused: {error}");
        Ok(error)
    }

    /// As `untouched`, for a call that the provider does not claim.
    pub(super) async fn unsupported<T: Debug>(
        &self,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<(), String> {
        let error = self.untouched(call).await?;
        expect(&error, ErrorKind::Unsupported, Certainty::NotSent)?;
        blamed(&error, Blame::Provider)
    }
}

pub(super) fn cx() -> Context {
    // Keys must differ, and a machine without randomness cannot run the tests.
    let key = IdempotencyKey::generate(&OsEntropy);
    Context::new(key.unwrap_or_else(|_| IdempotencyKey::from_random([0; 16])))
}

/// Returns a code that begins with zeros and differs each time, as far as its length allows.
pub(super) fn fresh_code(length: u8) -> String {
    let tail = Code::generate(length.saturating_sub(2).max(4), &OsEntropy);
    let tail = tail.map_or_else(|_| "4217".to_owned(), |code| code.expose().to_owned());
    let digits = usize::from(length);
    let padded = format!("00{tail}");
    padded[..digits.min(padded.len())].to_owned()
}

/// Returns another code of the same length.
pub(super) fn other_code(code: &Code, nth: usize) -> Code {
    let mut wrong = code.clone();
    for _ in 0..=nth {
        let digits = wrong.expose();
        let (head, last) = digits.split_at(digits.len() - 1);
        let next = last.parse::<u8>().map_or(0, |digit| (digit + 1) % 10);
        wrong = format!("{head}{next}").parse().unwrap_or(wrong);
        if wrong == *code {
            break;
        }
    }
    wrong
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err` as it is")]
pub(super) fn unexpected(error: Error) -> String {
    format!("should have worked, but: {error}")
}

pub(super) fn failed<T: Debug>(result: Result<T, Error>) -> Result<Error, String> {
    match result {
        Ok(answer) => Err(format!("should have failed, but: {answer:?}")),
        Err(error) => Ok(error),
    }
}

pub(super) fn expect(error: &Error, kind: ErrorKind, certainty: Certainty) -> Result<(), String> {
    let found = (error.kind(), error.certainty());
    let expected = (kind, certainty);
    ensure!(found == expected, "{found:?} instead of {expected:?}: {error}");
    Ok(())
}

pub(super) fn certain(error: &Error, certainty: Certainty) -> Result<(), String> {
    let found = error.certainty();
    ensure!(found == certainty, "{found:?} instead of {certainty:?}: {error}");
    Ok(())
}

pub(super) fn blamed(error: &Error, blame: Blame) -> Result<(), String> {
    let found = error.blame();
    ensure!(found == blame, "blamed on {found:?} instead of {blame:?}: {error}");
    Ok(())
}
