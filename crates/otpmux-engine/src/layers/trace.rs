use std::sync::Arc;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Cancellation, Capabilities, Channel, Context, Error, OtpProvider, ProviderId,
    ResendRequest, SendRequest, Sent, Status, Target, Verdict, VerifyRequest,
};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use super::call::Call;

/// A span for each call, and an event at its end: a failure at level info, anything else at level
/// debug. They name the provider, the call and the channel, and never whom it is for.
#[derive(Debug)]
pub(super) struct Trace {
    inner: Arc<dyn OtpProvider>,
}

impl Trace {
    pub(super) fn new(inner: Arc<dyn OtpProvider>) -> Self {
        Self { inner }
    }

    fn span(&self, call: Call, channel: Option<&Channel>) -> Span {
        let (provider, call) = (self.id(), call.as_str());
        let span = tracing::info_span!("call", %provider, call, channel = Empty, outcome = Empty);
        if let Some(channel) = channel {
            span.record("channel", channel.as_str());
        }
        span
    }
}

async fn traced<T>(
    span: Span,
    call: impl Future<Output = Result<T, Error>> + Send,
    word: fn(&T) -> &'static str,
) -> Result<T, Error> {
    if span.is_disabled() {
        return call.await;
    }
    let begun = Instant::now();
    let outcome = span.clone();
    let ended = async {
        let result = call.await;
        let elapsed = begun.elapsed();
        match &result {
            Ok(answer) => {
                outcome.record("outcome", word(answer));
                tracing::debug!(?elapsed, "call ended");
            }
            Err(error) => {
                outcome.record("outcome", error.kind().as_str());
                let certainty = error.certainty().as_str();
                let blame = error.blame().as_str();
                tracing::info!(certainty, blame, ?elapsed, "call failed");
            }
        }
        result
    };
    ended.instrument(span).await
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl OtpProvider for Trace {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let span = self.span(Call::Send, Some(&request.channel));
        traced(span, self.inner.send(cx, request), |_| "ok").await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let span = self.span(Call::Verify, None);
        traced(span, self.inner.verify(cx, request), Verdict::as_str).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let span = self.span(Call::Resend, request.channel.as_ref());
        traced(span, self.inner.resend(cx, request), |_| "ok").await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let span = self.span(Call::Cancel, None);
        traced(span, self.inner.cancel(cx, target), |_| "ok").await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let span = self.span(Call::Status, None);
        traced(span, self.inner.status(cx, target), |_| "ok").await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        let span = self.span(Call::Balance, None);
        traced(span, self.inner.balance(cx), |_| "ok").await
    }
}
