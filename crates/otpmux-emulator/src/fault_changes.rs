//! Changes of the vendors' faults.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::fault::Fault;
use crate::shared::Shared;
use crate::vendors::Vendor;

/// Stream of the changes of the vendors' faults, from its creation on.
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

    /// Returns the next vendor whose fault has changed, with the new fault, or `None` if the vendor
    /// works again. Two changes of one vendor in quick succession may be returned as one.
    ///
    /// Safe to drop before it completes: no change is lost.
    pub async fn next(&mut self) -> (Vendor, Option<Fault>) {
        loop {
            // Before reading the faults: a later change wakes this task again.
            self.changes.mark_unchanged();
            let now = self.shared.world().faults.all();
            let vendors: BTreeSet<Vendor> = now.keys().chain(self.known.keys()).copied().collect();
            for vendor in vendors {
                let fault = now.get(&vendor);
                // A lower count is the same fault.
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
