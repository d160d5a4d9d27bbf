use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Cancellation, Capabilities, Channel, Context, Error, OtpProvider, ProviderId,
    ReceiptRequest, Receipts, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target,
    Verdict, VerifyRequest,
};
use tokio::time::Instant;
use tracing::{Instrument, Span, field::Empty};

use super::call::Call;
use super::metrics::{CallMetrics, Labels};
use super::port::Port;

/// Shows each call in metrics and traces: a count and a time; a span at level debug, and an event at
/// its end: a failure at level info, anything else at level debug. They contain the provider, the
/// call and the channel, and never the recipient.
#[derive(Debug)]
pub(super) struct Trace<P> {
    inner: P,
    metrics: CallMetrics,
}

impl<P: Port> Trace<P> {
    pub(super) fn new(inner: P) -> Self {
        let metrics = CallMetrics::of(inner.id());
        Self { inner, metrics }
    }

    async fn traced<T, F>(
        &self,
        labels: Labels<'_>,
        called: impl FnOnce() -> F + Send,
        word: fn(&T) -> &'static str,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let span = self.span(labels);
        let begun = Instant::now();
        // A disabled span costs nothing.
        let result = if span.is_disabled() {
            called().await
        } else {
            called().instrument(span.clone()).await
        };
        self.ended(labels, &span, begun.elapsed(), result.as_ref().map(word));
        result
    }

    fn span(&self, labels: Labels<'_>) -> Span {
        let (provider, call) = (self.id(), labels.call.as_str());
        let channel = labels.channel.map_or("none", Channel::as_str);
        tracing::debug_span!("call", %provider, call, channel, outcome = Empty)
    }

    fn ended(
        &self,
        labels: Labels<'_>,
        span: &Span,
        elapsed: Duration,
        result: Result<&'static str, &Error>,
    ) {
        let (provider, call) = (self.id(), labels.call.as_str());
        let channel = labels.channel.map_or("none", Channel::as_str);
        let (outcome, certainty) = match result {
            Ok(word) => (word, "none"),
            Err(error) => (error.kind().as_str(), error.certainty().as_str()),
        };
        // For receipts, the vendor is not called.
        if labels.call != Call::Receipts {
            self.metrics.record(labels, outcome, certainty, elapsed);
        }
        let _entered = span.enter();
        span.record("outcome", outcome);
        match result {
            Ok(_) => tracing::debug!(?elapsed, "call ended"),
            Err(error) => {
                let blame = error.blame().as_str();
                // At level info there is no span, so the event has all fields.
                tracing::info!(
                    %provider, call, channel, outcome, certainty, blame, ?elapsed, "call failed"
                );
            }
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Port> OtpProvider for Trace<P> {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let (channel, recipient) = (Some(&request.channel), Some(&request.recipient));
        let labels = Labels { call: Call::Send, channel, recipient };
        self.traced(labels, || self.inner.send(cx, request), |_| "ok").await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let recipient = Some(&request.recipient);
        let labels = Labels { call: Call::Verify, channel: None, recipient };
        self.traced(labels, || self.inner.verify(cx, request), Verdict::as_str).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let (channel, recipient) = (request.channel.as_ref(), Some(&request.target.recipient));
        let labels = Labels { call: Call::Resend, channel, recipient };
        self.traced(labels, || self.inner.resend(cx, request), |_| "ok").await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let recipient = Some(&target.recipient);
        let labels = Labels { call: Call::Cancel, channel: None, recipient };
        self.traced(labels, || self.inner.cancel(cx, target), |_| "ok").await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let recipient = Some(&target.recipient);
        let labels = Labels { call: Call::Status, channel: None, recipient };
        self.traced(labels, || self.inner.status(cx, target), |_| "ok").await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        let labels = Labels { call: Call::Balance, channel: None, recipient: None };
        self.traced(labels, || self.inner.balance(cx), |_| "ok").await
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        let recipient = Some(&request.target.recipient);
        let labels = Labels { call: Call::Report, channel: None, recipient };
        self.traced(labels, || self.inner.report(cx, request), |()| "ok").await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        let labels = Labels { call: Call::Receipts, channel: None, recipient: None };
        self.traced(labels, || self.inner.receipts(cx, request), |_| "ok").await
    }
}
