//! The client. This file has the methods for verifications; each calls the file of its name. Those for
//! deliveries are in `deliver/methods`, those for events in `events/methods`, those for the program that
//! runs the client in `operating`.

mod admin;
mod audit;
mod builder;
mod cancel;
mod deliver;
mod due;
mod events;
mod explain;
mod inner;
mod key_check;
mod live;
mod looks;
mod metrics;
mod operating;
mod options;
mod payload;
mod providers;
mod rates;
mod receive;
mod reconcile;
mod reload;
mod report_queue;
mod request;
mod scoped;
mod selector;
mod send;
mod status;
mod store_time;
mod verify;
mod view;
mod wording;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use otpmux_core::{Code, CountryCode, Error, Purpose, Recipient, RecipientError, Verdict};
use tokio::sync::Mutex;

pub use admin::ProviderView;
pub use builder::{BuildError, ClientBuilder, ClientConfig, OpenStoreError};
pub use deliver::{CodeDelivery, CodeDeliveryStatus, CodeInTextError, NewDelivery};
pub use due::Timers;
pub use events::{EventDelivery, EventStream, TakenEvents};
pub use explain::{CandidateView, Explanation, LimitView, MessageView};
pub use looks::Looks;
pub use metrics::describe_metrics;
pub use options::SendOptions;
pub use rates::LastHour;
pub use reload::Reloaded;
pub use request::{InFlight, NewVerification, Resend, Verify};
pub use scoped::{Scope, ScopedClient};
pub use selector::{Checked, Selector};
pub use view::{CodeSourceView, HistoryEntry, SendAttemptView, Verification, VerificationStatus};

use inner::Inner;

use crate::VerificationId;

/// Client for sending and verifying one-time codes over one or several providers.
///
/// Cheap to clone; all clones share one state. Every method may be called from many tasks at once.
/// A call may be dropped at any await; the store then shows that it began.
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
    /// The current state. Every call loads it once and uses it until it returns.
    inner: ArcSwap<Inner>,
    /// Held while a reload builds the next state, so that reloads run one after the other.
    reloading: Mutex<()>,
}

/// Building and reloading.
impl OtpClient {
    /// Returns a builder. At least one provider is required; everything else has a default.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Builds the client that a configuration describes. Makes no request.
    ///
    /// # Errors
    ///
    /// The configuration contradicts itself.
    pub fn from_config<C: ClientConfig + ?Sized>(config: &C) -> Result<Self, C::Error> {
        Ok(config.client_builder()?.build()?)
    }

    /// Replaces providers, routes, keys and policy in one step. Calls under way finish with the old
    /// ones. Pending verifications can still be verified, at the providers that sent their codes. A
    /// provider that is unchanged keeps its connections and its health. On an error nothing
    /// changes.
    ///
    /// The builder's clock and entropy are ignored. Without a store or keys in the builder, the
    /// current ones stay.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`]. Besides: another store ([`BuildError::StoreChanged`]), no
    /// key that signs now ([`BuildError::KeyGone`]), a new key that differs from the one of other
    /// processes ([`BuildError::KeyDiffers`]) or could not be compared
    /// ([`BuildError::KeyUnchecked`]).
    pub async fn reload(&self, builder: ClientBuilder) -> Result<Reloaded, BuildError> {
        self.0.reload(builder).await
    }

    /// [`reload`](Self::reload) from a configuration.
    ///
    /// # Errors
    ///
    /// Those of [`reload`](Self::reload), in the configuration's error type.
    pub async fn reload_config<C: ClientConfig + ?Sized>(
        &self,
        config: &C,
    ) -> Result<Reloaded, C::Error> {
        Ok(self.reload(config.client_builder()?).await?)
    }

    /// A handle that sees verifications of some purposes only.
    #[must_use]
    pub fn scoped(&self, scope: Scope) -> ScopedClient {
        ScopedClient::new(self.clone(), scope)
    }
}

/// Verifications.
impl OtpClient {
    /// Sends a code by the first provider that accepts it. After a failure it tries further
    /// providers where [`next_step`](otpmux_core::next_step()) allows that.
    ///
    /// Returns once a vendor has accepted the message ([`confirmed`](Verification::confirmed)), or
    /// once a message may have gone out and no other may follow. In both cases the code can be
    /// verified, and an older verification of the same recipient and purpose is superseded. If
    /// nothing went out, the older code stays valid.
    ///
    /// # Errors
    ///
    /// Nothing went out for this verification, and no code is valid for it. Certainty
    /// [`NotSent`](otpmux_core::Certainty::NotSent): no provider could take the request (invalid,
    /// unsupported, no route), a limit is reached, or the store is out of reach. `NotSent` or
    /// [`Rejected`](otpmux_core::Certainty::Rejected): the last provider's error.
    /// [`Unknown`](otpmux_core::Certainty::Unknown) is the exception: a message may have gone out,
    /// but the store could not record it, or the verification was cancelled or superseded
    /// meanwhile.
    pub async fn send(&self, new: NewVerification) -> Result<Verification, Error> {
        self.inner().audited_send(Box::new(new), None).await
    }

    /// Sends another message because the user asked for it. A code that otpmux generated is
    /// repeated, by another provider where there is one, by another channel if asked. Where no
    /// provider that can carry it is available, a vendor generates a second code, and
    /// [`new_code`](Verification::new_code) is true. Both codes are then valid until one is used,
    /// and share one count of guesses. A resend renews neither the TTL nor the guesses.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send). Besides, [`RateLimited`](otpmux_core::ErrorKind::RateLimited)
    /// with a [`retry_after`](Error::retry_after) before
    /// [`resend_after`](Verification::resend_after); [`NotFound`](otpmux_core::ErrorKind::NotFound)
    /// when no code is valid for the verification any more. With an idempotency key:
    /// [`KeyReused`](otpmux_core::ErrorKind::KeyReused) when it was used for another channel,
    /// [`Conflict`](otpmux_core::ErrorKind::Conflict) when the first request is under way and
    /// [`InFlight::Refuse`] was chosen.
    pub async fn resend(&self, id: VerificationId, resend: Resend) -> Result<Verification, Error> {
        self.inner().audited_resend(id, resend, &Scope::all(), None).await
    }

    /// Checks a code. A wrong code is an answer, not an error.
    ///
    /// The id selects the verification, so take it from a place that only the application can
    /// write, such as a server-side session. If it comes back from the user, call
    /// [`verify_for`](Self::verify_for).
    ///
    /// # Errors
    ///
    /// No error is an approval. The store is out of reach, or the vendor that generated the code
    /// could not be asked; then the guess is not counted, but with certainty
    /// [`Unknown`](otpmux_core::Certainty::Unknown) the vendor may have used the code up. With
    /// certainty unknown and [`Blame::Internal`](otpmux_core::Blame::Internal), the store's answer
    /// was lost: the code may have been checked and the verification used up. Only
    /// [`verify_with`](Self::verify_with) an idempotency key can be repeated then.
    pub async fn verify(&self, id: VerificationId, code: &Code) -> Result<Verdict, Error> {
        self.verify_with(id, code, Verify::new()).await
    }

    /// Checks a code for one recipient and purpose. A verification of another recipient or purpose
    /// is [`NotFound`](Verdict::NotFound), and no guess is counted. So a user who sends an id back
    /// cannot select a verification of a lesser purpose or of another number.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub async fn verify_for(
        &self,
        id: VerificationId,
        code: &Code,
        recipient: &Recipient,
        purpose: &Purpose,
    ) -> Result<Verdict, Error> {
        let verify = Verify::new().for_recipient(recipient.clone()).for_purpose(purpose.clone());
        self.verify_with(id, code, verify).await
    }

    /// [`verify`](Self::verify) with another selection or further details of the guess.
    ///
    /// A verification may be selected by its recipient and purpose: then nothing needs to be kept
    /// between the send and the verify. It is found in the same step of the store, and all counts
    /// are the same. A recipient without a verification gets [`NotFound`](Verdict::NotFound), and
    /// nothing is counted. Show users a verdict [without its reason](Verdict::without_reason), so
    /// that they do not learn whom a code was sent to.
    ///
    /// ```no_run
    /// # use otpmux_core::Code;
    /// # use otpmux_engine::{OtpClient, VerificationId, Verify};
    /// # async fn example(client: OtpClient, id: VerificationId, typed: Code)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// // One key for all repeats of one guess.
    /// let verify = Verify::new().with_idempotency_key("session-7-guess-1");
    /// let verdict = match client.verify_with(id, &typed, verify.clone()).await {
    ///     Ok(verdict) => verdict,
    ///     Err(_) => client.verify_with(id, &typed, verify).await?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```no_run
    /// # use otpmux_core::{Code, Purpose, Recipient};
    /// # use otpmux_engine::{OtpClient, Selector, Verify};
    /// # async fn example(client: OtpClient, to: Recipient, typed: Code)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let which = Selector::recipient(to, Purpose::new("login")?);
    /// if client.verify_with(which, &typed, Verify::new()).await?.is_approved() {
    ///     // let them in
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify). Besides, not sent:
    /// [`KeyReused`](otpmux_core::ErrorKind::KeyReused) when another code was checked under the
    /// same idempotency key.
    pub async fn verify_with(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        verify: Verify,
    ) -> Result<Verdict, Error> {
        Ok(self.check(which, code, verify).await?.verdict)
    }

    /// [`verify_with`](Self::verify_with), and the id of the verification that was selected.
    ///
    /// # Errors
    ///
    /// Those of [`verify_with`](Self::verify_with).
    pub async fn check(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        verify: Verify,
    ) -> Result<Checked, Error> {
        self.inner().audited_check(&which.into(), code, &verify, None).await
    }

    /// Returns the state of a verification. Asks the vendors that report delivery where the
    /// messages are. A send attempt whose answer was lost is recorded as accepted if its vendor
    /// knows it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound) when the id is unknown or past its retention;
    /// the store is out of reach. A vendor that cannot be asked is no error.
    pub async fn status(&self, id: VerificationId) -> Result<Verification, Error> {
        self.inner().status(id, &Scope::all()).await
    }

    /// Cancels a verification: no code is valid for it any more. Calls the vendors that can cancel,
    /// within the policy's deadline; their answers change nothing. Returns whether it was pending.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn cancel(&self, id: VerificationId) -> Result<bool, Error> {
        self.inner().audited_cancel(id, None).await
    }

    /// Parses a recipient as people type it. A number in national form is read as one of `country`
    /// or, without it, of the policy's [`default_country`](crate::Policy::default_country); see
    /// [`Recipient::parse_in`]. [`Verification::to`] shows how the text was understood.
    ///
    /// # Errors
    ///
    /// The error says what is missing or wrong, and does not repeat the text.
    pub fn read_recipient(
        &self,
        text: &str,
        country: Option<CountryCode>,
    ) -> Result<Recipient, RecipientError> {
        Recipient::parse_in(text, country.or(self.inner().policy.default_country))
    }
}

impl OtpClient {
    fn of(inner: Inner) -> Self {
        let inner = ArcSwap::from_pointee(inner);
        Self(Arc::new(Shared { inner, reloading: Mutex::default() }))
    }

    fn inner(&self) -> Arc<Inner> {
        self.0.inner.load_full()
    }
}

impl fmt::Debug for OtpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("OtpClient")
            .field("providers", &inner.providers.active.keys())
            .field("store", &inner.store)
            .finish_non_exhaustive()
    }
}
