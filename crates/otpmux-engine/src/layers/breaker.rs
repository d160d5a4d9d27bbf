use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Clock, Context, Entropy, Error,
    ErrorKind, ProviderId, ResendRequest, SendRequest, Sent, Status, Target, Verdict,
    VerifyRequest,
};
use tokio::time::Instant;

use super::circuit::{Change, Circuit, Now, Phase, Refusal, Ticket};
use super::guards::BreakerSettings;
use super::metrics;
use super::outcome::classify;
use super::port::Port;
use crate::health::{Health, HealthMark};

/// Leaves a provider alone after failures, and lets one call find out when it is well again.
///
/// Gates sends and resends only, and only they feed it. Everything else passes untouched: a vendor
/// that is failing is still the only one who can verify its own codes.
#[derive(Debug)]
pub(super) struct Breaker<P> {
    inner: P,
    switch: Arc<Switch>,
}

impl<P: Port> Breaker<P> {
    /// The switch must be of the same provider.
    pub(super) fn new(inner: P, switch: Arc<Switch>) -> Self {
        Self { inner, switch }
    }
}

/// What decides whether calls go through: a breaker as others than its calls see it.
#[derive(Debug)]
pub(super) struct Switch {
    provider: ProviderId,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Debug)]
struct State {
    circuit: Circuit,
    /// What the gauge shows.
    shown: Option<Phase>,
}

impl Switch {
    pub(super) fn new(
        provider: ProviderId,
        settings: BreakerSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let circuit = Circuit::new(settings, Instant::now());
        let state = Mutex::new(State { circuit, shown: None });
        Self { provider, state, clock, entropy }
    }

    pub(super) fn health(&self) -> Health {
        self.lock().circuit.health(|| (Instant::now(), self.clock.now()))
    }

    pub(super) fn news(&self) -> Option<HealthMark> {
        let (at, state) = self.lock().circuit.news()?;
        Some(HealthMark { provider: self.provider.clone(), at, state })
    }

    pub(super) fn take_back(&self, news: HealthMark) {
        if news.provider == self.provider {
            self.lock().circuit.take_back(news.at, news.state);
        }
    }

    pub(super) fn learn(&self, mark: &HealthMark, wall: SystemTime) {
        if mark.provider == self.provider {
            let now = self.now();
            let change =
                self.with(|circuit| circuit.learn(mark.at, mark.state.as_ref(), wall, now));
            self.log(change, "another process");
        }
    }

    fn admit(&self, cx: &Context) -> Result<Pass<'_>, Error> {
        match self.with(|circuit| circuit.admit(cx.probe, Instant::now)) {
            Ok(ticket) => Ok(Pass { switch: self, ticket: Some(ticket) }),
            Err(Refusal { why, retry_after }) => {
                Err(Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
                    .with_provider(self.provider.clone())
                    .with_detail(why.as_str())
                    .with_retry_after(retry_after))
            }
        }
    }

    fn now(&self) -> Now<'_> {
        Now { instant: Instant::now(), clock: &*self.clock, entropy: &*self.entropy }
    }

    fn with<T>(&self, step: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut state = self.lock();
        let result = step(&mut state.circuit);
        let phase = state.circuit.phase();
        // Under the lock, so that the gauge ends where the breaker does.
        if state.shown.replace(phase) != Some(phase) {
            metrics::breaker_is(&self.provider, phase);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, change: Option<Change>, seen_by: &'static str) {
        let provider = &self.provider;
        match change {
            Some(Change::Opened { why, pause }) => {
                let why = why.as_str();
                tracing::warn!(%provider, why, ?pause, seen_by, "breaker open: provider left alone");
            }
            Some(Change::Closed) => tracing::info!(%provider, seen_by, "breaker closed"),
            None => {}
        }
    }
}

/// The right to make one call. Dropped without a result, it tells nothing, and a probe is due
/// again.
struct Pass<'a> {
    switch: &'a Switch,
    ticket: Option<Ticket>,
}

impl Pass<'_> {
    fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Some(ticket) = self.ticket.take() {
            let (switch, outcome) = (self.switch, classify(&result));
            let now = switch.now();
            let change = switch.with(|circuit| circuit.settle(ticket, outcome, now));
            switch.log(change, "this process");
        }
        result
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take()
            && ticket.probe
        {
            self.switch.with(|circuit| circuit.release(ticket));
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: Port> Port for Breaker<P> {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let pass = self.switch.admit(cx)?;
        pass.end(self.inner.send(cx, request).await)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.inner.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let pass = self.switch.admit(cx)?;
        pass.end(self.inner.resend(cx, request).await)
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        self.inner.cancel(cx, target).await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        self.inner.status(cx, target).await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        self.inner.balance(cx).await
    }
}
