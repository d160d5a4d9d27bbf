use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use otpmux_core::{
    Channel, CodeSource, Error, OtpProvider, Recipient, SendRequest, Sent, Target, VendorReference,
    Verdict,
};
use otpmux_engine::{Resilience, describe_metrics};
use otpmux_testkit::LogCapture;

use crate::layers_world::{
    Guard, SECOND, cx, fails, is_well, not_sent, resend_request, send_request, too_many,
    verify_request,
};
use crate::world::{PHONE, carrier, phone, unknown};

/// Recorded metrics: `name{label=value,…}`, and a count or a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<BTreeMap<String, f64>>>);

struct Line(Told, String);

impl Told {
    fn line(&self, key: &Key) -> Arc<Line> {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        Arc::new(Line(self.clone(), format!("{}{{{labels}}}", key.name())))
    }

    pub(crate) fn lines(&self) -> Vec<(String, f64)> {
        self.0.lock().unwrap().iter().map(|(line, value)| (line.clone(), *value)).collect()
    }

    pub(crate) fn value(&self, line: &str) -> Option<f64> {
        self.0.lock().unwrap().get(line).copied()
    }
}

impl Line {
    fn update(&self, change: impl FnOnce(&mut f64)) {
        change(self.0.0.lock().unwrap().entry(self.1.clone()).or_default());
    }
}

impl CounterFn for Line {
    fn increment(&self, value: u64) {
        self.update(|now| *now += f64::from(u32::try_from(value).unwrap()));
    }

    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Line {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.update(|now| *now = value);
    }
}

impl HistogramFn for Line {
    fn record(&self, value: f64) {
        self.update(|now| *now += value);
    }
}

impl Recorder for Told {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, _: SharedString) {
        Line(self.clone(), format!("# {}", key.as_str())).update(|_| {});
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe_counter(key, unit, text);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe_counter(key, unit, text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.line(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.line(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.line(key))
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_and_timed() {
    let told = Told::default();
    let _recorder = metrics::set_default_local_recorder(&told);
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    let port = guard.guarded.port();
    provider.sends.answer_after(2 * SECOND, Ok(Sent::new()));
    guard.send().await.unwrap();
    provider.sends.answer(Err(not_sent()));
    guard.send().await.unwrap_err();
    provider.sends.answer_after(SECOND, Err(unknown()));
    guard.send().await.unwrap_err();
    provider.verifies.answer(Ok(Verdict::Approved));
    port.verify(&cx(), &verify_request()).await.unwrap();
    port.verify(&cx(), &verify_request()).await.unwrap();
    let target = resend_request().target;
    port.resend(&cx(), &resend_request()).await.unwrap_err();
    port.cancel(&cx(), &target).await.unwrap_err();
    port.status(&cx(), &target).await.unwrap_err();
    port.balance(&cx()).await.unwrap_err();

    let call = |call: &str, channel: &str, country: &str, outcome: &str, certainty: &str| {
        let outcome = format!("outcome={outcome},certainty={certainty}");
        let labels = format!("provider=a,call={call},channel={channel},country={country}");
        let line = format!("otpmux_calls_total{{{labels},{outcome}}}");
        assert_eq!(told.value(&line), Some(1.0), "{line} of {:#?}", told.lines());
    };
    call("send", "sms", "IN", "ok", "none");
    call("send", "sms", "IN", "transport", "not_sent");
    call("send", "sms", "IN", "unavailable", "unknown");
    call("verify", "none", "IN", "approved", "none");
    call("verify", "none", "IN", "wrong_code", "none");
    call("resend", "none", "IN", "unsupported", "not_sent");
    call("cancel", "none", "IN", "unsupported", "not_sent");
    call("status", "none", "IN", "unsupported", "not_sent");
    call("balance", "none", "none", "unsupported", "not_sent");
    assert_eq!(told.value("otpmux_call_seconds{provider=a,call=send}"), Some(3.0));
    assert!(told.value("otpmux_call_seconds{provider=a,call=balance}").is_some());
    let calls = told.lines().into_iter().filter(|(line, _)| line.starts_with("otpmux_calls"));
    assert_eq!(calls.count(), 9);
}

#[tokio::test(start_paused = true)]
async fn the_gauge_shows_the_breaker() {
    let told = Told::default();
    let _recorder = metrics::set_default_local_recorder(&told);
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    let shown = || told.value("otpmux_circuit_state{provider=a}");
    guard.send().await.unwrap();
    assert_eq!(shown(), Some(0.0));
    fails(&provider, unknown);
    guard.sends(5).await;
    assert_eq!(shown(), Some(1.0));
    guard.pass(5 * SECOND).await;
    provider.sends.answer_after(SECOND, Err(too_many(SECOND)));
    let (_, allow_half_open) = tokio::join!(guard.send(), async {
        provider.sends.called(7).await;
        shown()
    });
    assert_eq!((allow_half_open, shown()), (Some(0.5), Some(1.0)));
    is_well(&provider);
    guard.pass(SECOND).await;
    guard.send().await.unwrap();
    assert_eq!(shown(), Some(0.0));
}

#[test]
fn every_metric_is_described() {
    let told = Told::default();
    metrics::with_local_recorder(&told, describe_metrics);
    let lines: Vec<_> = told.lines().into_iter().map(|(line, _)| line).collect();
    let calls =
        ["call_seconds", "calls_total", "circuit_state", "delivered_total", "delivery_seconds"];
    let sends = [
        "escalations_total",
        "limited_total",
        "provider_balance",
        "receipts_total",
        "reports_total",
    ];
    let others = ["retries_total", "send_seconds", "sends_total"];
    let stores = ["store_clock_skew_seconds", "store_full", "verdicts_total"];
    let all = calls.iter().chain(&sends).chain(&others).chain(&stores);
    let names: Vec<_> = all.map(|n| format!("# otpmux_{n}")).collect();
    assert_eq!(lines, names);
}

/// Every call, with everything that must not be logged.
async fn everything(guard: &Guard) {
    let port = guard.guarded.port();
    let target = Target::new(phone(), Some(VendorReference::new("reference-5551")));
    let mut verify = verify_request();
    verify.reference.clone_from(&target.reference);
    verify.client.ip = Some("203.0.113.77".parse().unwrap());
    let mut send = send_request();
    send.client = verify.client.clone();
    let mut resend = resend_request();
    resend.target = target.clone();
    resend.channel = Some(Channel::Voice);
    let mailbox: Recipient = "a@example.com".parse().unwrap();
    let email = SendRequest::new(mailbox, Channel::Email, CodeSource::Vendor { length: None });
    let cx = cx();
    let _ = port.send(&cx, &send).await;
    let _ = port.send(&cx, &email).await;
    let _ = port.verify(&cx, &verify).await;
    let _ = port.resend(&cx, &resend).await;
    let _ = port.cancel(&cx, &target).await;
    let _ = port.status(&cx, &target).await;
    let _ = port.balance(&cx).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_personal_is_logged_or_counted() {
    let told = Told::default();
    let _recorder = metrics::set_default_local_recorder(&told);
    let capture = LogCapture::new();
    let _logs = capture.install_scoped();
    let provider = carrier("a");
    let reference = VendorReference::new("reference-5551");
    let guard = Guard::of(&provider, &Resilience::default());
    provider.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
    everything(&guard).await;
    for error in [not_sent(), unknown(), too_many(SECOND)] {
        let (kind, certainty, blame) = (error.kind(), error.certainty(), error.blame());
        provider.sends.always(move |_, _| Err(Error::new(kind, certainty, blame)));
        provider.resends.always(move |_, _| Err(Error::new(kind, certainty, blame)));
        everything(&guard).await;
        everything(&guard).await;
    }
    let secrets = [PHONE, &PHONE[3..], "004217", "5551", "203.0.113.77", "example.com"];
    capture.assert_clean(&secrets);
    let counted = format!("{:?}", told.lines());
    otpmux_testkit::leaks::assert_clean(&counted, &secrets);
    otpmux_testkit::leaks::assert_clean(&format!("{:?}", guard.guarded), &secrets);
    assert!(capture.text().contains("circuit opened"));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_a_span_with_its_end() {
    let capture = LogCapture::new();
    let _logs = capture.install_scoped();
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    guard.send().await.unwrap();
    let text = capture.take();
    for word in ["provider=a", "call=send", "channel=sms", "outcome=ok", "elapsed"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(text.contains("DEBUG") && !text.contains("WARN"), "{text}");
    provider.sends.answer_after(SECOND, Err(unknown()));
    guard.send().await.unwrap_err();
    let text = capture.take();
    let words = ["outcome=unavailable", "certainty=unknown", "blame=provider", "elapsed=1s"];
    for word in words {
        assert!(text.contains(word), "{word} in {text}");
    }
    guard.guarded.port().verify(&cx(), &verify_request()).await.unwrap();
    let text = capture.take();
    assert!(text.contains("outcome=wrong_code") && text.contains("channel=none"), "{text}");
}

/// A layer that answered for its provider, or dropped a method, would break the engine's plan.
#[tokio::test(start_paused = true)]
async fn the_stack_is_the_provider() {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    let port = guard.guarded.port();
    assert_eq!((port.id(), port.capabilities()), (provider.id(), provider.capabilities()));
    let target = resend_request().target;
    let _ = port.send(&cx(), &send_request()).await;
    let _ = port.verify(&cx(), &verify_request()).await;
    let _ = port.resend(&cx(), &resend_request()).await;
    let _ = port.cancel(&cx(), &target).await;
    let _ = port.status(&cx(), &target).await;
    let _ = port.balance(&cx()).await;
    let sending = [provider.sends.count(), provider.verifies.count(), provider.resends.count()];
    let rest = [provider.cancels.count(), provider.statuses.count(), provider.balances.count()];
    assert_eq!((sending, rest), ([1; 3], [1; 3]));
}
