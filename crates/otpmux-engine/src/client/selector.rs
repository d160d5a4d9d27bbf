use otpmux_core::{Purpose, Recipient, Verdict};

use crate::{ExternalId, VerificationId};

/// Selects the verification that a code is checked for.
///
/// ```
/// use otpmux_core::{Purpose, Recipient};
/// use otpmux_engine::Selector;
///
/// let to: Recipient = "+14155550123".parse()?;
/// let which = Selector::recipient(to, Purpose::new("login")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// By its id.
    Id(VerificationId),
    /// The newest one of a recipient and purpose: at most one of them has a code that is good. Any
    /// spelling that certainly names the same mailbox or telephone selects it.
    Recipient {
        /// The recipient.
        recipient: Recipient,
        /// The purpose.
        purpose: Purpose,
    },
    /// By the id that the caller gave at the send
    /// ([`external_id`](crate::NewVerification::external_id)).
    External {
        /// The caller's id.
        id: ExternalId,
        /// The purpose.
        purpose: Purpose,
    },
}

impl Selector {
    /// Selects the newest verification of a recipient and purpose.
    pub fn recipient(recipient: impl Into<Recipient>, purpose: Purpose) -> Self {
        Self::Recipient { recipient: recipient.into(), purpose }
    }

    /// Selects the verification that the caller gave this id.
    pub fn external(id: ExternalId, purpose: Purpose) -> Self {
        Self::External { id, purpose }
    }

    /// The purpose, if it is a part of the selection.
    pub(super) fn purpose(&self) -> Option<&Purpose> {
        match self {
            Self::Id(_) => None,
            Self::Recipient { purpose, .. } | Self::External { purpose, .. } => Some(purpose),
        }
    }
}

impl From<VerificationId> for Selector {
    fn from(id: VerificationId) -> Self {
        Self::Id(id)
    }
}

/// The verdict on a code, and the verification that it was checked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The verdict.
    pub verdict: Verdict,
    /// The verification that was selected, whatever the verdict; `None` if there is none for this
    /// caller. For trusted callers: a user must not learn whether a recipient has a verification.
    pub id: Option<VerificationId>,
}

impl Checked {
    /// There is no verification for this caller.
    pub(super) const NONE: Self = Self { verdict: Verdict::NotFound, id: None };
}
