//! Delivery reports: the webhook of version 2 or 3.

use serde_json::json;
use url::form_urlencoded;

use super::Msg91;
use crate::callback::Callback;
use crate::clock::plus;
use crate::vendor_api::Context;

/// A report comes so many seconds after the message.
const AFTER: u64 = 5;

impl Msg91 {
    pub(super) fn report(&self, mobile: &str, request_id: &str, reached: bool, cx: &mut Context) {
        let Some(url) = &self.account.status_url else { return };
        let at = plus(cx.now, AFTER);
        let (status, words) = if reached { ("1", "DELIVERED") } else { ("2", "FAILED") };
        // Without a time zone; the vendor's examples have none.
        let date = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
        let one = json!({
            "date": date, "amount": "0.01", "INMSID": "0", "CRQID": "0", "number": mobile,
            "credit": "1", "status": status, "desc": words, "failedReason": "",
        });
        let all = json!({ "senderId": "EMULAT", "requestId": request_id, "userId": "271234", "campaignName": "Sendhttp" });
        let callback = if self.account.webhook_version == 2 {
            let mut batch = all;
            batch["report"] = json!([one]);
            let data = json!([batch]).to_string();
            let body =
                form_urlencoded::Serializer::new(String::new()).append_pair("data", &data).finish();
            Callback::new(at, url, "application/x-www-form-urlencoded", body)
        } else {
            let mut body = one;
            for (name, value) in all.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            Callback::new(at, url, "application/json", body.to_string())
        };
        cx.callbacks.push(callback);
    }
}
