//! A message: its start, its states, and its delivery receipts.

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Fate, Twilio, TwilioAccount, error};
use crate::callback::Callback;
use crate::check::is_e164;
use crate::clock::plus;
use crate::exchange::{Call, Form, Reply};
use crate::ids;
use crate::vendor_api::Context;

/// A message that was accepted. Its fate is decided then.
#[derive(Clone, Debug)]
pub(super) struct Message {
    to: String,
    from: Option<String>,
    service: Option<String>,
    body: String,
    created: Timestamp,
    sent: Timestamp,
    ended: Timestamp,
    fate: Fate,
    error_code: u32,
}

impl Message {
    /// Returns the status and, for a message that did not arrive, the error code.
    fn status(&self, now: Timestamp) -> (&'static str, Option<u32>) {
        match self.fate {
            _ if now < self.sent => ("queued", None),
            _ if now < self.ended => ("sent", None),
            Fate::Sent => ("sent", None),
            Fate::Delivered => ("delivered", None),
            Fate::Undelivered => ("undelivered", Some(self.error_code)),
            Fate::Failed => ("failed", Some(self.error_code)),
        }
    }

    /// Returns the JSON form.
    pub(super) fn view(&self, sid: &str, account: &TwilioAccount, now: Timestamp) -> Value {
        let (status, error) = self.status(now);
        let account = &account.account_sid;
        let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}");
        json!({
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": date(self.created),
            "date_sent": (now >= self.sent).then(|| date(self.sent)),
            "date_updated": date(now.min(self.ended)),
            "direction": "outbound-api",
            "error_code": error,
            "error_message": error.map(|_| "Unreachable destination handset"),
            "from": self.from,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "1",
            "price": null,
            "price_unit": "USD",
            "sid": sid,
            "status": status,
            "subresource_uris": { "media": format!("{uri}/Media.json") },
            "to": self.to,
            "uri": format!("{uri}.json"),
        })
    }
}

impl Twilio {
    pub(super) fn send(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let form = call.form().unwrap_or_default();
        let Some(to) = form.get("To") else {
            return error(400, 21604, "A 'To' phone number is required.");
        };
        let (channel, number) = match to.strip_prefix("whatsapp:") {
            Some(number) => ("whatsapp", number),
            None => ("sms", to),
        };
        let account = &self.account;
        if !is_e164(number) {
            return error(400, 21211, &format!("Invalid 'To' Phone Number: {to}"));
        }
        let (from, service) = (form.get("From"), form.get("MessagingServiceSid"));
        if from.is_none() && service.is_none() {
            return error(400, 21603, "A 'From' phone number is required.");
        }
        let Some(body) = text(&form) else {
            return error(400, 21602, "Message body is required.");
        };
        if account.opted_out.iter().any(|one| one == number) {
            return error(400, 21610, "Attempt to send to unsubscribed recipient");
        }
        if account.blocked_prefixes.iter().any(|prefix| number.starts_with(prefix.as_str())) {
            let text = "Permission to send an SMS has not been enabled for the region indicated by \
                        the 'To' number";
            return error(400, 21408, text);
        }
        let one = Message {
            to: to.to_owned(),
            from: from.map(str::to_owned),
            service: service.map(str::to_owned),
            created: cx.now,
            sent: plus(cx.now, account.delivery_seconds / 2),
            ended: plus(cx.now, account.delivery_seconds),
            fate: account.fate,
            error_code: account.error_code,
            body,
        };
        if matches!(one.fate, Fate::Delivered | Fate::Sent) {
            cx.deliver(channel, number, one.body.clone(), &code_in(&one.body));
        }
        let sid = format!("SM{}", ids::uuid().replace('-', ""));
        if let Some(url) = form.get("StatusCallback") {
            // The first state is in the answer, and is not reported.
            for at in [one.sent, one.ended] {
                let (status, _) = one.status(at);
                if at == one.ended || status == "sent" {
                    cx.callbacks.push(self.callback(&sid, &one, at, url));
                }
            }
        }
        // The answer to a send is `queued`, however fast the rest is.
        let mut view = one.view(&sid, &self.account, cx.now);
        view["status"] = json!(if service.is_some() { "accepted" } else { "queued" });
        view["date_sent"] = Value::Null;
        view["error_code"] = Value::Null;
        view["error_message"] = Value::Null;
        self.messages.insert(cx.now, sid, one);
        Reply::json(201, &view)
    }

    /// Returns the delivery receipt of a state: a form, signed with the auth token.
    fn callback(&self, sid: &str, one: &Message, at: Timestamp, url: &str) -> Callback {
        let (status, error) = one.status(at);
        let mut fields = vec![
            ("AccountSid", self.account.account_sid.clone()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("MessageSid", sid.to_owned()),
            ("MessageStatus", status.to_owned()),
            ("SmsSid", sid.to_owned()),
            ("SmsStatus", status.to_owned()),
            ("To", one.to.clone()),
        ];
        fields.extend(one.from.clone().map(|from| ("From", from)));
        fields.extend(one.service.clone().map(|service| ("MessagingServiceSid", service)));
        fields.extend(error.map(|error| ("ErrorCode", error.to_string())));
        let signature = signature(&self.account.auth_token, url, &mut fields);
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(&fields).finish();
        Callback::new(at, url, "application/x-www-form-urlencoded", body)
            .signed("x-twilio-signature", signature)
    }
}

/// Returns the base64 of the HMAC-SHA1 over the URL and the sorted fields, each name followed by its
/// value.
fn signature(token: &str, url: &str, fields: &mut [(&'static str, String)]) -> String {
    fields.sort();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let pairs = fields.iter().map(|(name, value)| format!("{name}{value}"));
    let signed: String = std::iter::once(url.to_owned()).chain(pairs).collect();
    BASE64_STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

/// Returns the text of a message: its body, or the variables of a content template.
fn text(form: &Form) -> Option<String> {
    if let Some(body) = form.get("Body") {
        return Some(body.to_owned());
    }
    let template = form.get("ContentSid")?;
    let variables = form.get("ContentVariables").unwrap_or("{}");
    let variables: Value = serde_json::from_str(variables).ok()?;
    let values = variables.as_object()?.values().filter_map(Value::as_str);
    Some(format!("{template}: {}", values.collect::<Vec<_>>().join(" ")))
}

/// Returns the code in a text: the first run of 4 to 10 digits, or nothing.
fn code_in(text: &str) -> String {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut codes =
        runs.filter(|run| (4..=10).contains(&run.len()) && run.bytes().all(|b| b.is_ascii_digit()));
    codes.next().unwrap_or_default().to_owned()
}

/// Formats a time as `Thu, 24 Aug 2023 05:01:45 +0000`.
fn date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's documentation of webhook security, and of its SDKs' tests.
    #[test]
    fn signs_as_twilio_does() {
        let mut fields = vec![
            ("CallSid", "CA1234567890ABCDE".to_owned()),
            ("Digits", "1234".to_owned()),
            ("From", "+14158675309".to_owned()),
            ("To", "+18005551212".to_owned()),
            ("Caller", "+14158675309".to_owned()),
        ];
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(signature("12345", url, &mut fields), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn the_code_of_a_text() {
        assert_eq!(code_in("Your code is 004217. Call 12."), "004217");
        assert_eq!(code_in("G-123456 is your code"), "123456");
        assert_eq!(code_in("no code"), "");
    }
}
