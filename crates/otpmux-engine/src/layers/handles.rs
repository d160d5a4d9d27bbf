use std::fmt;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use crate::keyed_map::KeyedMap;

/// Handles of a metric that every message records, by their labels. Each is registered once, because
/// a recorder takes much longer to find a handle than to add to it.
///
/// Labels are bounded as the metric's are: no label holds what a caller may choose freely.
pub(crate) struct Handles<L, H>(RwLock<KeyedMap<L, H>>);

impl<L: Eq + Hash, H> Handles<L, H> {
    /// Records by the handle of these labels.
    pub(crate) fn by(&self, labels: L, register: impl FnOnce(&L) -> H, record: impl FnOnce(&H)) {
        // A map is whole at any time, so a poisoned one is too.
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&labels) {
            return record(known);
        }
        let handle = register(&labels);
        record(&handle);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(labels, handle);
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
