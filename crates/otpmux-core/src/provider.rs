use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::{
    Balance, Cancellation, Capabilities, Error, IdempotencyKey, ProviderId, ResendRequest,
    SendRequest, Sent, Status, Target, Verdict, VerifyRequest,
};

/// One configured instance of one vendor. Implement it to add a vendor; applications call
/// `OtpClient` instead, which adds everything that makes codes safe.
///
/// # Contract
///
/// - A call puts at most one request on the wire and never retries: deciding that is the caller's.
/// - What [`capabilities`](Self::capabilities) does not claim is answered with
///   [`Error::unsupported`], without any I/O. Every claim is tested by the conformance suite.
/// - Every [`Error`] states honestly what is known about the vendor's side. When in doubt, it is
///   [`Unknown`](crate::Certainty::Unknown).
/// - [`Verdict::Approved`] is answered to an explicit positive in a known place of the vendor's
///   answer and to nothing else. An answer that cannot be read is a protocol error.
/// - Calls end by the deadline of their [`Context`], and may be dropped at any await.
/// - Neither `Debug` nor any error or log shows a code, a recipient or a secret.
///
/// # Calls that a vendor does not have
///
/// [`verify`](Self::verify), [`resend`](Self::resend), [`cancel`](Self::cancel),
/// [`status`](Self::status) and [`balance`](Self::balance) have a default that returns
/// [`Error::unsupported`]. An adapter writes only the calls that its vendor has. A decorator must
/// forward every call: put `#[deny(clippy::missing_trait_methods)]` on its implementation, so that
/// a call that it forgets is a lint error and not a lost feature.
#[async_trait]
pub trait OtpProvider: Send + Sync + fmt::Debug {
    /// The name of this instance.
    fn id(&self) -> &ProviderId;

    /// What this instance can do. Does not change during its life.
    fn capabilities(&self) -> &Capabilities;

    /// Has the vendor send a code. At most one request on the wire; never retries.
    ///
    /// A vendor that has certainly sent another code than a supplied one is an error of kind
    /// [`Configuration`](crate::ErrorKind::Configuration) and certainty
    /// [`Unknown`](crate::Certainty::Unknown): a message is out, and our code is not.
    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error>;

    /// Asks the vendor whether the code is right. Uses up one of the vendor's guesses, and an
    /// approval is usually given only once: never repeat it blindly.
    ///
    /// Requires [`Capabilities::vendor_codes`].
    async fn verify(&self, _cx: &Context, _request: &VerifyRequest) -> Result<Verdict, Error> {
        Err(Error::unsupported(self.id(), "verify"))
    }

    /// Has the vendor send its own code again.
    ///
    /// Requires [`Capabilities::resend`].
    async fn resend(&self, _cx: &Context, _request: &ResendRequest) -> Result<Sent, Error> {
        Err(Error::unsupported(self.id(), "resend"))
    }

    /// Voids the vendor's code.
    ///
    /// Requires [`Capabilities::cancel`].
    async fn cancel(&self, _cx: &Context, _target: &Target) -> Result<Cancellation, Error> {
        Err(Error::unsupported(self.id(), "cancel"))
    }

    /// Asks where the message is. Changes nothing and may be repeated.
    ///
    /// Requires [`Capabilities::status`].
    async fn status(&self, _cx: &Context, _target: &Target) -> Result<Status, Error> {
        Err(Error::unsupported(self.id(), "status"))
    }

    /// Asks what is left in the account. Changes nothing and may be repeated.
    ///
    /// Requires [`Capabilities::balance`].
    async fn balance(&self, _cx: &Context) -> Result<Balance, Error> {
        Err(Error::unsupported(self.id(), "balance"))
    }
}

/// What a call is given from above, as opposed to what its caller wants.
///
/// Adapters read the deadline and the key; the rest is for the decorators around them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// When the call must have ended. `None` leaves it to the transport's own attempt timeout.
    pub deadline: Option<Instant>,
    /// The same for all tries of one send attempt, new for the next send attempt.
    pub idempotency_key: IdempotencyKey,
    /// No other provider could take this send if this one fails, so a further try here is worth
    /// its time. Default no.
    pub only_candidate: bool,
    /// No provider that is well is left beside this one, which is called even if it is being left
    /// alone after failures. Default no.
    pub allow_half_open: bool,
    /// Whether what is to be sent is still wanted; asked before each further try.
    pub cancel_check: Option<Arc<dyn CancelCheck>>,
}

/// Tells whether a send still stands. While it pauses before a further try, its verification may be
/// cancelled or superseded; a message sent then would carry a code that is good for nothing.
#[async_trait]
pub trait CancelCheck: Send + Sync + fmt::Debug {
    /// # Errors
    ///
    /// Nothing more may be sent, for this reason.
    async fn ensure_pending(&self) -> Result<(), Error>;
}

impl Context {
    /// A context without a deadline.
    pub fn new(idempotency_key: IdempotencyKey) -> Self {
        Self {
            deadline: None,
            idempotency_key,
            only_candidate: false,
            allow_half_open: false,
            cancel_check: None,
        }
    }

    /// Sets when the call must have ended.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Says that no other provider could take this send.
    pub fn only_candidate(mut self, only: bool) -> Self {
        self.only_candidate = only;
        self
    }

    /// Calls even a provider that is left alone after failures.
    pub fn allow_half_open(mut self, allow: bool) -> Self {
        self.allow_half_open = allow;
        self
    }

    /// Sets who tells whether the send still stands.
    pub fn with_cancel_check(mut self, check: Arc<dyn CancelCheck>) -> Self {
        self.cancel_check = Some(check);
        self
    }
}

/// What can be handed over as a provider: any [`OtpProvider`], or one that is shared already.
pub trait IntoProvider {
    /// The provider, shared.
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
    use crate::{Certainty, Channel, ErrorKind, Recipient};

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
    }
}
