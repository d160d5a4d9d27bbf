use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Certainty, Context, Entropy, EntropyError, Error, ErrorKind, OtpProvider,
};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Scope;
use super::audit::Audit;
use super::events::Events;
use super::metrics::MessageMetrics;
use super::providers::ProviderSet;
use super::rates::Rates;
use super::report_queue::ReportQueue;
use super::send::accepted_queue::AcceptedQueue;
use super::send::limits::PolicyLimits;
use super::send::outcome_queue::OutcomeQueue;
use super::store_time::StoreTime;
use crate::{
    AttemptState, Messages, Policy, Record, Routes, SendAttempt, ServerKeys, VerificationId,
    VerificationStore,
};

/// The parts of a client that one configuration defines. A reload replaces all of them at once, and
/// every call finishes with those that it began with.
pub(super) struct Inner {
    pub(super) providers: ProviderSet,
    pub(super) routes: Routes,
    pub(super) store: Arc<dyn VerificationStore>,
    /// The name under which the store was opened.
    pub(super) store_name: Option<Box<str>>,
    pub(super) keys: ServerKeys,
    /// Set once the store has confirmed these keys.
    pub(super) keys_checked: Arc<OnceCell<()>>,
    pub(super) limit_hits: PolicyLimits,
    pub(super) policy: Policy,
    pub(super) messages: Option<Messages>,
    pub(super) outcomes: Arc<OutcomeQueue>,
    pub(super) accepted: Arc<AcceptedQueue>,
    pub(super) reports: Arc<ReportQueue>,
    pub(super) rates: Arc<Rates>,
    pub(super) metrics: MessageMetrics,
    pub(super) audit: Option<Audit>,
    pub(super) events: Events,
    /// The address below which vendors report deliveries: a slash and the provider's name follow.
    pub(super) receipt_url: Option<Box<str>>,
    /// Whether requests may have steps of escalation.
    pub(super) request_steps: bool,
    /// The store's time, as this process knows it.
    pub(super) clock: Arc<StoreTime>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// The number that identifies this process to the others.
    pub(super) process: u64,
}

impl Inner {
    /// The send attempts whose message may be out, newest first, the accepted ones before the
    /// others.
    pub(super) fn live_attempts<'a>(
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
            |attempt: &'a SendAttempt| Some((self.providers.get(&attempt.provider)?, attempt));
        of(true).chain(of(false)).filter_map(known)
    }

    /// The deadline of a call that begins now, over all vendors that it calls.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.policy.deadline
    }

    /// Reads a verification whose purpose is in the scope. A delivery is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the id is unknown, past its retention, or of another purpose,
    /// all alike; the store is out of reach.
    pub(super) async fn load_in(
        &self,
        id: VerificationId,
        scope: &Scope,
        now: SystemTime,
    ) -> Result<Record, Error> {
        if id.is_delivery() {
            return Err(gone());
        }
        let record = self.store.load(id, now).await?;
        record.filter(|record| scope.contains(&record.purpose)).ok_or_else(gone)
    }
}

/// The context of a call about one send attempt.
pub(super) fn context(attempt: &SendAttempt, deadline: Instant) -> Context {
    Context::new(attempt.key).with_deadline(deadline.into_std())
}

pub(super) fn invalid(error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
        .with_detail(error.to_string())
}

pub(super) fn gone() -> Error {
    Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
        .with_detail("no pending verification has this id; send a new code")
}

pub(super) fn no_entropy(error: EntropyError) -> Error {
    Error::new(ErrorKind::Internal, Certainty::NotSent, Blame::Internal).with_source(error)
}

/// The time from `now` to `then`, zero if that has passed.
pub(super) fn until(then: SystemTime, now: SystemTime) -> Duration {
    then.duration_since(now).unwrap_or_default()
}
