//! One provider with its layers, without an engine, and what the layers record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Clock, CodeSource, Context, Entropy, EntropyError,
    Error, ErrorKind, IdempotencyKey, OtpProvider, ResendRequest, SendRequest, Sent, Target,
    VerifyRequest,
};
use otpmux_engine::{Health, HealthUpdate, Resilience, ResilientProvider, Witness};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{carrier, phone, unknown};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Randomness of one constant byte: zeros add no jitter, ones the most.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) u8);

impl Entropy for Fixed {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        dest.fill(self.0);
        Ok(())
    }
}

pub(crate) struct Guard {
    pub(crate) guarded: ResilientProvider,
    pub(crate) clock: Arc<ManualClock>,
}

impl Guard {
    /// Without jitter.
    pub(crate) fn of(provider: &Arc<ScriptedProvider>, resilience: &Resilience) -> Self {
        Self::with(provider.port(), resilience, Fixed(0))
    }

    /// Without jitter, for a process with this witness.
    pub(crate) fn known_as(provider: &Arc<ScriptedProvider>, witness: Witness) -> Self {
        Self::made(provider.port(), &Resilience::default(), Fixed(0), witness)
    }

    pub(crate) fn with(
        provider: Arc<dyn OtpProvider>,
        resilience: &Resilience,
        entropy: impl Entropy + 'static,
    ) -> Self {
        Self::made(provider, resilience, entropy, witness())
    }

    fn made(
        provider: Arc<dyn OtpProvider>,
        resilience: &Resilience,
        entropy: impl Entropy + 'static,
        witness: Witness,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let guarded =
            ResilientProvider::new(provider, resilience, shared, Arc::new(entropy), witness);
        let guarded = guarded.unwrap();
        Self { guarded, clock }
    }

    pub(crate) async fn send(&self) -> Result<Sent, Error> {
        self.send_with(&cx()).await
    }

    pub(crate) async fn send_with(&self, cx: &Context) -> Result<Sent, Error> {
        self.guarded.port().send(cx, &send_request()).await
    }

    /// Sends this many times.
    pub(crate) async fn sends(&self, times: usize) {
        for _ in 0..times {
            let _ = self.send().await;
        }
    }

    /// A send that the breaker refuses; returns for how long.
    pub(crate) async fn refused(&self) -> Duration {
        self.refused_with(&cx()).await
    }

    pub(crate) async fn refused_with(&self, cx: &Context) -> Duration {
        let error = self.send_with(cx).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CircuitOpen);
        assert_eq!((error.certainty(), error.blame()), (Certainty::NotSent, Blame::Provider));
        assert_eq!(error.provider(), Some(self.guarded.port().id()));
        error.retry_after().unwrap()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.guarded.health() == Health::Closed
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Advances both clocks.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        tokio::time::sleep(time).await;
    }

    pub(crate) fn learn(&self, update: &HealthUpdate) {
        self.guarded.apply(std::slice::from_ref(update), self.now());
    }
}

/// Another process on each call.
pub(crate) fn witness() -> Witness {
    static PROCESS: AtomicU64 = AtomicU64::new(1);
    Witness { process: PROCESS.fetch_add(1, Ordering::Relaxed), settings: None }
}

pub(crate) fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

/// A context with this much time left.
pub(crate) fn cx_for(time: Duration) -> Context {
    cx().with_deadline((tokio::time::Instant::now() + time).into_std())
}

pub(crate) fn send_request() -> SendRequest {
    SendRequest::new(phone(), Channel::Sms, CodeSource::Otpmux("004217".parse().unwrap()))
}

pub(crate) fn resend_request() -> ResendRequest {
    ResendRequest::new(Target::new(phone(), None))
}

pub(crate) fn verify_request() -> VerifyRequest {
    VerifyRequest::new(phone(), None, "004217".parse().unwrap())
}

/// Answers every send with this error.
pub(crate) fn fails(provider: &ScriptedProvider, error: fn() -> Error) {
    provider.sends.always(move |_, _| Err(error()));
}

/// Accepts every send.
pub(crate) fn is_well(provider: &ScriptedProvider) {
    provider.sends.always(|_, _| Ok(Sent::new()));
}

pub(crate) fn not_sent() -> Error {
    Error::new(ErrorKind::Transport, Certainty::NotSent, Blame::Provider)
}

pub(crate) fn too_many(after: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, Certainty::Rejected, Blame::Provider).with_retry_after(after)
}

/// A provider that documents a rate limit.
pub(crate) fn limited(limits: &[otpmux_core::RateLimit]) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.limits.requests = limits.to_vec();
    Arc::new(ScriptedProvider::new("a", capabilities))
}

/// A provider whose circuit has just opened, for five seconds.
pub(crate) async fn open() -> (Arc<ScriptedProvider>, Guard) {
    let provider = carrier("a");
    let guard = Guard::of(&provider, &Resilience::default());
    fails(&provider, unknown);
    guard.sends(5).await;
    assert_eq!(guard.refused().await, 5 * SECOND);
    assert_eq!(provider.count(), 5);
    (provider, guard)
}

pub(crate) fn failing(kind: ErrorKind, certainty: Certainty, blame: Blame) -> Error {
    Error::new(kind, certainty, blame)
}
