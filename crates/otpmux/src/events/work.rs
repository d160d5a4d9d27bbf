//! The task that delivers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Entropy as _, OsEntropy};
use otpmux_engine::{
    EndpointName, EndpointState, EventDelivery, EventEnd, EventLooks, OtpClient, Wanted,
};
use otpmux_http::webhook::{Posted, WebhookSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::pace::Pace;
use super::schedule::pause;
use super::{Targets, metrics};

/// How often the states of endpoints are read, and how long that may take.
const STATES: Duration = Duration::from_mins(1);
const STATES_WITHIN: Duration = Duration::from_secs(1);
/// The most events on their way, over all endpoints.
const MOST: usize = 64;
/// How long an endpoint may fail before it is switched off.
const PATIENCE: Duration = Duration::from_hours(72);

pub(super) struct Work {
    client: OtpClient,
    targets: watch::Receiver<Arc<Targets>>,
    stop: watch::Receiver<bool>,
    sender: WebhookSender,
    paces: HashMap<EndpointName, Pace>,
    tries: JoinSet<Tried>,
    looks: EventLooks,
    /// When the states of the endpoints are read next.
    states_at: Instant,
}

/// The end of one try.
struct Tried {
    endpoint: EndpointName,
    load: Load,
}

/// What the answer to a try says about the load of its receiver.
#[derive(Clone, Copy)]
enum Load {
    /// It took the event.
    Light,
    /// Nothing.
    Unknown,
    /// It is overloaded, and may have said for how long.
    Heavy(Option<Duration>),
}

impl Work {
    pub(super) fn new(
        client: OtpClient,
        targets: watch::Receiver<Arc<Targets>>,
        stop: watch::Receiver<bool>,
        sender: WebhookSender,
    ) -> Self {
        let (paces, tries) = (HashMap::new(), JoinSet::new());
        let (looks, states_at) = (EventLooks::new(), Instant::now());
        Self { client, targets, stop, sender, paces, tries, looks, states_at }
    }

    pub(super) async fn run(mut self) {
        let mut written = self.client.events_written();
        while !*self.stop.borrow() {
            written.borrow_and_update();
            let targets = Arc::clone(&self.targets.borrow_and_update());
            let full = !targets.is_empty() && self.take(&targets).await;
            // Without targets only a reload is of interest; with room for more, any reason to look.
            let next = Instant::now() + self.looks.pause().mul_f64(0.9 + chance() / 5.0);
            tokio::select! {
                _ = self.stop.changed() => {}
                _ = self.targets.changed() => {}
                _ = written.changed(), if !targets.is_empty() && !full => self.looks.worked(),
                () = sleep_until(next), if !targets.is_empty() && !full => {}
                Some(tried) = self.tries.join_next(), if !self.tries.is_empty() => {
                    self.note(tried.ok());
                }
            }
            while let Some(tried) = self.tries.try_join_next() {
                self.note(tried.ok());
            }
        }
        while let Some(tried) = self.tries.join_next().await {
            self.note(tried.ok());
        }
    }

    /// Takes what is due, and begins to send it. Returns whether no more can be sent before a try ends.
    async fn take(&mut self, targets: &Arc<Targets>) -> bool {
        let now = Instant::now();
        if now >= self.states_at {
            self.states_at = now + STATES;
            self.show_states().await;
        }
        let mut left = MOST.saturating_sub(self.tries.len());
        let mut wanted = Vec::new();
        for endpoint in targets.names() {
            let pace = self.paces.entry(endpoint.clone()).or_default();
            let most = pace.room(now).min(left);
            if most > 0 {
                left -= most;
                wanted.push(Wanted { endpoint: endpoint.clone(), most });
            }
        }
        if wanted.is_empty() {
            return !self.tries.is_empty();
        }
        let taken = match self.client.take_events(&wanted).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, "events cannot be taken from the store now");
                return false;
            }
        };
        if taken.dropped > 0 {
            metrics::dropped(taken.dropped);
            tracing::warn!(events = taken.dropped, "events were dropped, because too many waited");
        }
        let asked: usize = wanted.iter().map(|it| it.most).sum();
        let all = taken.deliveries.len() >= asked;
        if !taken.deliveries.is_empty() {
            self.looks.worked();
        }
        for delivery in taken.deliveries {
            self.paces.entry(delivery.endpoint.clone()).or_default().under_way += 1;
            let (client, sender) = (self.client.clone(), self.sender.clone());
            self.tries.spawn(attempt(client, sender, Arc::clone(targets), delivery));
        }
        all && !self.tries.is_empty()
    }

    fn note(&mut self, tried: Option<Tried>) {
        self.looks.worked();
        // A try that panicked is as one whose process died: its lease ends.
        let Some(Tried { endpoint, load }) = tried else {
            self.paces.clear();
            return;
        };
        let pace = self.paces.entry(endpoint).or_default();
        pace.under_way = pace.under_way.saturating_sub(1);
        match load {
            Load::Heavy(asked) => pace.slow_down(asked, Instant::now()),
            Load::Light => pace.speed_up(),
            Load::Unknown => {}
        }
    }

    /// Shows the states of endpoints as metrics.
    async fn show_states(&self) {
        let deadline = Instant::now() + STATES_WITHIN;
        if let Ok(Ok(all)) = timeout_at(deadline, self.client.event_endpoints()).await {
            all.iter().for_each(metrics::status);
        }
    }
}

/// Sends one event once, and records what became of it.
async fn attempt(
    client: OtpClient,
    sender: WebhookSender,
    targets: Arc<Targets>,
    delivery: EventDelivery,
) -> Tried {
    let EventDelivery { endpoint, event, tries, .. } = delivery;
    let mut tried = Tried { endpoint: endpoint.clone(), load: Load::Unknown };
    let Some(target) = targets.get(&endpoint) else { return tried };
    let (id, now) = (event.id, client.event_time());
    let posted =
        sender.post(&target.url, &target.secrets, &id.to_string(), now, event.body()).await;
    let (reason, asked) = match posted {
        Posted::Accepted => {
            tried.load = Load::Light;
            metrics::tried(&endpoint, id.event(), "delivered");
            record(&client, &endpoint, id, EventEnd::Delivered).await;
            return tried;
        }
        Posted::Refused { status: 410, .. } => {
            switch_off(&client, &endpoint, "it answered 410").await;
            metrics::tried(&endpoint, id.event(), "failed");
            record(&client, &endpoint, id, EventEnd::Again(now)).await;
            return tried;
        }
        Posted::Refused { status, retry_after } => {
            if matches!(status, 429 | 502 | 504) {
                tried.load = Load::Heavy(retry_after);
            }
            (format!("status {status}"), retry_after)
        }
        Posted::Failed(reason) => (reason.to_owned(), None),
        _ => ("an answer that is not known".to_owned(), None),
    };
    let next = pause(tries, asked, chance());
    let (outcome, end) = match next {
        Some(pause) => ("failed", EventEnd::Failed(client.event_time() + pause)),
        None => ("dropped", EventEnd::Dropped),
    };
    metrics::tried(&endpoint, id.event(), outcome);
    if next.is_none() {
        tracing::warn!(%endpoint, event = %id, reason, "an event is given up after its last try");
    } else {
        tracing::debug!(%endpoint, event = %id, reason, tries, "an event was not delivered yet");
    }
    let since = record(&client, &endpoint, id, end).await;
    let now = client.event_time();
    if since.is_some_and(|since| now.duration_since(since).is_ok_and(|it| it > PATIENCE)) {
        switch_off(&client, &endpoint, "nothing was delivered for three days").await;
    }
    tried
}

async fn record(
    client: &OtpClient,
    endpoint: &EndpointName,
    id: otpmux_engine::EventId,
    end: EventEnd,
) -> Option<std::time::SystemTime> {
    match client.end_event(endpoint, id, end).await {
        Ok(since) => since,
        Err(error) => {
            tracing::debug!(%error, "the end of a try is not recorded; the event comes again");
            None
        }
    }
}

async fn switch_off(client: &OtpClient, endpoint: &EndpointName, reason: &'static str) {
    match client.set_endpoint(endpoint.as_str(), EndpointState::Off).await {
        Ok(()) => tracing::error!(
            %endpoint, reason,
            "an endpoint for events is switched off; its events wait until an operator resumes it"
        ),
        Err(error) => tracing::warn!(%error, %endpoint, "an endpoint cannot be switched off"),
    }
}

/// A random number from 0 to 1; 0.5 if there is no randomness.
fn chance() -> f64 {
    let mut random = [0; 4];
    match OsEntropy.fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
