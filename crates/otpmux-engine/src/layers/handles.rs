use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// Handles of a metric that every message records, by their labels. Each is registered once, because
/// a recorder takes much longer to find a handle than to add to it.
///
/// Labels are bounded as the metric's are: no label holds what a caller may choose freely.
pub(crate) struct Handles<L, H>(RwLock<HashMap<L, H>>);

impl<L: Eq + Hash, H: Clone> Handles<L, H> {
    pub(crate) fn get(&self, labels: L, register: impl FnOnce(&L) -> H) -> H {
        // A map is whole at any time, so a poisoned one is too.
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&labels) {
            return known.clone();
        }
        let handle = register(&labels);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(labels, handle.clone());
        handle
    }
}

impl<L, H> Default for Handles<L, H> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<L, H> fmt::Debug for Handles<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handles").finish_non_exhaustive()
    }
}
