use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::{
    Balance, Cancellation, Capabilities, Error, IdempotencyKey, ProviderId, ReceiptRequest,
    ReceiptTarget, Receipts, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target,
    Verdict, VerifyRequest,
};

/// One provider: a configured account at a vendor. Implement it to add a vendor; applications call
/// `OtpClient` instead, which adds the safety of codes.
///
/// # Contract
///
/// - A call sends at most one request and never retries: the caller decides about retries.
/// - A call that [`capabilities`](Self::capabilities) does not claim returns
///   [`Error::unsupported`], without any I/O. The conformance suite tests every claim.
/// - Every [`Error`] states what is known about the vendor's side. In doubt, it is
///   [`Unknown`](crate::Certainty::Unknown).
/// - [`Verdict::Approved`] is returned only for an explicit positive in a known place of the
///   vendor's answer. An answer that cannot be read is a protocol error.
/// - Calls end by the deadline of their [`Context`], and may be dropped at any await.
/// - Neither `Debug` nor any error or log shows a code, a recipient or a secret.
///
/// # Calls that a vendor does not support
///
/// Every call except [`send`](Self::send) has a default that returns [`Error::unsupported`]. An adapter implements only the calls that its vendor supports. A
/// decorator must forward every call: put `#[deny(clippy::missing_trait_methods)]` on its
/// implementation, so that a forgotten call is a lint error and not a lost feature.
#[async_trait]
pub trait OtpProvider: Send + Sync + fmt::Debug {
    /// Returns the name of this provider.
    fn id(&self) -> &ProviderId;

    /// Returns the capabilities of this provider. They never change.
    fn capabilities(&self) -> &Capabilities;

    /// Sends a code. Makes at most one request and never retries.
    ///
    /// If the vendor has certainly sent another code than the one in the request, the error has the
    /// kind [`Configuration`](crate::ErrorKind::Configuration) and the certainty
    /// [`Unknown`](crate::Certainty::Unknown): a message was sent, but with the wrong code.
    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error>;

    /// Asks the vendor to verify a code. This uses one of the vendor's guesses, and an approval is
    /// usually given only once: never retry it blindly.
    ///
    /// Requires [`Capabilities::vendor_codes`].
    async fn verify(&self, _cx: &Context, _request: &VerifyRequest) -> Result<Verdict, Error> {
        Err(Error::unsupported(self.id(), "verify"))
    }

    /// Asks the vendor to send its code again.
    ///
    /// Requires [`Capabilities::resend`].
    async fn resend(&self, _cx: &Context, _request: &ResendRequest) -> Result<Sent, Error> {
        Err(Error::unsupported(self.id(), "resend"))
    }

    /// Cancels the vendor's code.
    ///
    /// Requires [`Capabilities::cancel`].
    async fn cancel(&self, _cx: &Context, _target: &Target) -> Result<Cancellation, Error> {
        Err(Error::unsupported(self.id(), "cancel"))
    }

    /// Returns the delivery state of a message. Changes nothing and may be repeated.
    ///
    /// Requires [`Capabilities::status`].
    async fn status(&self, _cx: &Context, _target: &Target) -> Result<Status, Error> {
        Err(Error::unsupported(self.id(), "status"))
    }

    /// Returns the balance of the account. Changes nothing and may be repeated.
    ///
    /// Requires [`Capabilities::balance`].
    async fn balance(&self, _cx: &Context) -> Result<Balance, Error> {
        Err(Error::unsupported(self.id(), "balance"))
    }

    /// Reports to the vendor how a verification ended whose code otpmux generated.
    ///
    /// Requires [`Capabilities::report`].
    async fn report(&self, _cx: &Context, _request: &ReportRequest) -> Result<(), Error> {
        Err(Error::unsupported(self.id(), "report"))
    }

    /// Checks that a request is the vendor's, and reads its reports. Makes at most one request, to a
    /// host that the adapter names, for a certificate or a confirmation.
    ///
    /// Requires [`Capabilities::receipts`].
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated), not sent, blamed on the caller: the
    /// signature or the secret is wrong, or the request is too old.
    /// [`Protocol`](crate::ErrorKind::Protocol): it is the vendor's and cannot be read.
    async fn receipts(
        &self,
        _cx: &Context,
        _request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        Err(Error::unsupported(self.id(), "receipts"))
    }
}

/// The context of a call, set by the engine, as opposed to the caller's request.
///
/// Adapters read the deadline and the key; the rest is for decorators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The deadline of the call. `None` leaves it to the transport's timeout.
    pub deadline: Option<Instant>,
    /// The same for all retries of one send attempt, new for the next send attempt.
    pub idempotency_key: IdempotencyKey,
    /// No other provider with a closed circuit is left, so this call is allowed through an open
    /// circuit as the half-open probe. Default: false.
    pub allow_half_open: bool,
    /// Where the vendor must report on the message; `None` unless the provider has
    /// [receipts](Capabilities::receipts) and this service has a public address.
    pub receipt: Option<ReceiptTarget>,
}

impl Context {
    /// Returns a context without a deadline.
    pub fn new(idempotency_key: IdempotencyKey) -> Self {
        Self { deadline: None, idempotency_key, allow_half_open: false, receipt: None }
    }

    /// Sets the deadline of the call.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets whether this call is allowed through an open circuit.
    pub fn allow_half_open(mut self, allow: bool) -> Self {
        self.allow_half_open = allow;
        self
    }

    /// Sets where the vendor must report on the message.
    pub fn with_receipt(mut self, receipt: ReceiptTarget) -> Self {
        self.receipt = Some(receipt);
        self
    }
}

/// Types that can be passed as a provider: any [`OtpProvider`], or a shared one.
pub trait IntoProvider {
    /// Returns the provider, shared.
    fn into_provider(self) -> Arc<dyn OtpProvider>;
}

impl<P: OtpProvider + 'static> IntoProvider for P {
    fn into_provider(self) -> Arc<dyn OtpProvider> {
        Arc::new(self)
    }
}

impl IntoProvider for Arc<dyn OtpProvider> {
    fn into_provider(self) -> Arc<dyn OtpProvider> {
        self
    }
}

impl<P: OtpProvider + 'static> IntoProvider for Arc<P> {
    fn into_provider(self) -> Arc<dyn OtpProvider> {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Poll, Waker};

    use super::*;
    use crate::{Certainty, Channel, ErrorKind, Outcome, Recipient};

    #[derive(Debug)]
    struct SendsOnly(ProviderId, Capabilities);

    #[async_trait]
    impl OtpProvider for SendsOnly {
        fn id(&self) -> &ProviderId {
            &self.0
        }

        fn capabilities(&self) -> &Capabilities {
            &self.1
        }

        async fn send(&self, _: &Context, _: &SendRequest) -> Result<Sent, Error> {
            Ok(Sent::new())
        }
    }

    fn assert_unsupported<T: fmt::Debug>(call: impl Future<Output = Result<T, Error>>) {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        let Poll::Ready(result) = pin!(call).poll(&mut cx) else { panic!("it waits") };
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Unsupported, Certainty::NotSent));
        assert_eq!(error.provider().map(ProviderId::as_str), Some("plain"));
    }

    #[test]
    fn calls_that_an_adapter_does_not_write_are_unsupported_and_send_nothing() {
        let id = ProviderId::new("plain").unwrap();
        let provider = SendsOnly(id, Capabilities::new([Channel::Sms]));
        let cx = Context::new(IdempotencyKey::from_random([0; 16]));
        let to: Recipient = "+14155550123".parse().unwrap();
        let target = Target::new(to.clone(), None);
        let verify = VerifyRequest::new(to, None, "004217".parse().unwrap());
        assert_unsupported(provider.verify(&cx, &verify));
        assert_unsupported(provider.resend(&cx, &ResendRequest::new(target.clone())));
        assert_unsupported(provider.cancel(&cx, &target));
        assert_unsupported(provider.status(&cx, &target));
        assert_unsupported(provider.balance(&cx));
        let report = ReportRequest::new(
            Target::new("+14155550123".parse().unwrap(), None),
            Outcome::Approved,
        );
        assert_unsupported(provider.report(&cx, &report));
        let at = std::time::SystemTime::UNIX_EPOCH;
        let receipt = ReceiptRequest {
            method: "POST",
            url: "https://a.example/",
            headers: &[],
            body: b"",
            at,
        };
        assert_unsupported(provider.receipts(&cx, &receipt));
    }
}
