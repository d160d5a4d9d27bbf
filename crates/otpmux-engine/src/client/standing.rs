use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use otpmux_core::{Error, Standing};

use super::{Inner, gone};
use crate::VerificationId;

/// Tells a provider that pauses before a further try whether the verification still waits for its
/// code: it may have been cancelled, superseded, used or have expired meanwhile.
pub(super) struct StillWanted {
    inner: Arc<Inner>,
    id: VerificationId,
}

impl StillWanted {
    pub(super) fn new(inner: Arc<Inner>, id: VerificationId) -> Self {
        Self { inner, id }
    }
}

#[async_trait]
impl Standing for StillWanted {
    async fn still_wanted(&self) -> Result<(), Error> {
        let now = self.inner.clock.now();
        match self.inner.store.load(self.id, now).await? {
            Some(record) if record.over(now).is_none() => Ok(()),
            _ => Err(gone()),
        }
    }
}

impl fmt::Debug for StillWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StillWanted({})", self.id)
    }
}
