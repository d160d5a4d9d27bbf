//! Reports to vendors on how verifications ended whose codes otpmux generated.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otpmux_core::{Certainty, Error, ErrorKind, OtpProvider, Outcome, ReportRequest, Target};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::inner::{Inner, context};
use super::metrics;
use super::payload::Payload;
use super::rates::Event;
use crate::{SendAttempt, VerificationId, background};

/// The pause after a failed try, at first; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long a verification is reported: a later report is of no use to a vendor.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most verifications that may wait. Beyond that, the oldest are dropped.
const MOST: usize = 10_000;
/// Most verifications that are reported at the same time.
const AT_ONCE: usize = 16;

/// Verifications that have ended and whose vendors want to know it. One task reports them, and runs
/// only while some are left; no request waits for it.
#[derive(Default)]
pub(super) struct ReportQueue {
    unreported: Mutex<Unreported>,
    /// Wakes the task when another verification has ended.
    more: Notify,
}

#[derive(Default)]
struct Unreported {
    ends: VecDeque<End>,
    /// It ends under the lock, when the queue is empty.
    task: Option<JoinHandle<()>>,
    at_work: bool,
}

/// A verification that has ended.
struct End {
    inner: Arc<Inner>,
    id: VerificationId,
    outcome: Outcome,
    /// When its next try is due, and how long it waits after that.
    due: Instant,
    pause: Duration,
    /// When the last try may begin.
    until: Instant,
    /// Send attempts whose vendors know it, or cannot be told.
    done: Vec<usize>,
    /// Whether its approval is still to be counted.
    counts: bool,
}

impl Inner {
    /// Reports how a verification ended to the vendors that sent its code, if one of them wants to
    /// know, and counts an approval for its provider. Returns at once.
    pub(super) fn report_later(self: &Arc<Self>, id: VerificationId, outcome: Outcome) {
        let counts = outcome == Outcome::Approved && self.rates.counts_approvals();
        if counts || self.providers.want_reports() {
            let now = Instant::now();
            self.reports.push(End {
                inner: Arc::clone(self),
                id,
                outcome,
                due: now,
                pause: FIRST_PAUSE,
                until: now + PATIENCE,
                done: Vec::new(),
                counts,
            });
        }
    }
}

impl ReportQueue {
    fn push(self: &Arc<Self>, end: End) {
        let mut unreported = self.lock();
        // Repeats of a verify return the same verdict again.
        if unreported.ends.iter().any(|other| other.id == end.id) {
            return;
        }
        if unreported.ends.len() >= MOST {
            unreported.ends.pop_front();
            tracing::warn!(
                "too many ended verifications wait to be reported or counted; the oldest is dropped"
            );
        }
        unreported.ends.push_back(end);
        // A task that ended with its runtime did not clear the handle.
        let gone = unreported.task.as_ref().is_none_or(JoinHandle::is_finished);
        if unreported.at_work && !gone {
            self.more.notify_one();
        } else {
            unreported.at_work = true;
            unreported.task = Some(background::spawn(Self::work(Arc::clone(self))));
        }
    }

    async fn work(self: Arc<Self>) {
        let mut calls: JoinSet<Option<End>> = JoinSet::new();
        loop {
            let now = Instant::now();
            while calls.len() < AT_ONCE
                && let Some(end) = self.take_due(now)
            {
                calls.spawn(end.try_once());
            }
            let Some(next) = self.next_due(calls.is_empty()) else { return };
            let is_full = calls.len() >= AT_ONCE;
            tokio::select! {
                Some(tried) = calls.join_next(), if !calls.is_empty() => {
                    if let Ok(Some(again)) = tried {
                        self.lock().ends.push_back(again);
                    }
                }
                () = self.more.notified(), if !is_full => {}
                () = tokio::time::sleep_until(next), if !is_full => {}
            }
        }
    }

    fn take_due(&self, now: Instant) -> Option<End> {
        let mut unreported = self.lock();
        let place = unreported.ends.iter().position(|end| end.due <= now)?;
        unreported.ends.remove(place)
    }

    /// When the next one is due; far from now if none waits. `None` ends the task: none waits, and
    /// none is being reported.
    fn next_due(&self, idle: bool) -> Option<Instant> {
        let mut unreported = self.lock();
        let next = unreported.ends.iter().map(|end| end.due).min();
        unreported.at_work = next.is_some() || !idle;
        unreported.at_work.then(|| next.unwrap_or_else(|| Instant::now() + PATIENCE))
    }

    fn lock(&self) -> MutexGuard<'_, Unreported> {
        // No step under the lock can panic half-way.
        self.unreported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    /// Reports it to each vendor that does not know it yet. Returns it if another try is due.
    async fn try_once(mut self) -> Option<Self> {
        if self.report().await {
            return None;
        }
        self.due = Instant::now() + self.pause;
        self.pause *= 2;
        (self.due < self.until).then_some(self)
    }

    /// Returns whether nothing is left to do.
    async fn report(&mut self) -> bool {
        let inner = Arc::clone(&self.inner);
        let mut record = match inner.store.load(self.id, inner.clock.now()).await {
            Ok(Some(record)) => record,
            Ok(None) => return true,
            Err(error) => {
                tracing::debug!(%error, "a verification that has ended could not be read yet");
                return false;
            }
        };
        if std::mem::take(&mut self.counts)
            && let Some((provider, _)) = inner.live_attempts(&record).next()
        {
            inner.rates.count(provider.id(), Event::Approved, inner.clock.now());
        }
        if !inner.providers.want_reports() {
            return true;
        }
        let Ok(payload) = Payload::open(&mut record, &inner.keys) else { return true };
        let last = Instant::now() + self.pause >= self.until;
        let mut complete = true;
        for (place, attempt) in record.send_attempts.iter().enumerate() {
            let wants = attempt.otpmux_code && attempt.state.may_have_sent();
            let Some(provider) = inner.providers.get(&attempt.provider).filter(|provider| {
                wants && provider.capabilities().report && !self.done.contains(&place)
            }) else {
                continue;
            };
            let target = Target::new(payload.recipient.clone(), attempt.reference.clone());
            let mut request = ReportRequest::new(target, self.outcome);
            request.code = payload.code.clone().filter(|_| self.outcome == Outcome::Approved);
            if report(&**provider, attempt, &request, last).await {
                self.done.push(place);
            } else {
                complete = false;
            }
        }
        complete
    }
}

/// Returns whether the vendor has the report, or cannot take it.
async fn report(
    provider: &dyn OtpProvider,
    attempt: &SendAttempt,
    request: &ReportRequest,
    last: bool,
) -> bool {
    let deadline = Instant::now() + TIMEOUT;
    let cx = context(attempt, deadline);
    let result = tokio::time::timeout_at(deadline, provider.report(&cx, request)).await;
    let outcome = match &result {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) if may_repeat(error) && !last => return false,
        Ok(Err(error)) => error.kind().as_str(),
        Err(_) => ErrorKind::Timeout.as_str(),
    };
    metrics::reported(provider.id(), outcome);
    if outcome != "ok" {
        let provider = provider.id();
        tracing::warn!(%provider, outcome, "the vendor does not know how a verification ended");
    }
    true
}

/// Only what the vendor certainly did not carry out, and may carry out soon: it counts the guesses
/// that are reported to it.
fn may_repeat(error: &Error) -> bool {
    use ErrorKind::{CircuitOpen, RateLimited, Timeout, Transport, Unavailable};
    error.certainty() != Certainty::Unknown
        && matches!(error.kind(), CircuitOpen | RateLimited | Timeout | Transport | Unavailable)
}

impl fmt::Debug for ReportQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportQueue")
            .field("unreported", &self.lock().ends.len())
            .finish_non_exhaustive()
    }
}
