//! Metrics of whole sends and verifies, over all providers.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Counter, Histogram, Key, KeyName, Label, Level, Metadata, Unit, with_recorder};
use otpmux_core::{Balance, Channel, Error, ProviderId, Recipient, Verdict};
use tokio::time::Instant;

use super::Verification;
use crate::layers::{Handles, channel_label, describe};
use crate::numbers::country_of;
use crate::{LimitScope, SendAttempt, StoreState, VerificationId};

const SENDS: &str = "otpmux_sends_total";
const SECONDS: &str = "otpmux_send_seconds";
const RETRIES: &str = "otpmux_retries_total";
const VERDICTS: &str = "otpmux_verdicts_total";
const LIMITED: &str = "otpmux_limited_total";
const SKEW: &str = "otpmux_store_clock_skew_seconds";
const FULL: &str = "otpmux_store_full";
const BALANCE: &str = "otpmux_provider_balance";
const RECEIPTS: &str = "otpmux_receipts_total";
const DELIVERED: &str = "otpmux_delivered_total";
const DELIVERY_SECONDS: &str = "otpmux_delivery_seconds";
const REPORTS: &str = "otpmux_reports_total";
const ESCALATIONS: &str = "otpmux_escalations_total";

static METADATA: Metadata<'static> = Metadata::new("otpmux", Level::INFO, Some(module_path!()));

/// Describes the engine's metrics to the installed recorder of the `metrics` crate. Call it once,
/// after installing the recorder; the metrics are recorded without it too. Install the recorder
/// before a client sends its first message: a client looks for it once per metric.
///
/// | metric | labels | value |
/// |---|---|---|
/// | `otpmux_calls_total` | `provider`, `call`, `channel`, `country`, `outcome`, `certainty` | calls that ended; each try is a call |
/// | `otpmux_call_seconds` | `provider`, `call` | how long they took, with the wait for a free slot |
/// | `otpmux_retries_total` | `provider` | further tries at the same provider |
/// | `otpmux_circuit_state` | `provider` | 0 closed, 0.5 half-open, 1 open |
/// | `otpmux_sends_total` | `kind`, `channel`, `country`, `outcome` | sends and resends, of a `verification` or a `delivery`, that got as far as a provider's call, over all their providers: `confirmed`, `unconfirmed`, or the kind of the error |
/// | `otpmux_send_seconds` | | how long they took |
/// | `otpmux_verdicts_total` | `verdict` | codes that were tried |
/// | `otpmux_limited_total` | `limit` | messages that a limit refused |
/// | `otpmux_store_clock_skew_seconds` | | by how much the store's clock is ahead of this process's; times are corrected by it |
/// | `otpmux_store_full` | | 1 when the store refuses new verifications for want of room, 0 otherwise; updated by [`ready`](crate::OtpClient::ready) |
/// | `otpmux_provider_balance` | `provider`, `currency` | what was left on the vendor's account when it was last asked; the currency of credits is `none` |
/// | `otpmux_receipts_total` | `provider`, `result` | what vendors reported about messages: `changed` (it changed what is known), `repeated`, `late` (the verification is gone, or the reference is not recorded yet), `unknown` (no message of this provider), and requests that were `forged` (or too old), `unreadable` or `failed` (the store) |
/// | `otpmux_delivered_total` | `provider`, `channel`, `country` | messages that their vendors reported as delivered, each once |
/// | `otpmux_delivery_seconds` | `provider`, `channel` | how long that took, from the send or resend on, by the vendor's clock if it gives a time |
/// | `otpmux_escalations_total` | `outcome` | steps of escalation: `sent` (a vendor has it, or may have it), `failed` (certainly nothing was sent), `skipped` (no provider, or no room in a limit) |
/// | `otpmux_reports_total` | `provider`, `outcome` | reports to vendors on how a verification ended: `ok`, or the kind of the last error |
///
/// `call` is a method of [`OtpProvider`](otpmux_core::OtpProvider). `outcome` is `ok`, the
/// verdict's word, or the kind of the error, and `certainty` is the error's. A label that does not
/// apply says `none`; the country is that of the telephone number. No label ever holds a recipient.
pub fn describe_metrics() {
    describe();
    with_recorder(|recorder| {
        let name = KeyName::from_const_str;
        let text = "Sends and resends that ended, by outcome";
        recorder.describe_counter(name(SENDS), Some(Unit::Count), text.into());
        let text = "How long sends and resends took, over all their providers";
        recorder.describe_histogram(name(SECONDS), Some(Unit::Seconds), text.into());
        let text = "Further tries of sends at the same provider";
        recorder.describe_counter(name(RETRIES), Some(Unit::Count), text.into());
        let text = "Codes that were tried, by verdict";
        recorder.describe_counter(name(VERDICTS), Some(Unit::Count), text.into());
        let text = "Sends and resends that a limit refused";
        recorder.describe_counter(name(LIMITED), Some(Unit::Count), text.into());
        let text = "By how much the store's clock is ahead of this process's";
        recorder.describe_gauge(name(SKEW), Some(Unit::Seconds), text.into());
        let text = "Whether the store refuses new verifications for want of room";
        recorder.describe_gauge(name(FULL), None, text.into());
        let text = "What was left on the vendor's account when it was last asked";
        recorder.describe_gauge(name(BALANCE), None, text.into());
        let text = "What vendors reported about messages, by result";
        recorder.describe_counter(name(RECEIPTS), Some(Unit::Count), text.into());
        let text = "Messages that their vendors reported as delivered";
        recorder.describe_counter(name(DELIVERED), Some(Unit::Count), text.into());
        let text = "How long messages took until they were delivered";
        recorder.describe_histogram(name(DELIVERY_SECONDS), Some(Unit::Seconds), text.into());
        let text = "Reports to vendors on how verifications ended";
        recorder.describe_counter(name(REPORTS), Some(Unit::Count), text.into());
        let text = "Steps of escalation, by outcome";
        recorder.describe_counter(name(ESCALATIONS), Some(Unit::Count), text.into());
    });
}

/// Whether a record is that of a verification or of a delivery, in a word.
pub(super) fn kind(id: VerificationId) -> &'static str {
    if id.is_delivery() { "delivery" } else { "verification" }
}

/// The metrics of every send and verify.
#[derive(Debug, Default)]
pub(super) struct MessageMetrics {
    sends: Handles<SendLabels, Counter>,
    seconds: OnceLock<Histogram>,
    verdicts: Handles<&'static str, Counter>,
}

#[derive(PartialEq, Eq, Hash)]
struct SendLabels {
    kind: &'static str,
    channel: Channel,
    country: Option<&'static str>,
    outcome: &'static str,
}

impl MessageMetrics {
    /// Records the end of a send or resend.
    pub(super) fn sent(
        &self,
        begun: Instant,
        kind: &'static str,
        recipient: &Recipient,
        channel: &Channel,
        result: &Result<Verification, Error>,
    ) {
        let country = recipient.phone().and_then(country_of);
        let outcome = outcome(result);
        let labels = SendLabels { kind, channel: channel.clone(), country, outcome };
        let register = |labels: &SendLabels| {
            let label = |name, value| Label::from_static_parts(name, value);
            let SendLabels { kind, channel, country, outcome } = labels;
            let labels = vec![
                label("kind", kind),
                channel_label(channel),
                label("country", country.unwrap_or("none")),
                label("outcome", outcome),
            ];
            let key = Key::from_parts(SENDS, labels);
            with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
        };
        self.sends.by(labels, register, |sends| sends.increment(1));
        let seconds = self.seconds.get_or_init(|| {
            let key = Key::from_static_name(SECONDS);
            with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
        });
        seconds.record(begun.elapsed().as_secs_f64());
    }

    /// Records a verdict.
    pub(super) fn tried(&self, verdict: &Verdict) {
        let verdicts = |word: &&'static str| counter(VERDICTS, "verdict", word);
        self.verdicts.by(verdict.as_str(), verdicts, |verdicts| verdicts.increment(1));
    }
}

/// The result of a send or resend, in a word.
pub(super) fn outcome(result: &Result<Verification, Error>) -> &'static str {
    match result {
        Ok(sent) if sent.confirmed => "confirmed",
        Ok(_) => "unconfirmed",
        Err(error) => error.kind().as_str(),
    }
}

/// Records a further try at this provider.
pub(super) fn retried(provider: &ProviderId) {
    let key = Key::from_parts(RETRIES, vec![Label::new("provider", provider.as_str().to_owned())]);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA)).increment(1);
}

/// Records the balance that a vendor reported.
pub(super) fn balance_is(provider: &ProviderId, balance: &Balance) {
    let Some(amount) = balance.amount.parse().ok().filter(|amount: &f64| amount.is_finite()) else {
        return;
    };
    let currency = balance.currency.clone().unwrap_or_else(|| "none".to_owned());
    let provider = Label::new("provider", provider.as_str().to_owned());
    let key = Key::from_parts(BALANCE, vec![provider, Label::new("currency", currency)]);
    with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(amount);
}

/// The result of one receipt, or of a request that could not be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReceiptResult {
    /// It changed what is known of its message.
    Changed,
    /// It, or more, was known already.
    Repeated,
    /// The verification of its message is gone, or its reference is not recorded yet.
    Late,
    /// It names no message of this provider.
    Unknown,
    /// The request is not the vendor's, or too old.
    Forged,
    /// The request cannot be read.
    Unreadable,
    /// The store could not take it.
    Failed,
}

impl ReceiptResult {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Forged => "forged",
            Self::Unreadable => "unreadable",
            Self::Failed => "failed",
        }
    }
}

/// Records the result of a receipt.
pub(super) fn receipt(provider: &ProviderId, result: ReceiptResult) {
    count_of(RECEIPTS, provider, "result", result.as_str());
}

/// Records the end of a report.
pub(super) fn reported(provider: &ProviderId, outcome: &'static str) {
    count_of(REPORTS, provider, "outcome", outcome);
}

fn count_of(name: &'static str, provider: &ProviderId, label: &'static str, value: &'static str) {
    let provider = Label::new("provider", provider.as_str().to_owned());
    let key = Key::from_parts(name, vec![provider, Label::from_static_parts(label, value)]);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA)).increment(1);
}

/// Records the first report that a message is delivered.
pub(super) fn delivered(attempt: &SendAttempt, recipient: Option<&Recipient>, took: Duration) {
    let country = recipient.and_then(Recipient::phone).and_then(country_of).unwrap_or("none");
    let provider = Label::new("provider", attempt.provider.as_str().to_owned());
    let channel = channel_label(&attempt.channel);
    let labels = vec![provider.clone(), channel.clone()];
    let seconds = Key::from_parts(DELIVERY_SECONDS, labels);
    let labels = vec![provider, channel, Label::from_static_parts("country", country)];
    let delivered = Key::from_parts(DELIVERED, labels);
    with_recorder(|recorder| {
        recorder.register_counter(&delivered, &METADATA).increment(1);
        recorder.register_histogram(&seconds, &METADATA).record(took.as_secs_f64());
    });
}

/// Shows the steps of escalation from the beginning, with zero: so that the first one is a rise.
pub(super) fn no_escalations_yet() {
    for outcome in ["sent", "failed", "skipped"] {
        let labels = vec![Label::from_static_parts("outcome", outcome)];
        let key = Key::from_parts(ESCALATIONS, labels);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA)).increment(0);
    }
}

/// Records a step of escalation.
pub(super) fn escalated(outcome: &'static str) {
    count(ESCALATIONS, "outcome", outcome);
}

/// Records a message that a limit refused.
pub(super) fn limited(scope: LimitScope) {
    count(LIMITED, "limit", scope.as_str());
}

fn count(name: &'static str, label: &'static str, value: &'static str) {
    counter(name, label, value).increment(1);
}

fn counter(name: &'static str, label: &'static str, value: &'static str) -> Counter {
    let key = Key::from_parts(name, vec![Label::from_static_parts(label, value)]);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
}

/// Records how far this process's clock is off.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of days are exact")]
pub(super) fn store_is_ahead(milliseconds: i64) {
    let skew = Key::from_static_name(SKEW);
    with_recorder(|recorder| recorder.register_gauge(&skew, &METADATA))
        .set(milliseconds as f64 / 1_000.0);
}

/// Records whether the store has room.
pub(super) fn store_is(state: StoreState) {
    let full = match state {
        StoreState::Ok => 0.0,
        StoreState::Full => 1.0,
    };
    let key = Key::from_static_name(FULL);
    with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(full);
}
