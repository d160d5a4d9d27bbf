//! Checks that this process has the server keys of the others that share its store.
//!
//! A process with another key would call right codes wrong, count limits apart, and break
//! idempotency. So each process checks once, before it first uses the store, and does nothing if
//! its key differs. The same step measures the store's time.

use std::sync::Arc;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};

use super::BuildError;
use super::inner::Inner;
use crate::{ServerKeys, VerificationStore};

impl Inner {
    pub(super) async fn check_keys(&self) -> Result<(), Error> {
        // Checked on every call: the store may have lost the check values.
        same_keys(&*self.store, &self.keys).await?;
        self.clock.measure().await?;
        let _ = self.keys_checked.set(());
        Ok(())
    }

    /// Checks once for each key ring; later calls cost nothing.
    pub(super) async fn ensure_same_keys(&self) -> Result<(), Error> {
        if self.keys_checked.initialized() {
            self.clock.keep_measured();
            return Ok(());
        }
        // A failure is not kept, so correcting the cause needs no restart.
        let check = async || {
            same_keys(&*self.store, &self.keys).await?;
            self.clock.measure().await
        };
        // Boxed, so that calls after the check have a small future.
        Box::pin(self.keys_checked.get_or_try_init(check)).await.copied()
    }

    /// Checks the keys of a reload before it uses them.
    pub(super) async fn check_new_keys(&self, keys: &ServerKeys) -> Result<(), BuildError> {
        let checks = keys.checks();
        if checks == self.keys.checks() {
            return Ok(());
        }
        match self.store.check_keys(&checks).await {
            Err(error) => Err(BuildError::KeyUnchecked(error.to_string())),
            Ok(differing) => match differing.first() {
                Some(id) => Err(BuildError::KeyDiffers(id.to_string())),
                None => Ok(()),
            },
        }
    }
}

async fn same_keys(store: &dyn VerificationStore, keys: &ServerKeys) -> Result<(), Error> {
    let checks = keys.checks();
    if checks.is_empty() {
        return Ok(());
    }
    // Whether the store has recorded the values or not, no vendor was called.
    let differing = store.check_keys(&checks).await;
    match differing.map_err(|error| error.with_certainty(Certainty::NotSent))?.first() {
        None => Ok(()),
        Some(id) => Err(Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Internal)
            .with_detail(differs(id))),
    }
}

pub(super) fn differs(id: &str) -> String {
    format!(
        "the server key `{id}` differs from the one that other processes of this store use under this \
         id; give all of them the same key, or this one another id"
    )
}

/// The state of the check for a new ring: the old one's if both are equal, otherwise done.
pub(super) fn checked(old: &Inner, keys: &ServerKeys) -> Arc<tokio::sync::OnceCell<()>> {
    if keys.checks() == old.keys.checks() {
        Arc::clone(&old.keys_checked)
    } else {
        Arc::new(tokio::sync::OnceCell::new_with(Some(())))
    }
}
