//! Outcomes of sends that the store did not take yet, written when it answers again.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use otpmux_core::Clock;
use tokio::task::JoinHandle;

use crate::{RecordOutcome, VerificationId, VerificationStore, background};

/// The pause after a failed write: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Most outcomes that may wait. Beyond that, the oldest are dropped: their records stay as after
/// the death of a process.
const MOST: usize = 10_000;

/// Outcomes of sends that the store did not take. One task writes them, one after the other, and
/// runs only while some are left; no request waits for it.
pub(in crate::client) struct OutcomeQueue {
    store: Arc<dyn VerificationStore>,
    clock: Arc<dyn Clock>,
    unrecorded: Mutex<Unrecorded>,
}

#[derive(Default)]
struct Unrecorded {
    ends: VecDeque<End>,
    /// It ends under the lock, when the queue is empty.
    task: Option<JoinHandle<()>>,
    at_work: bool,
}

struct End {
    id: VerificationId,
    record_outcome: RecordOutcome,
    /// When the outcome is no longer needed.
    until: SystemTime,
}

impl OutcomeQueue {
    pub(in crate::client) fn new(
        store: Arc<dyn VerificationStore>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self { store, clock, unrecorded: Mutex::default() })
    }

    /// Writes an outcome once the store answers, unless that time has passed before.
    pub(in crate::client) fn tell(
        self: &Arc<Self>,
        id: VerificationId,
        record_outcome: RecordOutcome,
        until: SystemTime,
    ) {
        let mut unrecorded = self.lock();
        if unrecorded.ends.len() >= MOST {
            unrecorded.ends.pop_front();
            tracing::warn!("too many sends wait to be settled; the oldest is given up");
        }
        unrecorded.ends.push_back(End { id, record_outcome, until });
        // A task that ended with its runtime did not clear the handle.
        let gone = unrecorded.task.as_ref().is_none_or(JoinHandle::is_finished);
        if !unrecorded.at_work || gone {
            unrecorded.at_work = true;
            unrecorded.task = Some(background::spawn(Self::work(Arc::clone(self))));
        }
    }

    async fn work(self: Arc<Self>) {
        let mut pause = FIRST_PAUSE;
        while let Some(end) = self.next() {
            let now = self.clock.now();
            if end.until <= now {
                continue;
            }
            match self.store.record_outcome(end.id, end.record_outcome.clone(), now).await {
                Ok(_) => pause = FIRST_PAUSE,
                Err(error) => {
                    tracing::debug!(%error, "a send that has ended could not be settled yet");
                    self.lock().ends.push_back(end);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn next(&self) -> Option<End> {
        let mut unrecorded = self.lock();
        let next = unrecorded.ends.pop_front();
        unrecorded.at_work = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Unrecorded> {
        // No step under the lock can panic half-way.
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OutcomeQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeQueue")
            .field("unrecorded", &self.lock().ends.len())
            .finish_non_exhaustive()
    }
}
