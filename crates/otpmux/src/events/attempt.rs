//! One try to deliver one event.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Entropy as _, OsEntropy};
use otpmux_engine::{EndedEvent, EndpointName, EndpointState, EventDelivery, EventEnd, OtpClient};
use otpmux_http::webhook::{Posted, WebhookSender};

use super::schedule::pause;
use super::{Targets, metrics};

/// The end of one try.
pub(super) struct Tried {
    pub(super) endpoint: EndpointName,
    pub(super) load: Load,
    /// What the store has to know; nothing if the endpoint has no target any more.
    pub(super) ended: Option<EndedEvent>,
}

/// What the answer to a try says about its receiver.
#[derive(Clone, Copy)]
pub(super) enum Load {
    /// It took the event.
    Light,
    /// Nothing.
    Unknown,
    /// It is overloaded, and may have said for how long.
    Heavy(Option<Duration>),
    /// It wants no more events.
    Gone,
}

/// Sends one event once. Only the caller records what became of it.
pub(super) async fn attempt(
    client: OtpClient,
    sender: WebhookSender,
    targets: Arc<Targets>,
    delivery: EventDelivery,
) -> Tried {
    let EventDelivery { endpoint, event, .. } = &delivery;
    let mut tried = Tried { endpoint: endpoint.clone(), load: Load::Unknown, ended: None };
    let Some(target) = targets.get(endpoint) else { return tried };
    let (id, now) = (event.id, client.event_time());
    let posted =
        sender.post(&target.url, &target.secrets, &id.to_string(), now, event.body()).await;
    let (outcome, end) = match posted {
        Posted::Accepted => {
            tried.load = Load::Light;
            ("delivered", EventEnd::Delivered)
        }
        Posted::Refused { status: 410, .. } => {
            tried.load = Load::Gone;
            switch_off(&client, endpoint, "it answered 410").await;
            ("failed", EventEnd::Again(now))
        }
        Posted::Refused { status, retry_after } => {
            if matches!(status, 429 | 502 | 504) {
                tried.load = Load::Heavy(retry_after);
            }
            failed(&client, &delivery, &format!("status {status}"), retry_after)
        }
        Posted::Failed(reason) => failed(&client, &delivery, reason, None),
        _ => failed(&client, &delivery, "an answer that is not known", None),
    };
    metrics::tried(endpoint, id.event(), outcome);
    tried.ended = Some(delivery.ended(end));
    tried
}

/// What follows a failed try: another one, or none.
fn failed(
    client: &OtpClient,
    delivery: &EventDelivery,
    reason: &str,
    asked: Option<Duration>,
) -> (&'static str, EventEnd) {
    let EventDelivery { endpoint, event, tries, .. } = delivery;
    let id = event.id;
    if let Some(pause) = pause(*tries, asked, chance()) {
        tracing::debug!(%endpoint, event = %id, reason, tries, "an event was not delivered yet");
        return ("failed", EventEnd::Failed(client.event_time() + pause));
    }
    tracing::warn!(%endpoint, event = %id, reason, "an event is given up after its last try");
    ("dropped", EventEnd::Dropped)
}

pub(super) async fn switch_off(client: &OtpClient, endpoint: &EndpointName, reason: &'static str) {
    match client.set_endpoint(endpoint.as_str(), EndpointState::Off).await {
        Ok(()) => tracing::error!(
            %endpoint, reason,
            "an endpoint for events is switched off; its events wait until an operator resumes it"
        ),
        Err(error) => tracing::warn!(%error, %endpoint, "an endpoint cannot be switched off"),
    }
}

/// A random number from 0 to 1; 0.5 if there is no randomness.
pub(super) fn chance() -> f64 {
    let mut random = [0; 4];
    match OsEntropy.fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
