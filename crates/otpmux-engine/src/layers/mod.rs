//! The decorators around an adapter. Each one wraps the port in the port, in the order
//! `trace(breaker(rate_limit(concurrency(adapter))))`, by type and so in one future:
//!
//! - `trace` has the metrics too: both show every call, also one that the breaker or the rate limit refuses;
//! - a call that the breaker refuses takes no slot of the rate limit; a call that waits for a
//!   concurrency slot takes one, since it is about to be sent.
//!
//! No layer has a timeout: only the transport knows whether a request had left. No layer retries:
//! a retry is a further call by the send (`client/send/retry.rs`), which asks all layers again.

mod breaker;
mod call;
mod circuit;
mod concurrency;
mod gate;
mod handles;
mod metrics;
mod others;
mod outcome;
mod port;
mod rate_limit;
mod resilience;
mod trace;
mod window;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::settings::ConfigError;
use otpmux_core::{Clock, Context, Entropy, OtpProvider};
use tokio::time::Instant;

use self::breaker::{Breaker, BreakerHandle};
use self::concurrency::Concurrency;
pub(crate) use self::handles::Handles;
pub(crate) use self::metrics::{channel_label, describe};
use self::port::Adapter;
use self::rate_limit::RateLimiter;
pub use self::resilience::{BreakerSettings, Resilience, RetryBudget};
use self::trace::Trace;
use crate::store::health::{Health, HealthUpdate, Witness};

/// A provider with its layers: breaker, rate limit, concurrency limit, metrics and tracing. Retries
/// are the send's.
///
/// All its state (the breaker, the logs of the rate limit) lives here. Clones are cheap and share
/// it, so that it survives a new configuration.
#[derive(Clone, Debug)]
pub struct ResilientProvider {
    port: Arc<dyn OtpProvider>,
    breaker_handle: Arc<BreakerHandle>,
}

impl ResilientProvider {
    /// Puts the layers around a provider.
    ///
    /// `clock` is for the times that others see; pauses use tokio's clock. `entropy` spreads
    /// pauses. `witness` identifies this process to the others; no two may be the same.
    ///
    /// # Errors
    ///
    /// A setting that is out of its range: [`Resilience::check`].
    pub fn new(
        provider: Arc<dyn OtpProvider>,
        resilience: &Resilience,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        witness: Witness,
    ) -> Result<Self, ConfigError> {
        resilience.check()?;
        let documented = &provider.capabilities().limits.requests;
        let requests = resilience.requests.clone().unwrap_or_else(|| documented.clone());
        let id = provider.id().clone();
        let breaker_handle = BreakerHandle::new(id, resilience.breaker, clock, entropy, witness);
        let breaker_handle = Arc::new(breaker_handle);
        let bounded = Concurrency::new(Adapter(provider), resilience.concurrency);
        let limited = RateLimiter::new(bounded, &requests);
        let breaker = Breaker::new(limited, Arc::clone(&breaker_handle));
        let port = Arc::new(Trace::new(breaker));
        Ok(Self { port, breaker_handle })
    }

    /// The provider, called through all its layers.
    pub fn port(&self) -> &Arc<dyn OtpProvider> {
        &self.port
    }

    /// The provider's health, as this process knows it.
    pub fn health(&self) -> Health {
        self.breaker_handle.health()
    }

    /// The newest change of the circuit that other processes do not know yet: it opened, stays open
    /// for longer, or closed. Changes that were [applied](Self::apply) from others are not
    /// repeated.
    pub fn take_update(&self) -> Option<HealthUpdate> {
        self.breaker_handle.take_update()
    }

    /// Puts back an update that could not be written, unless there is a newer one.
    pub fn requeue(&self, update: HealthUpdate) {
        self.breaker_handle.requeue(update);
    }

    /// Applies the health updates of all processes; those of other providers are ignored.
    ///
    /// An observation of another process counts less than one of this process. It is ignored while
    /// calls of this process succeeded within the last seconds. Account trouble (credentials,
    /// permission, money) is believed only of a process with the same settings. Where nothing came
    /// back from the vendor, or the settings differ, it takes two processes to open the circuit;
    /// after one, the first failure here opens it. A circuit that only others opened makes the
    /// provider a last resort, and refuses no call that has no other provider.
    ///
    /// A random time up to [`BreakerSettings::pause`] is added to what is left of a pause, so that
    /// not all processes probe at once. A success of another process makes a probe due.
    pub fn apply(&self, updates: &[HealthUpdate], now: SystemTime) {
        self.breaker_handle.apply(updates, now);
    }
}

/// How long a call waits for its turn, if it has no deadline.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

fn ends(cx: &Context) -> Instant {
    cx.deadline.map_or_else(|| Instant::now() + LONGEST_WAIT, Instant::from_std)
}

/// A random number from 0 to 1, to spread events over time; 1 if there is no randomness.
pub(crate) fn chance(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    match entropy.fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}
