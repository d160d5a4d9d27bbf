use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Context, Error, ErrorKind, ProviderId,
    RateLimit, ReceiptRequest, Receipts, Recipient, ReportRequest, ResendRequest, SendRequest,
    Sent, Status, Target, Verdict, VerifyRequest,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ends;
use super::gate::Gate;
use super::port::Port;

/// Keeps the requests of one account within its limit, so that the vendor need not refuse.
///
/// A send that does not fit is refused at once: another provider is better than waiting. Every
/// other call waits in line until its deadline, since only this vendor can answer it. Each of the
/// two kinds has a share that the other one cannot use up.
#[derive(Debug)]
pub(super) struct RateLimiter<P> {
    inner: P,
    gate: Mutex<Gate>,
    /// Held by the call at the head of the line.
    turn: Semaphore,
    /// Distinguishes recipients without storing them.
    hasher: RandomState,
}

impl<P: Port> RateLimiter<P> {
    pub(super) fn new(inner: P, limits: &[RateLimit]) -> Self {
        let (gate, hasher) = (Mutex::new(Gate::new(limits)), RandomState::new());
        Self { inner, gate, turn: Semaphore::new(1), hasher }
    }

    fn take_for_send(&self) -> Result<(), Error> {
        self.gate().take_for_send(Instant::now).map_err(|after| self.full(after))
    }

    async fn wait(&self, cx: &Context) -> Result<(), Error> {
        let _waiting = {
            let mut gate = self.gate();
            if gate.waiting == 0 && gate.take(Instant::now()).is_ok() {
                return Ok(());
            }
            gate.waiting += 1;
            Waiting(&self.gate)
        };
        let ends = ends(cx);
        // The semaphore is never closed, so an error is the deadline.
        let Ok(_turn) = timeout_at(ends, self.turn.acquire()).await else {
            let left = self.gate().left(Instant::now());
            return Err(self.full(left));
        };
        loop {
            let now = Instant::now();
            let Err(after) = self.gate().take(now) else { return Ok(()) };
            // No slot is free before `then`: if that is past the deadline, waiting is useless.
            match now.checked_add(after).filter(|then| *then <= ends) {
                Some(then) => sleep_until(then).await,
                None => return Err(self.full(after)),
            }
        }
    }

    fn full(&self, retry_after: Duration) -> Error {
        Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Provider)
            .with_provider(self.id().clone())
            .with_limit("provider")
            .with_detail("the limit `provider` is reached: our own, on requests to this provider")
            .with_retry_after(retry_after)
    }

    /// Applies the vendor's answer that there were too many requests.
    fn heed<T>(&self, to: &Recipient, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_ok() {
            self.gate().accepted();
        }
        if let Err(error) = &result
            && error.kind() == ErrorKind::RateLimited
            && error.certainty() == Certainty::Rejected
            && error.blame() == Blame::Provider
            && let Some(after) = error.retry_after()
        {
            let whose = self.hasher.hash_one(&*to.counted());
            self.gate().too_many(whose, after, Instant::now());
        }
        result
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        lock(&self.gate)
    }
}

/// A place in the line of waiting calls.
struct Waiting<'a>(&'a Mutex<Gate>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(self.0).waiting -= 1;
    }
}

fn lock(gate: &Mutex<Gate>) -> MutexGuard<'_, Gate> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}

#[deny(clippy::missing_trait_methods)]
impl<P: Port> Port for RateLimiter<P> {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.take_for_send()?;
        self.heed(&request.recipient, self.inner.send(cx, request).await)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.wait(cx).await?;
        self.inner.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        self.take_for_send()?;
        self.heed(&request.target.recipient, self.inner.resend(cx, request).await)
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        self.wait(cx).await?;
        self.inner.cancel(cx, target).await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        self.wait(cx).await?;
        self.inner.status(cx, target).await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        self.wait(cx).await?;
        self.inner.balance(cx).await
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        self.wait(cx).await?;
        self.inner.report(cx, request).await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        // The vendor is not called.
        self.inner.receipts(cx, request).await
    }
}
