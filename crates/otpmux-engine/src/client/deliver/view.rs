use std::collections::BTreeMap;
use std::time::SystemTime;

use otpmux_core::{Blame, Certainty, Channel, Error, ErrorKind};
use serde::Serialize;

use crate::client::{SendAttemptView, Verification, VerificationStatus};
use crate::{DeliveryId, Skip};

/// The delivery of a code that the caller made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CodeDelivery {
    /// Its id, for redeliver, status and outcome.
    pub id: DeliveryId,
    /// Its state.
    pub status: CodeDeliveryStatus,
    /// Channel of the newest message.
    pub channel: Channel,
    /// The recipient, masked so that only the recipient recognises it.
    pub to: String,
    /// Whether a vendor confirmed that it accepted the newest message. If not, it may still have
    /// been sent.
    pub confirmed: bool,
    /// When it disappears, and its code with it.
    pub expires_at: SystemTime,
    /// When it may be delivered again.
    pub resend_after: SystemTime,
    /// The send attempts, oldest first.
    pub send_attempts: Vec<SendAttemptView>,
    /// The providers that were skipped, in the order in which that happened.
    pub skipped: Vec<Skip>,
    /// The application's own notes. Only [`delivery`](crate::OtpClient::delivery) returns them.
    pub metadata: BTreeMap<String, String>,
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeDeliveryStatus {
    /// It can be delivered again.
    Pending,
    /// Its outcome is known, its TTL has passed, or nothing was sent for it.
    Ended,
}

impl CodeDeliveryStatus {
    /// The word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ended => "ended",
        }
    }
}

impl CodeDelivery {
    pub(super) fn of(sent: Verification) -> Result<Self, Error> {
        let id = DeliveryId::of(sent.id).ok_or_else(|| {
            // The records of the two are read by different keys.
            Error::new(ErrorKind::Internal, Certainty::Unknown, Blame::Internal)
                .with_detail("a verification was found in place of a delivery")
        })?;
        let status = match sent.status {
            VerificationStatus::Pending => CodeDeliveryStatus::Pending,
            _ => CodeDeliveryStatus::Ended,
        };
        Ok(Self {
            id,
            status,
            channel: sent.channel,
            to: sent.to,
            confirmed: sent.confirmed,
            expires_at: sent.expires_at,
            resend_after: sent.resend_after,
            send_attempts: sent.send_attempts,
            skipped: sent.skipped,
            metadata: sent.metadata,
        })
    }
}
