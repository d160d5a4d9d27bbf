use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Cancellation, Capabilities, Context, Error, OtpProvider, ProviderId, ReceiptRequest,
    Receipts, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target, Verdict,
    VerifyRequest,
};

use crate::script::Script;

/// Provider that gives scripted answers, and records its requests.
///
/// Each of the calls has a [`Script`]: first the queued answers, in order, then the one that is
/// set for all further calls. Without either, a send is accepted, a verify returns a wrong code,
/// and the rest is unsupported. The capabilities are those of the test; they are not enforced.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use otpmux_core::*;
/// use otpmux_testkit::ScriptedProvider;
///
/// let provider = ScriptedProvider::new("primary", Capabilities::new([Channel::Sms]));
/// let down = Error::new(ErrorKind::Unavailable, Certainty::Unknown, Blame::Provider);
/// provider.sends.answer(Err(down));
///
/// let to: Recipient = "+14155550123".parse().unwrap();
/// let code = CodeSource::Otpmux("004217".parse().unwrap());
/// let request = SendRequest::new(to, Channel::Sms, code);
/// let cx = Context::new(IdempotencyKey::from_random([0; 16]));
/// assert!(provider.send(&cx, &request).await.is_err());
/// assert!(provider.send(&cx, &request).await.is_ok());
/// assert_eq!(provider.sends.count(), 2);
/// assert_eq!(provider.otpmux_codes(), ["004217", "004217"]);
/// # }
/// ```
#[non_exhaustive]
pub struct ScriptedProvider {
    id: ProviderId,
    capabilities: Capabilities,
    /// The script of send.
    pub sends: Script<SendRequest, Sent>,
    /// The script of verify.
    pub verifies: Script<VerifyRequest, Verdict>,
    /// The script of resend.
    pub resends: Script<ResendRequest, Sent>,
    /// The script of cancel.
    pub cancels: Script<Target, Cancellation>,
    /// The script of status.
    pub statuses: Script<Target, Status>,
    /// The script of balance.
    pub balances: Script<(), Balance>,
    /// The script of report.
    pub reports: Script<ReportRequest, ()>,
    /// The script of receipts.
    pub receipts: Script<VendorsRequest, Receipts>,
}

/// A [`ReceiptRequest`] that a [`ScriptedProvider`] has read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorsRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL as the vendor called it.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<&ReceiptRequest<'_>> for VendorsRequest {
    fn from(request: &ReceiptRequest<'_>) -> Self {
        let header = |(name, value): &(&str, &[u8])| ((*name).to_owned(), value.to_vec());
        Self {
            method: request.method.to_owned(),
            url: request.url.to_owned(),
            headers: request.headers.iter().map(header).collect(),
            body: request.body.to_vec(),
        }
    }
}

impl ScriptedProvider {
    /// Returns a provider of this name.
    ///
    /// # Panics
    ///
    /// If `id` is not a valid name of a provider.
    #[expect(clippy::expect_used, reason = "a test that misnames its provider must fail")]
    pub fn new(id: &str, capabilities: Capabilities) -> Self {
        let id = ProviderId::new(id).expect("a provider's name");
        Self {
            sends: Script::new(|_, _| Ok(Sent::new())),
            verifies: Script::new(|_, _| Ok(Verdict::WrongCode { guesses_left: None })),
            resends: unsupported(&id, "resend"),
            cancels: unsupported(&id, "cancel"),
            statuses: unsupported(&id, "status"),
            balances: unsupported(&id, "balance"),
            reports: unsupported(&id, "report"),
            receipts: unsupported(&id, "receipts"),
            id,
            capabilities,
        }
    }

    /// Returns the codes that otpmux generated for the sends, in order.
    pub fn otpmux_codes(&self) -> Vec<String> {
        let code =
            |send: &SendRequest| send.code.otpmux_code().map(|code| code.expose().to_owned());
        let calls = self.sends.requests();
        calls.iter().filter_map(code).collect()
    }

    /// Returns the number of all calls.
    pub fn count(&self) -> usize {
        let (sends, verifies) = (self.sends.count(), self.verifies.count());
        let rest = [self.resends.count(), self.cancels.count()];
        let asked = [self.statuses.count(), self.balances.count()];
        let told = [self.reports.count(), self.receipts.count()];
        sends + verifies + rest.iter().chain(&asked).chain(&told).sum::<usize>()
    }

    /// Returns the provider as engines accept it; clone the `Arc` before to keep the scripts.
    pub fn port(self: &Arc<Self>) -> Arc<dyn OtpProvider> {
        Arc::<Self>::clone(self)
    }
}

fn unsupported<Q: Clone, A>(id: &ProviderId, operation: &'static str) -> Script<Q, A> {
    let id = id.clone();
    Script::new(move |_, _| Err(Error::unsupported(&id, operation)))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl OtpProvider for ScriptedProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.sends.play(cx, request).await
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.verifies.play(cx, request).await
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        self.resends.play(cx, request).await
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        self.cancels.play(cx, target).await
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        self.statuses.play(cx, target).await
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        self.balances.play(cx, &()).await
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        self.reports.play(cx, request).await
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        self.receipts.play(cx, &request.into()).await
    }
}

impl fmt::Debug for ScriptedProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedProvider").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Channel, ErrorKind, IdempotencyKey};

    use super::*;

    #[tokio::test]
    async fn unscripted_calls_have_their_documented_answers() {
        let provider = ScriptedProvider::new("p", Capabilities::new([Channel::Sms]));
        let cx = Context::new(IdempotencyKey::from_random([1; 16]));
        let to: otpmux_core::Recipient = "+14155550123".parse().unwrap();
        let verify = VerifyRequest::new(to.clone(), None, "004217".parse().unwrap());
        let verdict = provider.verify(&cx, &verify).await.unwrap();
        assert_eq!(verdict, Verdict::WrongCode { guesses_left: None });
        let target = Target::new(to, None);
        let error = provider.cancel(&cx, &target).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(provider.balance(&cx).await.is_err());
        assert_eq!(provider.count(), 3);
        assert_eq!(provider.verifies.requests()[0].code.expose(), "004217");
    }
}
