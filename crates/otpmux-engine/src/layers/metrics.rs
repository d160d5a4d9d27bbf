use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{
    Counter, Histogram, Key, KeyName, Label, Level, Metadata, SharedString, Unit, with_recorder,
};
use otpmux_core::{Channel, ProviderId, Recipient};

use super::call::Call;
use super::circuit::Phase;
use super::handles::Handles;
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

/// Counts and times the calls of one provider.
#[derive(Debug)]
pub(super) struct CallMetrics {
    provider: SharedString,
    calls: Handles<CallLabels, Counter>,
    /// By call.
    seconds: [OnceLock<Histogram>; Call::COUNT],
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

/// What identifies a call, besides its provider.
#[derive(Clone, Copy)]
pub(super) struct Labels<'a> {
    pub(super) call: Call,
    pub(super) channel: Option<&'a Channel>,
    pub(super) recipient: Option<&'a Recipient>,
}

impl CallMetrics {
    pub(super) fn of(provider: &ProviderId) -> Self {
        let provider = SharedString::from_shared(Arc::from(provider.as_str()));
        Self { provider, calls: Handles::default(), seconds: Default::default() }
    }

    pub(super) fn record(
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
        self.calls.by(labels, |labels| self.counter(labels), |calls| calls.increment(1));
        let seconds = self.seconds[call as usize].get_or_init(|| self.histogram(call));
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
