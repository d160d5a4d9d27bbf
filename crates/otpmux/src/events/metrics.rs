use metrics::{Key, KeyName, Level, Metadata};
use metrics::{Label, Unit, with_recorder};
use otpmux_engine::{EndpointName, EndpointState, EndpointStatus, EventType};

const EVENTS: &str = "otpmux_events_total";
const WAITING: &str = "otpmux_events_waiting";
const STATE: &str = "otpmux_event_endpoint_on";

static METADATA: Metadata<'static> = Metadata::new("otpmux", Level::INFO, Some(module_path!()));

/// Describes the metrics of event delivery to the installed recorder of the `metrics` crate.
///
/// | metric | labels | value |
/// |---|---|---|
/// | `otpmux_events_total` | `endpoint`, `type`, `outcome` | tries to deliver an event: `delivered`, `failed` (another try follows), or `dropped` (given up, too many waited, or not readable) |
/// | `otpmux_events_waiting` | `endpoint` | events that wait, updated once a minute |
/// | `otpmux_event_endpoint_on` | `endpoint` | 1 if the endpoint gets events, 0 if it is paused or off; updated once a minute |
pub fn describe_event_metrics() {
    with_recorder(|recorder| {
        let name = KeyName::from_const_str;
        let text = "Tries to deliver an event, by outcome";
        recorder.describe_counter(name(EVENTS), Some(Unit::Count), text.into());
        let text = "Events that wait for an endpoint";
        recorder.describe_gauge(name(WAITING), Some(Unit::Count), text.into());
        let text = "Whether an endpoint gets events";
        recorder.describe_gauge(name(STATE), None, text.into());
    });
}

pub(super) fn tried(endpoint: &EndpointName, event: EventType, outcome: &'static str) {
    let labels = vec![
        Label::new("endpoint", endpoint.as_str().to_owned()),
        Label::from_static_parts("type", event.as_str()),
        Label::from_static_parts("outcome", outcome),
    ];
    let key = Key::from_parts(EVENTS, labels);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(1));
}

/// Events of several endpoints that were dropped before any try.
pub(super) fn dropped(count: u64) {
    let labels = vec![
        Label::from_static_parts("endpoint", "none"),
        Label::from_static_parts("type", "none"),
        Label::from_static_parts("outcome", "dropped"),
    ];
    let key = Key::from_parts(EVENTS, labels);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(count));
}

#[expect(clippy::cast_precision_loss, reason = "at most 100,000 events wait")]
pub(super) fn status(status: &EndpointStatus) {
    let set = |name: &'static str, value: f64| {
        let label = Label::new("endpoint", status.endpoint.as_str().to_owned());
        let key = Key::from_parts(name, vec![label]);
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(value));
    };
    set(WAITING, status.waiting as f64);
    set(STATE, if status.state == EndpointState::On { 1.0 } else { 0.0 });
}
