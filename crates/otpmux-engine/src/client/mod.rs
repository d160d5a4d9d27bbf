mod build;
mod dispatch;
mod kept;
mod plan;
mod pool;
mod request;
mod verify;
mod view;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{
    Blame, Certainty, Channel, Clock, Code, Delivery, Entropy, EntropyError, Error, ErrorKind,
    OtpProvider, ProviderId, Recipient, Target,
};
use tokio::time::Instant;

pub use build::{BuildError, ClientBuilder, ClientConfig};
pub use request::NewVerification;
pub use view::{LegView, Verification, VerificationStatus};

use crate::record::{Leg, LegState, Record, State};
use crate::store::ResendTerms;
use crate::{BeginLeg, Begun, Policy, Routes, ServerKeys, VerificationId, VerificationStore};
use dispatch::Dispatch;
use kept::Kept;
use plan::{Candidate, Source};
use pool::Pool;

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
pub struct OtpClient(Arc<Inner>);

struct Inner {
    providers: HashMap<ProviderId, Arc<dyn OtpProvider>>,
    routes: Routes,
    store: Arc<dyn VerificationStore>,
    keys: ServerKeys,
    policy: Policy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl OtpClient {
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

    /// Sends a code, by the first provider that takes it, and by further ones where
    /// [`next_step`](otpmux_core::next_step) allows.
    ///
    /// Answers once it is known that a message went out ([`confirmed`](Verification::confirmed)), or
    /// that one may have gone out and no other must follow. Either way the code can be typed. It
    /// closes an older verification of the same recipient and purpose.
    ///
    /// # Errors
    ///
    /// Nothing went out for this verification, and no code is good for it. Not sent: no provider
    /// could take the request (invalid, unsupported, no route), or the store is out of reach.
    /// Refused or not sent: the last provider's own error. An error with certainty unknown is the
    /// exception: a message may have gone out, but it could not be written down, or the
    /// verification was cancelled or superseded meanwhile.
    pub async fn send(&self, new: NewVerification) -> Result<Verification, Error> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let pool = Pool::fetch(&*inner.entropy).map_err(no_entropy)?;
        let code = inner.new_code(&new, &pool)?;
        let plan = inner.plan_send(new, &code)?;
        let id = VerificationId::generate(&pool).map_err(no_entropy)?;
        let candidates = &plan.candidates;
        let ours = candidates.iter().any(|c| c.source.is_supplied()).then_some(&code);
        let wished = candidates.iter().find_map(|c| c.source.wished_length());
        let kept = Kept::of(&plan.request, ours, wished);
        let sealed = kept.seal(id, &inner.keys, &pool).map_err(no_entropy)?;
        let request = &plan.request;
        let lifetime = request.lifetime.unwrap_or(inner.policy.lifetime);
        let record = Record {
            id,
            recipient: inner.keys.hash(&request.recipient),
            purpose: request.purpose.clone(),
            state: State::Pending,
            code: ours.map(|code| inner.keys.sign(id, code)),
            code_length: plan.code_length(&code),
            expires_at: now + lifetime,
            attempts: 0,
            max_attempts: inner.policy.attempts,
            resends: 0,
            resend_after: now + inner.policy.resend_delay,
            sealed,
            skips: Vec::new(),
            request: None,
            legs: vec![new_leg(&plan.candidates[0], &request.channel, &pool)?],
        };
        let create = crate::Create { record: record.clone(), charges: Vec::new() };
        inner.store.create(create, now).await?;
        Dispatch::new(inner, record, 0, plan, Some(code)).run().await
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
    /// vendor could not be asked; the attempt is counted all the same, and if the vendor's answer
    /// was lost (certainty unknown) its code may be used up.
    pub async fn verify(
        &self,
        id: VerificationId,
        code: &Code,
    ) -> Result<otpmux_core::Verdict, Error> {
        let guess = self.0.keys.guess(id, code);
        self.0.verify(id, &guess, code).await
    }

    /// Tries a code for one recipient and purpose: to everything else, this verification does not
    /// exist ([`NotFound`](otpmux_core::Verdict::NotFound), and no attempt is counted). So an id that
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
        let keys = &self.0.keys;
        let guess = keys.guess(id, code).for_recipient(recipient, keys);
        self.0.verify(id, &guess.for_purpose(purpose.clone()), code).await
    }

    /// Sends again at the user's wish: the same code where it is ours, by another provider than
    /// before where there is one, by another channel if asked. Neither the lifetime nor the attempts
    /// are renewed.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); besides, refused by policy with a
    /// [`retry_after`](Error::retry_after) before [`resend_after`](Verification::resend_after), and
    /// [`ErrorKind::NotFound`] when no code is good for the verification any more.
    pub async fn resend(
        &self,
        id: VerificationId,
        channel: Option<Channel>,
    ) -> Result<Verification, Error> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let record = inner.store.load(id, now).await?.ok_or_else(gone)?;
        let kept = Kept::open(&record, &inner.keys)?;
        let (plan, code) = inner.plan_resend(&record, kept, channel, now)?;
        let terms = ResendTerms {
            max_resends: inner.policy.resends,
            next_after: now + inner.policy.resend_delay,
        };
        let leg = new_leg(&plan.candidates[0], &plan.request.channel, &*inner.entropy)?;
        let begin = BeginLeg {
            ends: Vec::new(),
            skips: Vec::new(),
            news: Vec::new(),
            leg: leg.clone(),
            resend: Some(terms),
            charges: Vec::new(),
        };
        let place = match inner.store.begin_leg(id, begin, now).await? {
            Begun::Leg(place) => place,
            Begun::Over(_) => return Err(gone()),
            Begun::TooSoon(wait) => return Err(refused("a resend so soon").with_retry_after(wait)),
            Begun::Limited(_) => return Err(refused("x")),
            Begun::TooMany => return Err(refused("more resends than one verification may have")),
        };
        let mut record = record;
        record.resend_after = terms.next_after;
        record.legs.push(leg);
        Dispatch::new(inner, record, place, plan, code).run().await
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
        let inner = &*self.0;
        let now = inner.clock.now();
        let was_pending = inner.store.cancel(id, now).await?;
        if was_pending {
            let deadline = inner.deadline();
            // From here on nothing can undo the cancel, so nothing may hide it.
            let _ = tokio::time::timeout_at(deadline, inner.cancel_at_vendors(id, deadline)).await;
        }
        Ok(was_pending)
    }

    /// Tells where a verification stands, and asks the vendors that can tell where its messages
    /// are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when it is unknown or long gone; the store is out of reach. A vendor
    /// that cannot be asked is no error.
    pub async fn status(&self, id: VerificationId) -> Result<Verification, Error> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let record = inner.store.load(id, now).await?.ok_or_else(gone)?;
        let kept = Kept::open(&record, &inner.keys)?;
        let deadline = inner.deadline();
        let mut deliveries = vec![None; record.legs.len()];
        for (leg, delivery) in record.legs.iter().zip(&mut deliveries) {
            *delivery = inner.delivery(&kept.recipient, leg, deadline).await;
        }
        let mut view = Verification::of(&record, &kept.recipient, now);
        for (leg, delivery) in view.legs.iter_mut().zip(deliveries) {
            leg.delivery = delivery;
        }
        Ok(view)
    }
}

impl Inner {
    fn new_code(&self, new: &NewVerification, entropy: &dyn Entropy) -> Result<Code, Error> {
        let length = new.code_length.unwrap_or(self.policy.code_length);
        self.policy.check_code_length(length).map_err(invalid)?;
        Code::generate(length, entropy).map_err(|_| no_entropy(EntropyError::new()))
    }

    /// The legs whose message may be out, newest first, the accepted ones before the others.
    fn live_legs<'a>(
        &'a self,
        record: &'a Record,
    ) -> impl Iterator<Item = (&'a Arc<dyn OtpProvider>, &'a Leg)> {
        let of = |accepted: bool| {
            record.legs.iter().rev().filter(move |leg| {
                leg.state.may_have_sent() && (leg.state == LegState::Accepted) == accepted
            })
        };
        let known = |leg: &'a Leg| Some((self.providers.get(&leg.provider)?, leg));
        of(true).chain(of(false)).filter_map(known)
    }

    /// When a call that begins now must have ended, over all vendors that it asks.
    fn deadline(&self) -> Instant {
        Instant::now() + self.policy.deadline
    }

    async fn cancel_at_vendors(&self, id: VerificationId, deadline: Instant) {
        let Ok(Some(record)) = self.store.load(id, self.clock.now()).await else { return };
        let Ok(kept) = Kept::open(&record, &self.keys) else { return };
        for (provider, leg) in self.live_legs(&record) {
            if !leg.supplied && provider.capabilities().cancel {
                let target = Target::new(kept.recipient.clone(), leg.reference.clone());
                if let Err(error) = provider.cancel(&context(leg, deadline), &target).await {
                    tracing::debug!(%error, "cancelled here, but not at the vendor");
                }
            }
        }
    }

    async fn delivery(
        &self,
        recipient: &Recipient,
        leg: &Leg,
        deadline: Instant,
    ) -> Option<Delivery> {
        let provider = self.providers.get(&leg.provider)?;
        if !provider.capabilities().status || leg.reference.is_none() {
            return None;
        }
        let target = Target::new(recipient.clone(), leg.reference.clone());
        match provider.status(&context(leg, deadline), &target).await {
            Ok(status) => Some(status.delivery),
            Err(error) => {
                tracing::debug!(%error, "the vendor did not tell the status");
                None
            }
        }
    }
}

impl fmt::Debug for OtpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpClient")
            .field("providers", &self.0.providers.values())
            .field("store", &self.0.store)
            .finish_non_exhaustive()
    }
}

fn new_leg(candidate: &Candidate, channel: &Channel, entropy: &dyn Entropy) -> Result<Leg, Error> {
    let key = otpmux_core::IdempotencyKey::generate(entropy).map_err(no_entropy)?;
    Ok(Leg {
        provider: candidate.provider.id().clone(),
        why: crate::Choice::Preferred,
        channel: channel.clone(),
        supplied: candidate.source.is_supplied(),
        key,
        state: LegState::Intended,
        failure: None,
        reference: match &candidate.source {
            Source::Again(target) => target.reference.clone(),
            Source::Supplied | Source::Vendor { .. } => None,
        },
    })
}

/// What a call about one leg is given.
fn context(leg: &Leg, deadline: Instant) -> otpmux_core::Context {
    otpmux_core::Context::new(leg.key).with_deadline(deadline.into_std())
}

fn invalid(error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
        .with_detail(error.to_string())
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Policy).with_detail(what)
}

fn gone() -> Error {
    Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
        .with_detail("no pending verification has this id; send anew")
}

fn no_entropy(error: EntropyError) -> Error {
    Error::new(ErrorKind::Internal, Certainty::NotSent, Blame::Policy).with_source(error)
}

/// How long from `now` to `then`, nothing if that has passed.
fn until(then: SystemTime, now: SystemTime) -> std::time::Duration {
    then.duration_since(now).unwrap_or_default()
}
