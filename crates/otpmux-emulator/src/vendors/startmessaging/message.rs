//! A message in transit, and its fate.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Delivery, MessageShape};
use super::{PRICE_PAISE, StartMessaging};
use crate::clock::{millis, plus};

/// The state of a message at the vendor.
#[derive(Debug)]
pub(super) struct SentMessage {
    pub(super) phone: String,
    pub(super) first_status: String,
    pub(super) created_at: Timestamp,
    pub(super) outcome: Delivery,
    pub(super) due: Timestamp,
    pub(super) settled: bool,
}

impl SentMessage {
    pub(super) fn status(&self) -> &str {
        match self.outcome {
            _ if !self.settled => &self.first_status,
            Delivery::Delivered => "delivered",
            Delivery::Failed => "failed",
            Delivery::Expired => "expired",
            Delivery::Pending => &self.first_status,
        }
    }

    fn delivered_at(&self) -> Option<String> {
        (self.settled && self.outcome == Delivery::Delivered).then(|| millis(self.due))
    }

    pub(super) fn view(&self, id: &str, user: &str, shape: MessageShape, status: &str) -> Value {
        let failed = status == "failed";
        if shape == MessageShape::Docs {
            return json!({
                "messageId": id,
                "status": status,
                "deliveredAt": self.delivered_at(),
                "error": failed.then_some("Delivery failed"),
            });
        }
        let mut history =
            vec![json!({ "status": self.first_status, "timestamp": millis(self.created_at) })];
        if self.settled {
            history.push(json!({ "status": self.status(), "timestamp": millis(self.due) }));
        }
        let billed = self.delivered_at().is_some();
        json!({
            "id": id,
            "userId": user,
            "apiKeyId": null,
            "phoneNumber": self.phone,
            "content": "OTP sent",
            "status": status,
            "statusHistory": history,
            "costAmount": if billed { "0.2500" } else { "0.0000" },
            "failureReason": failed.then_some("Message could not be delivered"),
            "sentAt": null,
            "deliveredAt": self.delivered_at(),
            "createdAt": millis(self.created_at),
            "updatedAt": millis(if self.settled { self.due } else { self.created_at }),
        })
    }
}

impl StartMessaging {
    /// Completes every message whose time has come: it arrives or fails. Only arrival is billed.
    pub(super) fn record_outcome(&mut self, now: Timestamp) {
        while self.unsettled.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            let Some(Reverse((_, id))) = self.unsettled.pop() else {
                break;
            };
            let Some(message) = self.messages.get_mut(&id) else {
                continue;
            };
            message.settled = true;
            if message.outcome == Delivery::Delivered {
                self.account.balance_paise = self.account.balance_paise.saturating_sub(PRICE_PAISE);
                self.wallet_version += 1;
            }
        }
    }

    pub(super) fn new_message(&self, phone: &str, now: Timestamp) -> SentMessage {
        SentMessage {
            phone: phone.to_owned(),
            first_status: self.account.send_status().to_owned(),
            created_at: now,
            outcome: self.account.delivery,
            due: plus(now, self.account.delivery_seconds),
            settled: false,
        }
    }
}
