mod before;
mod build;
mod dispatch;
mod explain;
mod kept;
mod key_check;
mod late;
mod limits;
mod line;
mod members;
mod metrics;
mod overview;
mod plan;
mod pool;
mod ready;
mod reload;
mod request;
mod resend;
mod scope;
mod send;
mod standing;
mod status;
mod store_time;
mod verify;
mod view;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use otpmux_core::{
    Blame, Certainty, Channel, Code, CountryCode, Entropy, EntropyError, Error, ErrorKind,
    OtpProvider, Recipient, RecipientError, Target,
};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

pub use build::{BuildError, ClientBuilder, ClientConfig, OpenStoreError};
pub use explain::{CandidateView, Explanation, LimitView};
pub use metrics::describe_metrics;
pub use overview::ProviderView;
pub use reload::Reloaded;
pub use request::{InFlight, NewVerification, Resend, Verify};
pub use scope::{Scope, ScopedClient};
pub use view::{CodeSourceView, HistoryEntry, SendAttemptView, Verification, VerificationStatus};

use crate::record::{AttemptState, Record, SendAttempt};
use crate::{Choice, Policy, Routes, ServerKeys, VerificationId, VerificationStore};
use kept::Kept;
use late::Late;
use limits::PolicyLimits;
use members::Members;
use plan::{Candidate, Source};
use store_time::StoreTime;

/// The one thing that an application holds: it sends codes over its providers and verifies them.
///
/// Cheap to clone; all clones are one client. Every method is safe to call from many tasks, and a
/// call may be dropped at any await: what it had begun is written down as begun.
///
/// ```no_run
/// use std::sync::Arc;
/// use otpmux_core::{Code, OtpProvider, Recipient};
/// use otpmux_engine::{NewVerification, OtpClient};
///
/// # async fn example(easyotp: Arc<dyn OtpProvider>, startmessaging: Arc<dyn OtpProvider>)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let client = OtpClient::builder().provider(easyotp).provider(startmessaging).build()?;
///
/// let to: Recipient = "+919876543210".parse()?;
/// let sent = client.send(NewVerification::to(to)).await?;
///
/// let typed: Code = "004217".parse()?;
/// if client.verify(sent.id, &typed).await?.is_approved() {
///     // let them in
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OtpClient(Arc<Shared>);

struct Shared {
    /// What is in force. Every call takes it once and ends under it.
    inner: ArcSwap<Inner>,
    /// Held while the next one is made, so that no reload builds on what another replaces.
    reloading: Mutex<()>,
}

struct Inner {
    members: Members,
    routes: Routes,
    store: Arc<dyn VerificationStore>,
    /// What the store was opened by.
    store_name: Option<Box<str>>,
    keys: ServerKeys,
    /// Whether the store knows these keys.
    keys_checked: Arc<OnceCell<()>>,
    limit_hits: PolicyLimits,
    policy: Policy,
    late: Arc<Late>,
    /// The store's time, as this process knows it.
    clock: Arc<StoreTime>,
    entropy: Arc<dyn Entropy>,
    /// What other processes know this one by.
    process: u64,
}

impl OtpClient {
    fn of(inner: Inner) -> Self {
        let inner = ArcSwap::from_pointee(inner);
        Self(Arc::new(Shared { inner, reloading: Mutex::default() }))
    }

    fn inner(&self) -> Arc<Inner> {
        self.0.inner.load_full()
    }

    /// A client in the making: at least one provider, the rest has defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The client that a configuration describes. Calls nobody.
    ///
    /// # Errors
    ///
    /// What does not fit together, in the configuration's own words.
    pub fn from_config<C: ClientConfig + ?Sized>(config: &C) -> Result<Self, C::Error> {
        Ok(config.client_builder()?.build()?)
    }

    /// Tries a code. A wrong code is an answer, not an error.
    ///
    /// The id says which verification is meant, so it must come from where only the application
    /// can have put it (a server-side session). Where it comes back from the user, use
    /// [`verify_for`](Self::verify_for).
    ///
    /// # Errors
    ///
    /// Nobody is let in on an error. The store is out of reach, or the code is a vendor's and that
    /// vendor could not be asked; then nothing is counted, but if the vendor's answer was lost
    /// (certainty unknown) its code may be used up. With certainty unknown and
    /// [`Blame::Internal`], the store's answer was lost: the code may have been checked, and its
    /// verification used up. [`verify_with`](Self::verify_with) a name can be asked again.
    pub async fn verify(
        &self,
        id: VerificationId,
        code: &Code,
    ) -> Result<otpmux_core::Verdict, Error> {
        self.verify_with(id, code, Verify::new()).await
    }

    /// Tries a code for one recipient and purpose: to everything else, this verification does not
    /// exist ([`NotFound`](otpmux_core::Verdict::NotFound), and no guess is counted). So an id that
    /// comes back from a user cannot be one of a lesser purpose, or of a number of their own.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_for(
        &self,
        id: VerificationId,
        code: &Code,
        recipient: &Recipient,
        purpose: &otpmux_core::Purpose,
    ) -> Result<otpmux_core::Verdict, Error> {
        let verify = Verify::new().for_recipient(recipient.clone()).for_purpose(purpose.clone());
        self.verify_with(id, code, verify).await
    }

    /// [`verify`](Self::verify), with more that is known of the guess.
    ///
    /// ```no_run
    /// # use otpmux_core::Code;
    /// # use otpmux_engine::{OtpClient, VerificationId, Verify};
    /// # async fn example(client: OtpClient, id: VerificationId, typed: Code)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// // One key for every try to ask about one typed code.
    /// let verify = Verify::new().with_idempotency_key("session-7-try-1");
    /// let verdict = match client.verify_with(id, &typed, verify.clone()).await {
    ///     Ok(verdict) => verdict,
    ///     Err(_) => client.verify_with(id, &typed, verify).await?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify). Besides, [`ErrorKind::KeyReused`], not sent, when another code was
    /// tried under the name.
    pub async fn verify_with(
        &self,
        id: VerificationId,
        code: &Code,
        verify: Verify,
    ) -> Result<otpmux_core::Verdict, Error> {
        self.inner().verify(id, code, verify, None).await
    }

    /// Reads a recipient as people type it: a number in the national form of `country` or, without
    /// one, of the policy's [`default_country`](crate::Policy::default_country); see
    /// [`Recipient::parse_in`]. [`Verification::to`] shows what was understood.
    ///
    /// # Errors
    ///
    /// What the text was understood as, and what is missing or wrong; the text is not repeated.
    pub fn read_recipient(
        &self,
        text: &str,
        country: Option<CountryCode>,
    ) -> Result<Recipient, RecipientError> {
        Recipient::parse_in(text, country.or(self.inner().policy.default_country))
    }

    /// Makes a verification worthless, whatever its vendors do. Those that can cancel are told, all
    /// within the policy's deadline; what they make of it changes nothing.
    ///
    /// Answers whether it was pending.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn cancel(&self, id: VerificationId) -> Result<bool, Error> {
        let inner = self.inner();
        inner.has_same_keys().await?;
        let now = inner.clock.now();
        let was_pending = inner.store.cancel(id, now).await?;
        if was_pending {
            let deadline = inner.deadline();
            // From here on nothing can undo the cancel, so nothing may hide it.
            let _ = tokio::time::timeout_at(deadline, inner.cancel_at_vendors(id, deadline)).await;
        }
        Ok(was_pending)
    }
}

impl Inner {
    /// The send attempts whose message may be out, newest first, the accepted ones before the others.
    fn live_attempts<'a>(
        &'a self,
        record: &'a Record,
    ) -> impl Iterator<Item = (&'a Arc<dyn OtpProvider>, &'a SendAttempt)> {
        let of = |accepted: bool| {
            record.send_attempts.iter().rev().filter(move |attempt| {
                attempt.state.may_have_sent()
                    && (attempt.state == AttemptState::Accepted) == accepted
            })
        };
        let known =
            |attempt: &'a SendAttempt| Some((self.members.get(&attempt.provider)?, attempt));
        of(true).chain(of(false)).filter_map(known)
    }

    /// When a call that begins now must have ended, over all vendors that it asks.
    fn deadline(&self) -> Instant {
        Instant::now() + self.policy.deadline
    }

    /// A send attempt as it is written down before its vendor is called.
    fn new_attempt(
        &self,
        id: VerificationId,
        candidate: &Candidate,
        reason: Choice,
        channel: &Channel,
        ends_at: SystemTime,
        entropy: &dyn Entropy,
    ) -> Result<SendAttempt, Error> {
        let key = otpmux_core::IdempotencyKey::generate(entropy).map_err(no_entropy)?;
        Ok(SendAttempt {
            provider: candidate.provider().id().clone(),
            reason,
            channel: channel.clone(),
            otpmux_code: candidate.source.is_otpmux(),
            key,
            ends_at,
            state: AttemptState::Intended,
            failure: None,
            reference: match &candidate.source {
                Source::Again { target, .. } => target.reference.clone().and_then(|reference| {
                    self.keys.keep_reference(id, &target.recipient, reference)
                }),
                Source::Otpmux | Source::Vendor { .. } => None,
            },
            vendor: candidate.source.terms(),
        })
    }

    async fn cancel_at_vendors(&self, id: VerificationId, deadline: Instant) {
        let Ok(Some(mut record)) = self.store.load(id, self.clock.now()).await else { return };
        let Ok(kept) = Kept::open(&mut record, &self.keys) else { return };
        for (provider, attempt) in self.live_attempts(&record) {
            if !attempt.otpmux_code && provider.capabilities().cancel {
                let target = Target::new(kept.recipient.clone(), attempt.reference.clone());
                if let Err(error) = provider.cancel(&context(attempt, deadline), &target).await {
                    tracing::debug!(%error, "cancelled here, but not at the vendor");
                }
            }
        }
    }
}

impl fmt::Debug for OtpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("OtpClient")
            .field("providers", &inner.members.active.keys())
            .field("store", &inner.store)
            .finish_non_exhaustive()
    }
}

/// What a call about one send attempt is given.
fn context(attempt: &SendAttempt, deadline: Instant) -> otpmux_core::Context {
    otpmux_core::Context::new(attempt.key).with_deadline(deadline.into_std())
}

fn invalid(error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
        .with_detail(error.to_string())
}

fn gone() -> Error {
    Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
        .with_detail("no pending verification has this id; send anew")
}

fn no_entropy(error: EntropyError) -> Error {
    Error::new(ErrorKind::Internal, Certainty::NotSent, Blame::Internal).with_source(error)
}

/// How long from `now` to `then`, nothing if that has passed.
fn until(then: SystemTime, now: SystemTime) -> std::time::Duration {
    then.duration_since(now).unwrap_or_default()
}
