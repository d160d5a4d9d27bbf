use std::sync::Arc;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Context, Error, ErrorKind, OtpProvider,
    ProviderId, ResendRequest, SendRequest, Sent, Status, Target, Verdict, VerifyRequest,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use super::ends;

/// Bounds how many calls are under way at once. The others wait in line, until their deadline.
#[derive(Debug)]
pub(super) struct Concurrency {
    inner: Arc<dyn OtpProvider>,
    places: Semaphore,
}

impl Concurrency {
    pub(super) fn new(inner: Arc<dyn OtpProvider>, bound: usize) -> Self {
        Self { inner, places: Semaphore::new(bound) }
    }

    async fn place(&self, cx: &Context) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        match timeout_at(ends(cx), self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            // The semaphore is never closed, so this is the deadline.
            _ => Err(Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Provider)
                .with_provider(self.id().clone())
                .with_detail("our own bound on calls under way")),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl OtpProvider for Concurrency {
    fn id(&self) -> &ProviderId {
        self.inner.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let _place = self.place(cx).await?;
        self.inner.send(cx, request).await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let _place = self.place(cx).await?;
        self.inner.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let _place = self.place(cx).await?;
        self.inner.resend(cx, request).await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let _place = self.place(cx).await?;
        self.inner.cancel(cx, target).await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let _place = self.place(cx).await?;
        self.inner.status(cx, target).await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        let _place = self.place(cx).await?;
        self.inner.balance(cx).await
    }
}
