use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use otpmux_core::{Blame, CancelCheck, Certainty, Error, ErrorKind};

use crate::VerificationId;
use crate::client::inner::{Inner, gone};

/// Checked before each retry: fails if the verification was cancelled, superseded, used or expired
/// while the provider paused.
pub(in crate::client) struct StillPending {
    inner: Arc<Inner>,
    id: VerificationId,
    /// A provider refused the send for a reason that holds for all providers.
    refused: AtomicBool,
}

impl StillPending {
    pub(in crate::client) fn new(inner: Arc<Inner>, id: VerificationId) -> Self {
        Self { inner, id, refused: AtomicBool::new(false) }
    }

    /// Stops all retries: another provider would bypass this refusal.
    pub(in crate::client) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl CancelCheck for StillPending {
    async fn ensure_pending(&self) -> Result<(), Error> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Conflict, Certainty::NotSent, Blame::Policy)
                .with_detail("another provider has refused it for a reason that holds for all"));
        }
        let now = self.inner.clock.now();
        match self.inner.store.load(self.id, now).await? {
            Some(record) if record.over(now).is_none() => Ok(()),
            _ => Err(gone()),
        }
    }
}

impl fmt::Debug for StillPending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StillPending({})", self.id)
    }
}
