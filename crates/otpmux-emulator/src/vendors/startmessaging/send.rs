//! `POST /otp/send`, and February's `POST /otp/resend`.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Delivery, Dialect, Idempotency};
use super::answer::{Problem, success};
use super::request::{SendBody, object};
use super::{Answer, KeyUse, OtpRequest, PRICE_PAISE, StartMessaging};
use crate::clock::{millis, plus, seconds};
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::vendor_api::Context;

const DEFAULT_TEXT: &str = "Your verification code is {{otp}}. Valid for {{expiry}} minutes.";
const NUMBER_LIMIT: usize = 3;
const NUMBER_LIMIT_SECONDS: u64 = 300;
const KEY_SECONDS: u64 = 24 * 3600;
const ATTEMPTS: u32 = 3;

impl StartMessaging {
    pub(super) fn send(&mut self, call: &Call, cx: &mut Context) -> Answer {
        let body = SendBody::read(call, self.account.dialect)?;
        if let Some(stored) = self.earlier_answer(&body, cx.now)? {
            return Ok(stored);
        }
        self.take_place(&body.phone, cx.now)?;
        let code = body.code.clone().unwrap_or_else(|| self.own_code());
        let request_id = match self.account.dialect {
            Dialect::Tutorial => ids::prefixed("req_"),
            _ => ids::uuid(),
        };
        let text = self.text(&body, &code);
        let message_id = self.dispatch(&body.phone, text, &code, cx);
        let expires_at = plus(cx.now, self.lifetime());
        let request = OtpRequest {
            phone: body.phone.clone(),
            code,
            expires_at,
            guesses_left: ATTEMPTS,
            used: false,
        };
        self.requests.insert(cx.now, request_id.clone(), request);
        let reply = self.accepted(&request_id, &message_id, &body.phone, expires_at, cx.now);
        if let Some(key) = body.idempotency_key {
            let used = KeyUse { at: cx.now, phone: body.phone, reply: reply.clone() };
            self.keys.insert(cx.now, key, used);
        }
        Ok(reply)
    }

    /// Makes a new code under the same id; the dialect's page says no more.
    pub(super) fn resend(&mut self, call: &Call, cx: &mut Context) -> Answer {
        let body = object(call)?;
        let id = body["otpRequestId"].as_str().unwrap_or_default();
        let phone = self.requests.get(id).ok_or(Problem::UnknownRequest)?.phone.clone();
        self.take_place(&phone, cx.now)?;
        let code = self.own_code();
        let text = render(DEFAULT_TEXT, &code, "", &self.minutes());
        let message_id = self.dispatch(&phone, text, &code, cx);
        let expires_at = plus(cx.now, self.lifetime());
        if let Some(request) = self.requests.get_mut(id) {
            request.code = code;
            request.expires_at = expires_at;
            request.guesses_left = ATTEMPTS;
            request.used = false;
        }
        Ok(self.accepted(id, &message_id, &phone, expires_at, cx.now))
    }

    fn earlier_answer(&self, body: &SendBody, now: Timestamp) -> Result<Option<Reply>, Problem> {
        let policy = self.account.idempotency();
        if policy == Idempotency::Ignore {
            return Ok(None);
        }
        let used = body.idempotency_key.as_ref().and_then(|key| self.keys.get(key));
        match used.filter(|used| plus(used.at, KEY_SECONDS) > now) {
            None => Ok(None),
            Some(used) if used.phone != body.phone => Err(Problem::KeyOfOtherNumber),
            Some(_) if policy == Idempotency::Conflict => Err(Problem::DuplicateKey),
            Some(used) => Ok(Some(used.reply.clone())),
        }
    }

    /// Counts the send to the number, then checks the wallet, then asks the operator. The count
    /// stays if the balance is too low and is reduced again if the operator refuses.
    fn take_place(&mut self, phone: &str, now: Timestamp) -> Result<(), Problem> {
        if self.account.enforce_limits {
            if let Some(wait) = self.numbers.wait(phone, now, NUMBER_LIMIT_SECONDS, NUMBER_LIMIT) {
                return Err(Problem::NumberLimit(wait));
            }
            self.numbers.record(phone, now);
        }
        if self.account.balance_paise < PRICE_PAISE {
            return Err(Problem::Balance);
        }
        if self.account.upstream_refuses {
            self.numbers.give_back(phone);
            return Err(Problem::Upstream);
        }
        Ok(())
    }

    fn dispatch(&mut self, phone: &str, text: String, code: &str, cx: &mut Context) -> String {
        let id = ids::uuid();
        let message = self.new_message(phone, cx.now);
        if message.outcome != Delivery::Pending {
            self.unsettled.push(Reverse((message.due, id.clone())));
        }
        self.messages.insert(cx.now, id.clone(), message);
        cx.deliver("sms", phone, text, code);
        id
    }

    fn accepted(
        &self,
        request_id: &str,
        message_id: &str,
        phone: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Reply {
        if self.account.dialect == Dialect::Tutorial {
            let mut body = json!({ "data": {
                "requestId": request_id,
                "expiresAt": seconds(expires_at),
                "attemptsLeft": ATTEMPTS,
            }});
            if !self.account.bare_data {
                body["success"] = json!(true);
            }
            return Reply::json(200, &body);
        }
        let mut data = json!({
            "otpRequestId": request_id,
            "messageId": message_id,
            "status": self.account.send_status(),
        });
        if self.account.dialect == Dialect::Live {
            data["phoneNumber"] = json!(phone);
            data["createdAt"] = Value::String(millis(now));
        }
        success(201, data, now)
    }

    /// Returns the text. An unknown or unapproved template silently falls back to the default text.
    fn text(&self, body: &SendBody, code: &str) -> String {
        let template = body.template.as_ref().and_then(|id| {
            let mut known = self.account.templates.iter();
            known.find(|template| template.id == *id && template.status == "approved")
        });
        let pattern = template.map_or(DEFAULT_TEXT, |template| &template.body);
        let expiry = body.expiry.clone().unwrap_or_else(|| self.minutes());
        render(pattern, code, &body.app_name, &expiry)
    }

    fn own_code(&self) -> String {
        self.account.fixed_code.clone().unwrap_or_else(|| ids::code(6))
    }

    /// Returns the lifetime of a code: ten minutes in the tutorials, five elsewhere.
    fn lifetime(&self) -> u64 {
        if self.account.dialect == Dialect::Tutorial { 600 } else { 300 }
    }

    fn minutes(&self) -> String {
        (self.lifetime() / 60).to_string()
    }
}

fn render(pattern: &str, code: &str, app_name: &str, expiry: &str) -> String {
    pattern.replace("{{appName}}", app_name).replace("{{expiry}}", expiry).replace("{{otp}}", code)
}
