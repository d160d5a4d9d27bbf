//! The task that delivers.
//!
//! What it does with the store, it does in turns, at most one in [`GATHER`]: a turn records what became of all
//! tries that ended since the last one, and takes all events that can be sent until the next one. So a
//! busy process asks the store a hundred times a second, however many events there are, and an event
//! that comes alone is taken at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use otpmux_engine::{EndedEvent, EndpointName, EventDelivery, EventEnd, Looks, OtpClient, Wanted};
use otpmux_http::webhook::WebhookSender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attempt::{Load, Tried, attempt, chance, switch_off};
use super::pace::Pace;
use super::{Targets, metrics};

/// The least time between two turns.
const GATHER: Duration = Duration::from_millis(10);
/// How often the states of endpoints are read, and how long that may take.
const STATES: Duration = Duration::from_mins(1);
const STATES_WITHIN: Duration = Duration::from_secs(1);
/// The most events on their way, over all endpoints; and the most that are taken from the store, with these.
const MOST: usize = 64;
const MOST_TAKEN: usize = 256;
/// How long an event that was taken may wait for its try, before it is given back: much shorter than its
/// lease.
const HELD: Duration = Duration::from_secs(2);
/// How long an endpoint may fail before it is switched off.
const PATIENCE: Duration = Duration::from_hours(72);

pub(super) struct Work {
    client: OtpClient,
    targets: watch::Receiver<Arc<Targets>>,
    stop: watch::Receiver<bool>,
    sender: WebhookSender,
    paces: HashMap<EndpointName, Pace>,
    tries: JoinSet<Tried>,
    /// What the next turn records.
    ended: Vec<EndedEvent>,
    looks: Looks,
    /// When the last turn was, and when the next one is.
    turned_at: Instant,
    turn_at: Instant,
    /// When the states of the endpoints are read next.
    states_at: Instant,
}

impl Work {
    pub(super) fn new(
        client: OtpClient,
        targets: watch::Receiver<Arc<Targets>>,
        stop: watch::Receiver<bool>,
        sender: WebhookSender,
    ) -> Self {
        let now = Instant::now();
        Self {
            client,
            targets,
            stop,
            sender,
            paces: HashMap::new(),
            tries: JoinSet::new(),
            ended: Vec::new(),
            looks: Looks::for_events(),
            turned_at: now,
            turn_at: now,
            states_at: now,
        }
    }

    pub(super) async fn run(mut self) {
        let mut written = self.client.events_written();
        // Without the deliverer, nothing else could stop this task.
        while self.stop.has_changed().is_ok() && !*self.stop.borrow() {
            let targets = Arc::clone(&self.targets.borrow_and_update());
            if self.turn_at <= Instant::now() {
                written.borrow_and_update();
                self.turn(&targets).await;
            }
            self.start(&targets);
            // Without targets only a reload is of interest, and what became of the last tries.
            let (takes, soon) = (!targets.is_empty(), self.is_soon());
            let turns = takes || !self.ended.is_empty();
            tokio::select! {
                _ = self.stop.changed() => {}
                _ = self.targets.changed() => self.turn_soon(),
                _ = written.changed(), if takes && !soon => {
                    self.looks.worked();
                    self.turn_soon();
                }
                () = sleep_until(self.turn_at), if turns => {}
                Some(tried) = self.tries.join_next(), if !self.tries.is_empty() => {
                    self.note(tried.ok());
                }
            }
            while let Some(tried) = self.tries.try_join_next() {
                self.note(tried.ok());
            }
        }
        self.finish().await;
    }

    /// Records what was delivered, gives back what was not tried, and waits for the tries under way.
    async fn finish(&mut self) {
        self.give_back(Pace::give_back_all);
        self.record().await;
        while let Some(tried) = self.tries.join_next().await {
            self.note(tried.ok());
            while let Some(tried) = self.tries.try_join_next() {
                self.note(tried.ok());
            }
            self.record().await;
        }
    }

    fn is_soon(&self) -> bool {
        self.turn_at <= self.turned_at + GATHER
    }

    fn turn_soon(&mut self) {
        self.turn_at = self.turn_at.min(self.turned_at + GATHER);
    }

    /// Records what became of tries, and takes what is due and can be sent until the next turn.
    async fn turn(&mut self, targets: &Targets) {
        let now = Instant::now();
        self.turned_at = now;
        self.give_back(|pace| pace.give_back(now, HELD));
        self.record().await;
        if !targets.is_empty() {
            self.take(targets, now).await;
        }
        // With a tenth more or less, so that processes do not look at the same moments.
        let pause = self.looks.pause().mul_f64(0.9 + chance() / 5.0);
        self.turn_at = Instant::now() + pause;
    }

    /// Takes what is due.
    async fn take(&mut self, targets: &Targets, now: Instant) {
        if now >= self.states_at {
            self.states_at = now + STATES;
            self.show_states().await;
        }
        let wanted = self.wanted(targets, now);
        if wanted.is_empty() {
            return;
        }
        let taken = match self.client.take_events(&wanted).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, "events cannot be taken from the store now");
                return;
            }
        };
        if taken.dropped > 0 {
            metrics::dropped(taken.dropped);
            tracing::warn!(events = taken.dropped, "events were dropped, because too many waited");
        }
        if !taken.deliveries.is_empty() {
            self.looks.worked();
        }
        for delivery in taken.deliveries {
            self.paces.entry(delivery.endpoint.clone()).or_default().queue(delivery, now);
        }
    }

    /// How many events of each endpoint can be sent until the next turn.
    fn wanted(&mut self, targets: &Targets, now: Instant) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        if self.tries.len() >= MOST {
            return wanted;
        }
        let queued: usize = self.paces.values().map(Pace::queued).sum();
        let mut left = MOST_TAKEN.saturating_sub(self.tries.len() + queued);
        for endpoint in targets.names() {
            let pace = self.paces.entry(endpoint.clone()).or_default();
            let most = pace.wanted(now).min(left);
            if most > 0 {
                left -= most;
                wanted.push(Wanted { endpoint: endpoint.clone(), most });
            }
        }
        wanted
    }

    /// Begins to send what was taken, as far as there is room.
    fn start(&mut self, targets: &Arc<Targets>) {
        let now = Instant::now();
        for pace in self.paces.values_mut() {
            while self.tries.len() < MOST
                && let Some(delivery) = pace.start(now)
            {
                let (client, sender) = (self.client.clone(), self.sender.clone());
                self.tries.spawn(attempt(client, sender, Arc::clone(targets), delivery));
            }
        }
    }

    fn note(&mut self, tried: Option<Tried>) {
        self.looks.worked();
        self.turn_soon();
        // A try that panicked is as one whose process died: its lease ends.
        let Some(Tried { endpoint, load, ended }) = tried else {
            self.paces.clear();
            return;
        };
        self.ended.extend(ended);
        let pace = self.paces.entry(endpoint).or_default();
        pace.end(matches!(load, Load::Light));
        if let Load::Heavy(asked) = load {
            pace.slow_down(asked, Instant::now());
        }
        if matches!(load, Load::Heavy(_) | Load::Gone) {
            let again = EventEnd::Again(self.client.event_time());
            self.ended.extend(pace.give_back_all().map(|it| it.ended(again)));
        }
    }

    /// Makes events due again that were taken and will not be tried here.
    fn give_back<I: Iterator<Item = EventDelivery>>(&mut self, mut of: impl FnMut(&mut Pace) -> I) {
        let again = EventEnd::Again(self.client.event_time());
        for pace in self.paces.values_mut() {
            self.ended.extend(of(pace).map(|it| it.ended(again)));
        }
    }

    /// Records what became of tries. What the store does not take comes again when its lease ends.
    async fn record(&mut self) {
        if self.ended.is_empty() {
            return;
        }
        let ended = std::mem::take(&mut self.ended);
        let known = match self.client.end_events(&ended).await {
            Ok(known) => known,
            Err(error) => {
                let events = ended.len();
                tracing::debug!(%error, events, "the ends of tries are not recorded; the events come again");
                return;
            }
        };
        let now = self.client.event_time();
        for (endpoint, since) in known.failing_since {
            let failed = |it: &EndedEvent| {
                it.endpoint == endpoint && matches!(it.end, EventEnd::Failed(_) | EventEnd::Dropped)
            };
            if now.duration_since(since).is_ok_and(|it| it > PATIENCE) && ended.iter().any(failed) {
                switch_off(&self.client, &endpoint, "nothing was delivered for three days").await;
            }
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
