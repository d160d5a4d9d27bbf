//! `POST /send`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Behaviour, DAY, EasyOtp, Verification, answer};
use crate::check::{first, is_digits, is_e164, is_email};
use crate::clock::{millis, plus};
use crate::exchange::Reply;
use crate::ids;
use crate::vendor_api::Context;

const DEFAULT_MESSAGE: &str = "Your verification code is: {code}";
const DEFAULT_SUBJECT: &str = "Your Verification Code";
const DEFAULT_LIFETIME: u64 = 300;
const LIFETIMES: std::ops::RangeInclusive<u64> = 60..=3600;
const TEST_CODE: &str = "123456";

/// The most sends to one recipient, in how many seconds, and the vendor's word for that time.
const RECIPIENT_LIMITS: [(usize, u64, &str); 3] =
    [(2, 60, "minute"), (15, 3600, "hour"), (50, DAY, "24 hours")];

struct Request<'a> {
    channel: &'a str,
    recipient: &'a str,
    message: &'a str,
    /// The subject of an e-mail.
    subject: Option<&'a str>,
    lifetime: u64,
    code: Option<&'a str>,
}

impl<'a> Request<'a> {
    fn read(body: &'a Value) -> Result<Self, &'static str> {
        let channel = body["channel"].as_str().unwrap_or_default();
        if !["sms", "email", "voice"].contains(&channel) {
            return Err(answer::CHANNEL);
        }
        let recipient = first(body, &["recipient"]).ok_or("recipient is required")?;
        let recipient = recipient.as_str().unwrap_or_default();
        if channel == "email" {
            if !is_email(recipient) {
                return Err("recipient must be a valid email address");
            }
        } else if !is_e164(recipient) {
            return Err("recipient must be a valid E.164 phone number");
        }
        let message = match first(body, &["message"]) {
            None => DEFAULT_MESSAGE,
            Some(text) => text.as_str().ok_or("message must be a string")?,
        };
        let subject = match first(body, &["subject"]) {
            None => DEFAULT_SUBJECT,
            Some(text) => text.as_str().ok_or("subject must be a string")?,
        };
        let subject = (channel == "email").then_some(subject);
        let lifetime = match first(body, &["expires_in"]) {
            None => DEFAULT_LIFETIME,
            Some(value) => value
                .as_u64()
                .filter(|seconds| LIFETIMES.contains(seconds))
                .ok_or("expires_in must be between 60 and 3600")?,
        };
        let code = match first(body, &["code"]) {
            None => None,
            Some(value) => {
                Some(value.as_str().filter(|code| is_digits(code, 4..=10)).ok_or(answer::CODE)?)
            }
        };
        Ok(Self { channel, recipient, message, subject, lifetime, code })
    }
}

/// Data of a send to a test recipient.
struct TestRecipient {
    behaviour: Behaviour,
    expires_at_once: bool,
}

impl EasyOtp {
    pub(super) fn send(&mut self, body: &Value, cx: &mut Context) -> Reply {
        let request = match Request::read(body) {
            Ok(request) => request,
            Err(text) => return answer::error(400, text),
        };
        if let Some(test) = self.test_recipient(&request) {
            let lifetime = if test.expires_at_once { 0 } else { request.lifetime };
            // Not documented: whether a code in the request would take precedence over 123456.
            return self.open(TEST_CODE.to_owned(), test.behaviour, lifetime, cx.now);
        }
        if let Some(refusal) = self.over_limit(request.recipient, cx.now) {
            return refusal;
        }
        let Some(left) = self.account.credits.checked_sub(1) else {
            return answer::usual_error(402);
        };
        self.account.credits = left;
        self.sends.record(request.recipient, cx.now);
        let code = match (request.code, &self.account.fixed_code) {
            (Some(own), _) => own.to_owned(),
            (None, Some(fixed)) => fixed.clone(),
            (None, None) => ids::code(self.account.code_length.clamp(4, 10)),
        };
        let text = request.message.replace("{code}", &code);
        cx.deliver_with(request.channel, request.recipient, request.subject, text, &code);
        self.open(code, Behaviour::Ordinary, request.lifetime, cx.now)
    }

    fn test_recipient(&self, request: &Request<'_>) -> Option<TestRecipient> {
        let (behaviour, expires_at_once) = match (request.channel, request.recipient) {
            ("email", to) if to == self.account.test_email_always_ok => {
                (Behaviour::Ordinary, false)
            }
            ("email", to) if to == self.account.test_email_always_invalid => {
                (Behaviour::AlwaysInvalid, false)
            }
            (_, "+15555550100") => (Behaviour::Ordinary, false),
            (_, "+15555550101") => (Behaviour::AlwaysInvalid, false),
            (_, "+15555550102") => (Behaviour::Ordinary, true),
            _ => return None,
        };
        Some(TestRecipient { behaviour, expires_at_once })
    }

    fn over_limit(&self, recipient: &str, now: Timestamp) -> Option<Reply> {
        if !self.account.enforce_limits {
            return None;
        }
        RECIPIENT_LIMITS.into_iter().find_map(|(most, seconds, word)| {
            let wait = self.sends.wait(recipient, now, seconds, most)?;
            let text = format!(
                "Rate limit exceeded: Maximum {most} verification codes per {word}. \
                 Please try again in {wait} seconds."
            );
            Some(answer::error_with_wait(&text, wait))
        })
    }

    fn open(&mut self, code: String, behaviour: Behaviour, lifetime: u64, now: Timestamp) -> Reply {
        let id = ids::uuid();
        let expires_at = plus(now, lifetime);
        let row = Verification {
            code,
            behaviour,
            expires_at,
            used: false,
            failed: 0,
            locked_until: None,
        };
        self.codes.insert(now, id.clone(), row);
        answer::success(json!({ "verification_id": id, "expires_at": millis(expires_at) }))
    }
}
