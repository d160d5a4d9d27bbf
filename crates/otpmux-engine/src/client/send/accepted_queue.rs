//! Accepted sends, recorded a moment later and many at once.
//!
//! That a vendor has accepted a message with otpmux's code says nothing that a verify needs: an
//! [intended](crate::AttemptState::Intended) send attempt counts as sent. So the user need not wait
//! until it is recorded. A process that dies before leaves the send attempt without an outcome, as
//! if it had died during the call.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use otpmux_core::Clock;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::outcome_queue::OutcomeQueue;
use crate::{AcceptedAttempt, VerificationId, VerificationStore, background};

/// How long an accepted send may wait for others. With the write it is recorded well within 50 ms.
const PAUSE: Duration = Duration::from_millis(25);

/// With so many, they are recorded at once.
const ENOUGH: usize = 128;

/// One task records them, and runs only while some wait. No request waits for it, except one for a
/// verification that waits here.
pub(in crate::client) struct AcceptedQueue {
    store: Arc<dyn VerificationStore>,
    clock: Arc<dyn Clock>,
    /// Takes those that the store did not take.
    outcomes: Arc<OutcomeQueue>,
    /// Whether the store costs less for many at once.
    defers: bool,
    queued: Mutex<Queued>,
    /// Ends the pause of the task.
    hurry: Notify,
    /// How many have been recorded, or left to `outcomes`, since the beginning.
    recorded: watch::Sender<u64>,
}

#[derive(Default)]
struct Queued {
    waiting: Vec<Waiting>,
    /// How many have come since the beginning.
    come: u64,
    /// It ends under the lock, when none is waiting.
    task: Option<JoinHandle<()>>,
}

struct Waiting {
    accepted: AcceptedAttempt,
    /// When its record disappears.
    until: SystemTime,
}

impl AcceptedQueue {
    pub(in crate::client) fn new(
        store: Arc<dyn VerificationStore>,
        clock: Arc<dyn Clock>,
        outcomes: Arc<OutcomeQueue>,
    ) -> Arc<Self> {
        Arc::new(Self {
            defers: store.batches_outcomes(),
            store,
            clock,
            outcomes,
            queued: Mutex::default(),
            hurry: Notify::new(),
            recorded: watch::Sender::new(0),
        })
    }

    /// Whether outcomes are recorded later with this store.
    pub(super) fn defers(&self) -> bool {
        self.defers
    }

    /// Records a send attempt as accepted within some milliseconds.
    pub(super) fn record_soon(self: &Arc<Self>, accepted: AcceptedAttempt, until: SystemTime) {
        let mut queued = self.lock();
        queued.waiting.push(Waiting { accepted, until });
        queued.come += 1;
        if queued.waiting.len() == ENOUGH {
            self.hurry.notify_one();
        }
        self.ensure_task(&mut queued);
    }

    /// Records everything that waits, and returns when it is recorded, or left to the queue of
    /// outcomes because the store did not take it.
    pub(in crate::client) async fn flush(self: &Arc<Self>) {
        let come = {
            let mut queued = self.lock();
            if *self.recorded.borrow() == queued.come {
                return;
            }
            self.ensure_task(&mut queued);
            queued.come
        };
        self.hurry.notify_one();
        // The sender is `self`, so it is there.
        let _ = self.recorded.subscribe().wait_for(|recorded| *recorded >= come).await;
    }

    /// Records the outcome of this verification, if it waits here or is on its way to the store.
    /// Returns whether it may have been so: a record that was read before is out of date.
    pub(in crate::client) async fn flush_one(self: &Arc<Self>, id: VerificationId) -> bool {
        let waits = {
            let queued = self.lock();
            let here = queued.waiting.iter().any(|it| it.accepted.id == id);
            // What is on its way is not in the list any more.
            let under_way = queued.come - *self.recorded.borrow() > queued.waiting.len() as u64;
            here || under_way
        };
        if waits {
            self.flush().await;
        }
        waits
    }

    /// Starts the task unless it runs; it may have ended with its runtime.
    fn ensure_task(self: &Arc<Self>, queued: &mut Queued) {
        if queued.task.as_ref().is_none_or(JoinHandle::is_finished) {
            queued.task = Some(background::spawn(Arc::clone(self).work()));
        }
    }

    async fn work(self: Arc<Self>) {
        loop {
            let _ = tokio::time::timeout(PAUSE, self.hurry.notified()).await;
            let (waiting, come) = {
                let mut queued = self.lock();
                if queued.waiting.is_empty() {
                    queued.task = None;
                    self.recorded.send_replace(queued.come);
                    return;
                }
                (std::mem::take(&mut queued.waiting), queued.come)
            };
            self.record(waiting).await;
            self.recorded.send_replace(come);
        }
    }

    async fn record(&self, waiting: Vec<Waiting>) {
        let accepted = waiting.iter().map(|it| it.accepted.clone()).collect();
        if let Err(error) = self.store.record_accepted(accepted, self.clock.now()).await {
            tracing::debug!(%error, "accepted sends could not be recorded yet");
            for Waiting { accepted, until } in waiting {
                self.outcomes.tell(accepted.id, accepted.into(), until);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queued> {
        // No step under the lock can panic half-way.
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AcceptedQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedQueue")
            .field("waiting", &self.lock().waiting.len())
            .finish_non_exhaustive()
    }
}
