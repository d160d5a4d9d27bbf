use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use otpmux_core::Error;
use otpmux_engine::VerificationStore;

use crate::{StoreWrapper, WrappedStore};

/// Counts the calls of a store, each of which is one round trip for a store on a server.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// use otpmux_engine::{MemoryStore, VerificationStore};
/// use otpmux_testkit::CountingStore;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), otpmux_core::Error> {
/// let store = CountingStore::new(Arc::new(MemoryStore::new(10)));
/// store.health(SystemTime::now()).await?;
/// assert_eq!(store.take(), [("health", 1)].into());
/// assert_eq!(store.total(), 0);
/// # Ok(())
/// # }
/// ```
pub type CountingStore = WrappedStore<Counting>;

/// The part of a [`CountingStore`] that counts.
#[derive(Debug)]
pub struct Counting {
    store: Arc<dyn VerificationStore>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
}

impl CountingStore {
    /// Counts the calls of this store.
    pub fn new(store: Arc<dyn VerificationStore>) -> Arc<Self> {
        Arc::new(Self(Counting { store, calls: Mutex::default() }))
    }
}

impl Counting {
    /// Returns how often each method was called since the last `take`, and begins again.
    pub fn take(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the number of calls since the last [`take`](Self::take).
    pub fn total(&self) -> u64 {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl StoreWrapper for Counting {
    fn store(&self) -> &dyn VerificationStore {
        &*self.store
    }

    async fn step<T: Send>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        step.await
    }
}
