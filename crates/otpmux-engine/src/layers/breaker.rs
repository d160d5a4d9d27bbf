use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Clock, Context, Entropy, Error,
    ErrorKind, ProviderId, ReceiptRequest, Receipts, ReportRequest, ResendRequest, SendRequest,
    Sent, Status, Target, Verdict, VerifyRequest,
};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::circuit::{Change, Circuit, Now, Phase, Refusal, Ticket};
use super::ends;
use super::metrics;
use super::outcome::classify;
use super::port::Port;
use super::resilience::BreakerSettings;
use crate::store::health::{Health, HealthUpdate, Witness};

/// Circuit breaker: refuses calls to a provider after failures, and lets few probes find out when
/// it works again.
///
/// Applies to sends and resends only, and only they count. All other calls pass: while a vendor
/// fails, it is still the only one that can verify the codes it generated.
#[derive(Debug)]
pub(super) struct Breaker<P> {
    inner: P,
    breaker_handle: Arc<BreakerHandle>,
}

impl<P: Port> Breaker<P> {
    /// `breaker_handle` must be of the same provider.
    pub(super) fn new(inner: P, breaker_handle: Arc<BreakerHandle>) -> Self {
        Self { inner, breaker_handle }
    }
}

/// State of the breaker, shared with the code outside the call chain.
#[derive(Debug)]
pub(super) struct BreakerHandle {
    provider: ProviderId,
    me: Witness,
    state: Mutex<State>,
    /// Wakes the calls that wait because enough calls are probing.
    probe_ended: Notify,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

#[derive(Debug)]
struct State {
    circuit: Circuit,
    /// The phase that the gauge shows.
    shown: Option<Phase>,
}

impl BreakerHandle {
    pub(super) fn new(
        provider: ProviderId,
        settings: BreakerSettings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        me: Witness,
    ) -> Self {
        let circuit = Circuit::new(settings, me, Instant::now());
        let state = Mutex::new(State { circuit, shown: None });
        Self { provider, me, state, probe_ended: Notify::new(), clock, entropy }
    }

    pub(super) fn health(&self) -> Health {
        self.lock().circuit.health(|| (Instant::now(), self.clock.now()))
    }

    pub(super) fn take_update(&self) -> Option<HealthUpdate> {
        let (at, state) = self.lock().circuit.take_update()?;
        Some(HealthUpdate { provider: self.provider.clone(), witness: self.me, at, state })
    }

    pub(super) fn requeue(&self, update: HealthUpdate) {
        if update.provider == self.provider {
            self.lock().circuit.requeue(update.at, update.state);
        }
    }

    pub(super) fn apply(&self, updates: &[HealthUpdate], wall: SystemTime) {
        let updates = updates.iter().filter(|update| update.provider == self.provider);
        if updates.clone().next().is_some() {
            let now = self.now();
            let change = self.with(|circuit| circuit.apply(&updates, wall, now));
            self.log(change, "another process");
        }
    }

    async fn admit(&self, cx: &Context) -> Result<Permit<'_>, Error> {
        let refusal = match self.try_admit(cx) {
            Ok(pass) => return Ok(pass),
            // Boxed, so that calls that need not wait have a small future.
            Err(refusal) if refusal.crowded => match Box::pin(self.wait(cx)).await {
                Ok(pass) => return Ok(pass),
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        Err(Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
            .with_provider(self.provider.clone())
            .with_detail(refusal.why.as_str())
            .with_retry_after(refusal.retry_after))
    }

    fn try_admit(&self, cx: &Context) -> Result<Permit<'_>, Refusal> {
        let ticket = self.with(|circuit| circuit.admit(cx.allow_half_open, Instant::now))?;
        Ok(Permit { breaker_handle: self, ticket: Some(ticket) })
    }

    /// Waits for probes to end: if one succeeds, this call may proceed.
    async fn wait(&self, cx: &Context) -> Result<Permit<'_>, Refusal> {
        let ends = ends(cx).min(Instant::now() + Circuit::PROBE_TIME);
        loop {
            let mut ended = std::pin::pin!(self.probe_ended.notified());
            // Listens from here on, so that no end is missed between the check and the wait.
            ended.as_mut().enable();
            let refusal = match self.try_admit(cx) {
                Err(refusal) if refusal.crowded => refusal,
                result => return result,
            };
            if timeout_at(ends, ended).await.is_err() {
                return Err(refusal);
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
        // Under the lock, so that the gauge's last value is the breaker's last phase.
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
                tracing::warn!(%provider, why, ?pause, seen_by, "circuit opened");
            }
            Some(Change::Closed) => tracing::info!(%provider, seen_by, "circuit closed"),
            None => {}
        }
    }
}

/// The right to make one call. If it is dropped without a result, it records nothing, and a probe
/// is due again.
struct Permit<'a> {
    breaker_handle: &'a BreakerHandle,
    ticket: Option<Ticket>,
}

impl Permit<'_> {
    fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Some(ticket) = self.ticket.take() {
            let (breaker_handle, outcome) = (self.breaker_handle, classify(&result));
            let now = breaker_handle.now();
            let change =
                breaker_handle.with(|circuit| circuit.record_outcome(ticket, outcome, now));
            if ticket.probe {
                breaker_handle.probe_ended.notify_waiters();
            }
            breaker_handle.log(change, "this process");
        }
        result
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take()
            && ticket.probe
        {
            self.breaker_handle.with(|circuit| circuit.release(ticket));
            self.breaker_handle.probe_ended.notify_waiters();
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
        let pass = self.breaker_handle.admit(cx).await?;
        pass.end(self.inner.send(cx, request).await)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.inner.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let pass = self.breaker_handle.admit(cx).await?;
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

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        self.inner.report(cx, request).await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        self.inner.receipts(cx, request).await
    }
}
