use std::sync::Arc;
use std::time::Duration;

use metrics::{
    Counter, Histogram, Key, KeyName, Label, Level, Metadata, SharedString, Unit, with_recorder,
};
use otpmux_core::{
    Balance, Cancellation, Capabilities, Channel, Context, Error, ProviderId, ReceiptRequest,
    Receipts, Recipient, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target, Verdict,
    VerifyRequest,
};
use tokio::time::Instant;

use super::call::Call;
use super::circuit::Phase;
use super::handles::Handles;
use super::port::Port;
use crate::numbers::country_of;

const CALLS: &str = "otpmux_calls_total";
const SECONDS: &str = "otpmux_call_seconds";
const BREAKER: &str = "otpmux_circuit_state";

static METADATA: Metadata<'static> = Metadata::new("otpmux", Level::INFO, Some(module_path!()));

pub(crate) fn describe() {
    with_recorder(|recorder| {
        let name = KeyName::from_const_str;
        let text = "Calls to providers that ended, each try for itself, by outcome";
        recorder.describe_counter(name(CALLS), Some(Unit::Count), text.into());
        let text = "How long calls to providers took";
        recorder.describe_histogram(name(SECONDS), Some(Unit::Seconds), text.into());
        let text = "Breaker of a provider: 0 closed, 0.5 half-open, 1 open";
        recorder.describe_gauge(name(BREAKER), None, text.into());
    });
}

/// Sets the gauge of this provider's breaker.
pub(super) fn breaker_is(provider: &ProviderId, phase: Phase) {
    let key = Key::from_parts(BREAKER, vec![provider_label(provider.as_str().to_owned())]);
    let value = match phase {
        Phase::Closed => 0.0,
        Phase::HalfOpen => 0.5,
        Phase::Open => 1.0,
    };
    with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(value);
}

fn provider_label(provider: impl Into<SharedString>) -> Label {
    Label::new("provider", provider)
}

/// Counts and times each call.
#[derive(Debug)]
pub(super) struct Metrics<P> {
    inner: P,
    provider: SharedString,
    calls: Handles<CallLabels, Counter>,
    seconds: Handles<Call, Histogram>,
}

/// Labels of the counter of calls, besides the provider.
#[derive(PartialEq, Eq, Hash)]
struct CallLabels {
    call: Call,
    channel: Option<Channel>,
    country: Option<&'static str>,
    outcome: &'static str,
    certainty: &'static str,
}

/// Labels of a call, besides its provider and outcome.
#[derive(Clone, Copy)]
struct Labels<'a> {
    call: Call,
    channel: Option<&'a Channel>,
    recipient: Option<&'a Recipient>,
}

impl<P: Port> Metrics<P> {
    pub(super) fn new(inner: P) -> Self {
        let provider = SharedString::from_shared(Arc::from(inner.id().as_str()));
        Self { inner, provider, calls: Handles::default(), seconds: Handles::default() }
    }

    async fn counted<T, F>(
        &self,
        labels: Labels<'_>,
        call: impl FnOnce() -> F + Send,
        word: fn(&T) -> &'static str,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let begun = Instant::now();
        let result = call().await;
        let (outcome, certainty) = match &result {
            Ok(answer) => (word(answer), "none"),
            Err(error) => (error.kind().as_str(), error.certainty().as_str()),
        };
        self.record(labels, outcome, certainty, begun.elapsed());
        result
    }

    fn record(
        &self,
        labels: Labels<'_>,
        outcome: &'static str,
        certainty: &'static str,
        elapsed: Duration,
    ) {
        let Labels { call, channel, recipient } = labels;
        let country = match recipient {
            Some(Recipient::Phone(phone)) => country_of(phone),
            _ => None,
        };
        let labels = CallLabels { call, channel: channel.cloned(), country, outcome, certainty };
        self.calls.get(labels, |labels| self.counter(labels)).increment(1);
        let seconds = self.seconds.get(call, |call| self.histogram(*call));
        seconds.record(elapsed.as_secs_f64());
    }

    fn counter(&self, labels: &CallLabels) -> Counter {
        let name = |label, value| Label::from_static_parts(label, value);
        let CallLabels { call, channel, country, outcome, certainty } = labels;
        let labels = vec![
            provider_label(self.provider.clone()),
            name("call", call.as_str()),
            channel.as_ref().map_or(name("channel", "none"), channel_label),
            name("country", country.unwrap_or("none")),
            name("outcome", outcome),
            name("certainty", certainty),
        ];
        let key = Key::from_parts(CALLS, labels);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
    }

    fn histogram(&self, call: Call) -> Histogram {
        let call = Label::from_static_parts("call", call.as_str());
        let key = Key::from_parts(SECONDS, vec![provider_label(self.provider.clone()), call]);
        with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }
}

pub(crate) fn channel_label(channel: &Channel) -> Label {
    let word: SharedString = match channel {
        Channel::Sms => "sms".into(),
        Channel::Voice => "voice".into(),
        Channel::Email => "email".into(),
        Channel::WhatsApp => "whatsapp".into(),
        other => other.as_str().to_owned().into(),
    };
    Label::new("channel", word)
}

#[deny(clippy::missing_trait_methods)]
impl<P: Port> Port for Metrics<P> {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let (channel, recipient) = (Some(&request.channel), Some(&request.recipient));
        let labels = Labels { call: Call::Send, channel, recipient };
        self.counted(labels, || self.inner.send(cx, request), |_| "ok").await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let recipient = Some(&request.recipient);
        let labels = Labels { call: Call::Verify, channel: None, recipient };
        self.counted(labels, || self.inner.verify(cx, request), Verdict::as_str).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let (channel, recipient) = (request.channel.as_ref(), Some(&request.target.recipient));
        let labels = Labels { call: Call::Resend, channel, recipient };
        self.counted(labels, || self.inner.resend(cx, request), |_| "ok").await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let recipient = Some(&target.recipient);
        let labels = Labels { call: Call::Cancel, channel: None, recipient };
        self.counted(labels, || self.inner.cancel(cx, target), |_| "ok").await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let recipient = Some(&target.recipient);
        let labels = Labels { call: Call::Status, channel: None, recipient };
        self.counted(labels, || self.inner.status(cx, target), |_| "ok").await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        let labels = Labels { call: Call::Balance, channel: None, recipient: None };
        self.counted(labels, || self.inner.balance(cx), |_| "ok").await
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        let recipient = Some(&request.target.recipient);
        let labels = Labels { call: Call::Report, channel: None, recipient };
        self.counted(labels, || self.inner.report(cx, request), |()| "ok").await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        // The vendor is not called.
        self.inner.receipts(cx, request).await
    }
}
