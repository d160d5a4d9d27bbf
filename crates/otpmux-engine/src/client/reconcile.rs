//! The state of a send whose answer was lost, by its vendor's status.

use otpmux_core::{Context, Delivery, OtpProvider, Status, Target};

use crate::AttemptState;

/// Asks a vendor where a message is: by its reference or, without one, by the key of its request if
/// the vendor finds messages by key. `None` if it cannot be asked or does not answer.
pub(super) async fn status(
    provider: &dyn OtpProvider,
    cx: &Context,
    target: &Target,
) -> Option<Status> {
    let capabilities = provider.capabilities();
    let can_find = target.reference.is_some() || capabilities.status_by_key;
    if !capabilities.status || !can_find {
        return None;
    }
    match provider.status(cx, target).await {
        Ok(status) => Some(status),
        Err(error) => {
            tracing::debug!(%error, "the vendor did not report a status");
            None
        }
    }
}

/// The state that a delivery proves, if it proves one.
pub(super) fn state_of(delivery: Delivery) -> Option<AttemptState> {
    match delivery {
        Delivery::Accepted | Delivery::Sent | Delivery::Delivered => Some(AttemptState::Accepted),
        Delivery::Failed | Delivery::Expired => Some(AttemptState::Rejected),
        _ => None,
    }
}
