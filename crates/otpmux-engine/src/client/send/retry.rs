//! Retries at the provider that has just failed. They belong to the send, not to the layers around
//! the provider: only the send knows its other candidates and whether it is still wanted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use otpmux_core::{
    Certainty, Context, Entropy, Error, NextStep, ResendRequest, SendRequest, Sent, Situation,
    next_step,
};
use tokio::time::Instant;

use super::retry_budget::Budget;
use super::still_pending::StillPending;
use crate::Resilience;
use crate::client::metrics;
use crate::client::providers::ProviderEntry;
use crate::layers::chance;

/// The longest pause, if there is no deadline to bound it.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The retry settings of one provider, and the budget that all its sends share. It lives as long as
/// the provider, so that a reload that keeps the provider keeps the budget.
#[derive(Debug)]
pub(in crate::client) struct Retries {
    /// Further tries of one send attempt.
    most: u32,
    first_pause: Duration,
    budget: Mutex<Budget>,
    entropy: Arc<dyn Entropy>,
}

impl Retries {
    pub(in crate::client) fn new(resilience: &Resilience, entropy: Arc<dyn Entropy>) -> Self {
        let Resilience { retries: most, retry_pause: first_pause, .. } = *resilience;
        let budget = Mutex::new(Budget::new(resilience.retry_budget, Instant::now()));
        Self { most, first_pause, budget, entropy }
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

/// One send attempt as it is called: once, and again where [`next_step`] allows it. Each try is a
/// separate call through the layers, with the same idempotency key.
pub(super) struct Tries<'a> {
    pub(super) entry: &'a ProviderEntry,
    pub(super) cx: &'a Context,
    /// No other candidate can follow, so a retry is worth its time.
    pub(super) only_candidate: bool,
    pub(super) still_pending: StillPending<'a>,
}

impl Tries<'_> {
    pub(super) async fn send(&self, request: &SendRequest) -> Result<Sent, Error> {
        let otpmux_code = request.code.otpmux_code().is_some();
        self.run(otpmux_code, || self.entry.port().send(self.cx, request)).await
    }

    pub(super) async fn resend(&self, request: &ResendRequest) -> Result<Sent, Error> {
        self.run(false, || self.entry.port().resend(self.cx, request)).await
    }

    async fn run<F>(&self, otpmux_code: bool, call: impl Fn() -> F + Send) -> Result<Sent, Error>
    where
        F: Future<Output = Result<Sent, Error>> + Send,
    {
        let (retries, provider) = (&self.entry.retries, self.entry.port().id());
        retries.budget(Budget::earn);
        let mut uncertain = false;
        let mut tried = 0;
        loop {
            let error = match call().await {
                Ok(sent) => return Ok(sent),
                Err(error) => error,
            };
            uncertain |= error.certainty() == Certainty::Unknown;
            let error = known(error, uncertain);
            let pause = error.retry_after().unwrap_or_else(|| retries.pause(tried));
            let situation = Situation {
                another_provider: !self.only_candidate,
                may_retry: tried < retries.most && in_time(self.cx, pause),
                idempotent: self.entry.port().capabilities().idempotent,
                otpmux_code,
                // Whether another provider follows is decided when all tries have failed.
                duplicates_left: 0,
            };
            let NextStep::RetryHere { .. } = next_step(&error, &situation) else {
                return Err(error);
            };
            if !retries.budget(|budget| budget.spend(Instant::now())) {
                tracing::debug!(%provider, "no further try: the budget is used up");
                return Err(error);
            }
            tracing::debug!(
                %provider,
                kind = error.kind().as_str(),
                certainty = error.certainty().as_str(),
                ?pause,
                "trying again",
            );
            tokio::time::sleep(pause).await;
            self.still_pending.ensure().await.map_err(|over| known(over, uncertain))?;
            metrics::retried(provider);
            tried += 1;
        }
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

#[cfg(test)]
mod tests {
    use otpmux_core::EntropyError;

    use super::*;

    #[derive(Debug)]
    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
            dest.fill(self.0);
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_minute_and_are_cut_by_up_to_a_half() {
        let millis = |byte, tried| {
            let retries = Retries::new(&Resilience::default(), Arc::new(Fixed(byte)));
            retries.pause(tried).as_millis()
        };
        assert_eq!([0, 1, 2, 3].map(|tried| millis(0xff, tried)), [250, 500, 1_000, 2_000]);
        assert_eq!([0, 1, 2, 3].map(|tried| millis(0, tried)), [125, 250, 500, 1_000]);
        assert_eq!([10, 40].map(|tried| millis(0xff, tried)), [60_000; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_before_the_deadline() {
        let key = otpmux_core::IdempotencyKey::from_random([7; 16]);
        let deadline = Instant::now() + Duration::from_secs(8);
        let (bounded, unbounded) =
            (Context::new(key).with_deadline(deadline.into_std()), Context::new(key));
        let seconds = Duration::from_secs;
        assert!(in_time(&bounded, seconds(7)) && !in_time(&bounded, seconds(8)));
        assert!(in_time(&unbounded, seconds(60)) && !in_time(&unbounded, seconds(61)));
        assert!(!in_time(&bounded, Duration::MAX) && !in_time(&unbounded, Duration::MAX));
    }
}
