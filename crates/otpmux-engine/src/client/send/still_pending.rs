use std::sync::atomic::{AtomicBool, Ordering};

use otpmux_core::{Blame, Certainty, Error, ErrorKind};

use crate::VerificationId;
use crate::client::inner::{Inner, gone};

/// Checked before each retry: fails if the verification was cancelled, superseded, used or expired
/// during the pause. A message that is sent then would carry an invalid code.
pub(super) struct StillPending<'a> {
    pub(super) inner: &'a Inner,
    pub(super) id: VerificationId,
    /// Whether a provider refused the send for a reason that holds for all providers.
    pub(super) refused: Option<&'a AtomicBool>,
}

impl StillPending<'_> {
    /// # Errors
    ///
    /// The verification is not pending any more, or the store could not be asked: nothing more may
    /// be sent.
    pub(super) async fn ensure(&self) -> Result<(), Error> {
        if self.refused.is_some_and(|refused| refused.load(Ordering::Relaxed)) {
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
