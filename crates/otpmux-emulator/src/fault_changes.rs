//! The vendors' faults as they change.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::fault::Fault;
use crate::shared::Shared;
use crate::vendors::Vendor;

/// The changes of the vendors' faults, one after the other, from when this was made.
pub struct FaultChanges {
    shared: Arc<Shared>,
    changes: watch::Receiver<()>,
    known: BTreeMap<Vendor, Fault>,
    waiting: VecDeque<(Vendor, Option<Fault>)>,
}

impl FaultChanges {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (changes, known) = {
            let world = shared.world();
            (world.changes.subscribe(), world.faults.all())
        };
        Self { shared, changes, known, waiting: VecDeque::new() }
    }

    /// The next vendor whose fault is another one, with that fault, or without one if it works again.
    /// Two changes of one vendor that follow each other at once may come as one.
    ///
    /// Safe to drop before it completes: no change is lost.
    pub async fn next(&mut self) -> (Vendor, Option<Fault>) {
        loop {
            // Before looking: later changes wake this again.
            self.changes.mark_unchanged();
            let now = self.shared.world().faults.all();
            let vendors: BTreeSet<Vendor> = now.keys().chain(self.known.keys()).copied().collect();
            for vendor in vendors {
                let fault = now.get(&vendor);
                // A count that goes down is the same fault.
                if fault.map(Fault::kind) != self.known.get(&vendor).map(Fault::kind) {
                    self.waiting.push_back((vendor, fault.cloned()));
                }
            }
            self.known = now;
            if let Some(change) = self.waiting.pop_front() {
                return change;
            }
            // The sender is in the world, which `shared` keeps alive.
            let _ = self.changes.changed().await;
        }
    }
}

impl fmt::Debug for FaultChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultChanges").field("known", &self.known).finish_non_exhaustive()
    }
}
