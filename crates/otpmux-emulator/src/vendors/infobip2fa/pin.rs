//! Send, resend and verify.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{invalid, too_many, usual_error};
use super::{DAY, Infobip2fa};
use crate::check::{first, is_digits, is_email, same_secret};
use crate::clock::plus;
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::vendor_api::Context;

/// How a message goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Sms,
    Voice,
    Email,
}

/// A code, under its id.
#[derive(Debug)]
pub(super) struct Pin {
    to: String,
    code: String,
    text: String,
    expires_at: Timestamp,
    left: u32,
    used: bool,
}

impl Infobip2fa {
    pub(super) fn send(&mut self, call: &Call, by: By, cx: &mut Context) -> Reply {
        let body = if call.is_json() { call.object() } else { None };
        let Some(body) = body else { return usual_error(400) };
        let text = |name: &str| first(&body, &[name]).and_then(Value::as_str);
        if text("applicationId") != Some(&*self.account.application_id) {
            return usual_error(404);
        }
        let Some(template) = text("messageId") else {
            return invalid("messageId", "must not be blank");
        };
        if !self.account.templates.iter().any(|known| known == template) {
            return usual_error(404);
        }
        let to = text("to").unwrap_or_default();
        if by == By::Email && !is_email(to) {
            return invalid("to", "must be a well-formed email address");
        }
        if by != By::Email && !is_digits(to, 7..=15) {
            return invalid("to", "must be a phone number");
        }
        if let Some(refusal) = self.over_limit(to, cx.now) {
            return refusal;
        }
        let code = match &self.account.fixed_code {
            Some(fixed) => fixed.clone(),
            None => ids::code(self.account.pin_length),
        };
        let mut message = self.account.text.replace("{{pin}}", &code);
        for (name, value) in body["placeholders"].as_object().into_iter().flatten() {
            message =
                message.replace(&format!("{{{{{name}}}}}"), value.as_str().unwrap_or_default());
        }
        let pin = Pin {
            to: to.to_owned(),
            expires_at: plus(cx.now, self.account.pin_time_to_live),
            left: self.account.pin_attempts,
            used: false,
            text: message,
            code,
        };
        let id = ids::uuid().replace('-', "").to_uppercase();
        self.sends.record(to, cx.now);
        let answer = self.deliver(call, &id, &pin, by, &body, cx);
        self.pins.insert(cx.now, id, pin);
        answer
    }

    pub(super) fn resend(&mut self, call: &Call, id: &str, by: By, cx: &mut Context) -> Reply {
        let body = call.object().unwrap_or_default();
        let Some(pin) = self.pins.get(id).filter(|pin| pin.expires_at > cx.now) else {
            return usual_error(404);
        };
        let to = pin.to.clone();
        if let Some(refusal) = self.over_limit(&to, cx.now) {
            return refusal;
        }
        self.sends.record(&to, cx.now);
        match self.pins.get(id) {
            Some(pin) => self.deliver(call, id, pin, by, &body, cx),
            None => usual_error(404),
        }
    }

    pub(super) fn verify(&mut self, call: &Call, id: &str, cx: &mut Context) -> Reply {
        let body = call.object().unwrap_or_default();
        let Some(code) = body["pin"].as_str().filter(|code| !code.is_empty()) else {
            return invalid("pin", "must not be blank");
        };
        let seconds = self.account.verify_seconds;
        let Some(pin) = self.pins.get_mut(id) else { return usual_error(404) };
        if self.account.enforce_limits {
            if self.verifies.wait(id, cx.now, seconds, 1).is_some() {
                return too_many("Too many requests");
            }
            self.verifies.record(id, cx.now);
        }
        let answer = |verified: bool, left: u32, error: Option<&str>| {
            let mut body = json!({
                "pinId": id, "msisdn": pin.to, "verified": verified, "attemptsRemaining": left,
            });
            if let Some(error) = error {
                body["pinError"] = json!(error);
            }
            Reply::json(200, &body)
        };
        if pin.expires_at <= cx.now {
            return answer(false, 0, Some("TTL_EXPIRED"));
        }
        if pin.left == 0 {
            return answer(false, 0, Some("NO_MORE_PIN_ATTEMPTS"));
        }
        // The documents do not say how a second verify is refused where it is; here as a PIN that has
        // no attempts left.
        if pin.used && !self.account.allow_multiple_pin_verifications {
            return answer(false, 0, Some("NO_MORE_PIN_ATTEMPTS"));
        }
        if same_secret(code, &pin.code) {
            let answer = answer(true, 0, None);
            pin.used = true;
            return answer;
        }
        let left = pin.left - 1;
        let answer = answer(false, left, Some("WRONG_PIN"));
        pin.left = left;
        answer
    }

    fn over_limit(&self, to: &str, now: Timestamp) -> Option<Reply> {
        let over = self.account.enforce_limits
            && self.sends.count(to, now, DAY) >= self.account.sends_per_day;
        over.then(|| too_many("Limit of requests for this phone number exceeded"))
    }

    /// Sends the message, or not, and returns the answer: the same status either way.
    fn deliver(
        &self,
        call: &Call,
        id: &str,
        pin: &Pin,
        by: By,
        body: &Value,
        cx: &mut Context,
    ) -> Reply {
        let to = &pin.to;
        let reached = !self.account.unreachable.contains(to);
        let paid = self.account.balance.parse().is_ok_and(|balance: f64| balance > 0.0);
        // The look-up is one of SMS, and its default is on.
        let looked_up =
            by == By::Sms && call.query("ncNeeded").is_none_or(|needed| needed != "false");
        let accepted = paid && (reached || !looked_up);
        let channel = match by {
            By::Sms => "sms",
            By::Voice => "voice",
            By::Email => "email",
        };
        let mut answer = json!({ "pinId": id, "to": to });
        match by {
            By::Sms => {
                answer["ncStatus"] = json!(match (looked_up, reached) {
                    (false, _) => "NC_NOT_CONFIGURED",
                    (true, true) => "NC_DESTINATION_REACHABLE",
                    (true, false) => "NC_DESTINATION_NOT_REACHABLE",
                });
                answer["smsStatus"] =
                    json!(if accepted { "MESSAGE_SENT" } else { "MESSAGE_NOT_SENT" });
            }
            By::Voice => {
                answer["callStatus"] =
                    json!(if paid { "PENDING_ACCEPTED" } else { "REJECTED_NOT_ENOUGH_CREDITS" });
            }
            By::Email => {
                let (name, text) = if paid {
                    ("PENDING_ACCEPTED", "Message accepted, pending for delivery.")
                } else {
                    ("REJECTED_NOT_ENOUGH_CREDITS", "Not enough credits.")
                };
                answer["emailStatus"] = json!({ "name": name, "description": text });
            }
        }
        if accepted && reached {
            cx.deliver(channel, to, pin.text.clone(), &pin.code);
        }
        if accepted && body["trackDelivery"] == json!(true) {
            let message = ids::uuid();
            answer["externalMessageId"] = json!(message);
            self.report(&message, to, reached, cx);
        }
        Reply::json(200, &answer)
    }
}
