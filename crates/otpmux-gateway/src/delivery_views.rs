//! The JSON of a delivery, as the HTTP API answers it, for programs that print the same.

use std::collections::BTreeMap;

use otpmux::CodeDelivery;
use serde::Serialize;
use utoipa::ToSchema;

use crate::views::{SendAttempt, SkippedView, of_the_application, rfc3339};

/// The delivery of a code that the caller made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Delivery")]
pub struct DeliveryView {
    /// The id, for show, resend and outcome.
    #[schema(example = "0af7651916cd43dd8448eb211c80319d", pattern = "^[0-9a-f]{31}[13579bdf]$")]
    id: String,
    /// `pending` (it can be sent again) or `ended` (its outcome is known, or nothing was sent).
    #[schema(value_type = DeliveryStatus)]
    status: &'static str,
    /// The channel of the newest message.
    #[schema(example = "sms")]
    channel: String,
    /// The recipient, masked so that only its owner recognises it.
    #[schema(example = "+1•••••••23")]
    to: String,
    /// Whether a vendor has confirmed that it accepted the newest message. If not, the message may
    /// still have been sent.
    confirmed: bool,
    /// When the delivery disappears, and its code with it.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The earliest time of a resend.
    #[schema(format = DateTime)]
    resend_after: String,
}

/// A delivery with its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "DeliveryDetails")]
pub struct DeliveryDetailsView {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The send attempts, oldest first.
    send_attempts: Vec<SendAttempt>,
    /// The providers that were skipped, in the order in which that happened.
    skipped: Vec<SkippedView>,
    /// The metadata that the application gave when it created the delivery.
    metadata: BTreeMap<String, String>,
}

/// The status of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum DeliveryStatus {
    Pending,
    Ended,
}

impl From<&CodeDelivery> for DeliveryView {
    fn from(delivery: &CodeDelivery) -> Self {
        Self {
            id: delivery.id.to_string(),
            status: delivery.status.as_str(),
            channel: delivery.channel.as_str().to_owned(),
            to: delivery.to.clone(),
            confirmed: delivery.confirmed,
            expires_at: rfc3339(delivery.expires_at),
            resend_after: rfc3339(delivery.resend_after),
        }
    }
}

impl From<&CodeDelivery> for DeliveryDetailsView {
    fn from(delivery: &CodeDelivery) -> Self {
        Self {
            delivery: delivery.into(),
            send_attempts: delivery.send_attempts.iter().map(SendAttempt::from).collect(),
            skipped: delivery.skipped.iter().map(SkippedView::from).collect(),
            metadata: of_the_application(&delivery.metadata),
        }
    }
}
