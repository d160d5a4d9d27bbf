use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use otpmux_core::{
    Balance, Cancellation, Capabilities, Certainty, Context, Entropy, Error, NextStep, ProviderId,
    ResendRequest, SendRequest, Sent, Situation, Status, Target, Verdict, VerifyRequest, next_step,
};
use tokio::time::Instant;

use super::budget::Budget;
use super::port::Port;
use super::resilience::Resilience;
use super::{chance, metrics};

/// The longest pause, if there is no deadline to bound it.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Retries a send or resend where [`next_step`] allows it. All other calls are made once: a verify
/// uses up a guess.
#[derive(Debug)]
pub(super) struct Retry<P> {
    inner: P,
    retries: u32,
    first_pause: Duration,
    budget: Mutex<Budget>,
    entropy: Arc<dyn Entropy>,
}

impl<P: Port> Retry<P> {
    pub(super) fn new(inner: P, resilience: &Resilience, entropy: Arc<dyn Entropy>) -> Self {
        let budget = Mutex::new(Budget::new(resilience.retry_budget, Instant::now()));
        let Resilience { retries, retry_pause: first_pause, .. } = *resilience;
        Self { inner, retries, first_pause, budget, entropy }
    }

    async fn tries<F>(
        &self,
        cx: &Context,
        otpmux_code: bool,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<Sent, Error>
    where
        F: Future<Output = Result<Sent, Error>> + Send,
    {
        self.budget(Budget::earn);
        let mut uncertain = false;
        let mut tried = 0;
        loop {
            let error = match call().await {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            uncertain |= error.certainty() == Certainty::Unknown;
            let error = known(error, uncertain);
            let pause = error.retry_after().unwrap_or_else(|| self.pause(tried));
            let situation = Situation {
                another_provider: !cx.only_candidate,
                may_retry: tried < self.retries && in_time(cx, pause),
                idempotent: self.capabilities().idempotent,
                otpmux_code,
                // Failover is decided by the caller, which knows the other providers.
                duplicates_left: 0,
            };
            let NextStep::RetryHere { .. } = next_step(&error, &situation) else {
                return Err(error);
            };
            if !self.budget(|budget| budget.spend(Instant::now())) {
                tracing::debug!(provider = %self.id(), "no further try: the budget is used up");
                return Err(error);
            }
            tracing::debug!(
                provider = %self.id(),
                kind = error.kind().as_str(),
                certainty = error.certainty().as_str(),
                ?pause,
                "trying again",
            );
            tokio::time::sleep(pause).await;
            if let Some(standing) = &cx.cancel_check {
                standing.ensure_pending().await.map_err(|over| known(over, uncertain))?;
            }
            metrics::retried(self.id());
            tried += 1;
        }
    }

    /// Doubles with each try; jitter takes at most half of it, so that tries spread.
    fn pause(&self, tried: u32) -> Duration {
        let whole = self.first_pause.saturating_mul(2u32.saturating_pow(tried));
        let half = whole.min(LONGEST_PAUSE) / 2;
        half + half.mul_f64(chance(&*self.entropy))
    }

    fn budget<T>(&self, step: impl FnOnce(&mut Budget) -> T) -> T {
        step(&mut self.budget.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Once a try's outcome is unknown, the outcome stays unknown, whatever a later try returns.
fn known(error: Error, uncertain: bool) -> Error {
    if uncertain { error.with_certainty(Certainty::Unknown) } else { error }
}

fn in_time(cx: &Context, pause: Duration) -> bool {
    match cx.deadline {
        // A vendor may ask for a longer pause than clocks can represent.
        Some(deadline) => {
            Instant::now().checked_add(pause).is_some_and(|then| then < Instant::from_std(deadline))
        }
        None => pause <= LONGEST_PAUSE,
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: Port> Port for Retry<P> {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let otpmux_code = request.code.otpmux_code().is_some();
        self.tries(cx, otpmux_code, || self.inner.send(cx, request)).await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.inner.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        self.tries(cx, false, || self.inner.resend(cx, request)).await
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
