use std::fmt::Debug;
use std::sync::Arc;

use otpmux_core::{
    Balance, Cancellation, Capabilities, Context, Error, OtpProvider, ProviderId, ReceiptRequest,
    Receipts, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target, Verdict,
    VerifyRequest,
};

/// The port between layers: the calls of [`OtpProvider`] with statically typed futures. So all
/// layers together are one future, and a call that a layer only forwards costs nothing.
pub(super) trait Port: Send + Sync + Debug {
    fn id(&self) -> &ProviderId;

    fn capabilities(&self) -> &Capabilities;

    fn send(
        &self,
        cx: &Context,
        request: &SendRequest,
    ) -> impl Future<Output = Result<Sent, Error>> + Send;

    fn verify(
        &self,
        cx: &Context,
        request: &VerifyRequest,
    ) -> impl Future<Output = Result<Verdict, Error>> + Send;

    fn resend(
        &self,
        cx: &Context,
        request: &ResendRequest,
    ) -> impl Future<Output = Result<Sent, Error>> + Send;

    fn cancel(
        &self,
        cx: &Context,
        target: &Target,
    ) -> impl Future<Output = Result<Cancellation, Error>> + Send;

    fn status(
        &self,
        cx: &Context,
        target: &Target,
    ) -> impl Future<Output = Result<Status, Error>> + Send;

    fn balance(&self, cx: &Context) -> impl Future<Output = Result<Balance, Error>> + Send;

    fn report(
        &self,
        cx: &Context,
        request: &ReportRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> impl Future<Output = Result<Receipts, Error>> + Send;
}

/// The innermost layer: an adapter, whose futures are boxed.
#[derive(Debug)]
pub(super) struct Adapter(pub(super) Arc<dyn OtpProvider>);

#[deny(clippy::missing_trait_methods)]
impl Port for Adapter {
    fn id(&self) -> &ProviderId {
        self.0.id()
    }

    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.0.send(cx, request).await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.0.verify(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        self.0.resend(cx, request).await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        self.0.cancel(cx, target).await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        self.0.status(cx, target).await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        self.0.balance(cx).await
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        self.0.report(cx, request).await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        self.0.receipts(cx, request).await
    }
}
