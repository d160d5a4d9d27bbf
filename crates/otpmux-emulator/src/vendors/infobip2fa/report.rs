//! Delivery reports, in batches, as a subscription sends them.

use serde_json::json;

use super::Infobip2fa;
use crate::callback::Callback;
use crate::clock::plus;
use crate::vendor_api::Context;

/// A report comes so many seconds after the message.
const AFTER: u64 = 5;

/// The vendor's pauses: a minute, and a minute times the square of the number of the repeat.
const REPEATS: &[u64] = &[120, 300, 600, 1020];

impl Infobip2fa {
    pub(super) fn report(&self, message: &str, to: &str, reached: bool, cx: &mut Context) {
        let Some(url) = &self.account.status_url else { return };
        let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
        let at = plus(cx.now, AFTER);
        let (status, error) = if reached {
            let status = json!({
                "groupId": 3, "groupName": "DELIVERED", "id": 5, "name": "DELIVERED_TO_HANDSET",
                "description": "Message delivered to handset",
            });
            let error = json!({
                "groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR",
                "description": "No Error", "permanent": false,
            });
            (status, error)
        } else {
            let status = json!({
                "groupId": 2, "groupName": "UNDELIVERABLE", "id": 9,
                "name": "UNDELIVERABLE_NOT_DELIVERED", "description": "Message sent not delivered",
            });
            let error = json!({
                "groupId": 1, "groupName": "HANDSET_ERRORS", "id": 27,
                "name": "EC_ABSENT_SUBSCRIBER", "description": "Absent Subscriber",
                "permanent": false,
            });
            (status, error)
        };
        let body = json!({ "results": [{
            "bulkId": message, "messageId": message, "to": to, "sentAt": time(cx.now),
            "doneAt": time(at), "messageCount": 1,
            "price": { "pricePerMessage": 0.01, "currency": "EUR" },
            "status": status, "error": error,
        }] });
        let callback = Callback::new(at, url, "application/json", body.to_string());
        cx.callbacks.push(callback.repeated(REPEATS));
    }
}
