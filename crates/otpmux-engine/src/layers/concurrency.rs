use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Context, Error, ErrorKind, ProviderId,
    ReceiptRequest, Receipts, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target,
    Verdict, VerifyRequest,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use super::ends;
use super::port::Port;

/// Limits how many calls run at once. The others wait in line, until their deadline.
#[derive(Debug)]
pub(super) struct Concurrency<P> {
    inner: P,
    /// `None` if there is no limit.
    places: Option<Semaphore>,
}

impl<P: Port> Concurrency<P> {
    pub(super) fn new(inner: P, bound: Option<usize>) -> Self {
        Self { inner, places: bound.map(Semaphore::new) }
    }

    async fn place(&self, cx: &Context) -> Result<Option<SemaphorePermit<'_>>, Error> {
        let Some(places) = &self.places else { return Ok(None) };
        if let Ok(place) = places.try_acquire() {
            return Ok(Some(place));
        }
        match timeout_at(ends(cx), places.acquire()).await {
            Ok(Ok(place)) => Ok(Some(place)),
            // The semaphore is never closed, so this is the deadline.
            _ => Err(Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Provider)
                .with_provider(self.id().clone())
                .with_detail("our own bound on calls under way")),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<P: Port> Port for Concurrency<P> {
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

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        let _place = self.place(cx).await?;
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
