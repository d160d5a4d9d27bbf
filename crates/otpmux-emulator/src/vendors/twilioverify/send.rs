//! The start of a verification, which is also its resend.

use std::net::IpAddr;

use serde_json::Value;

use super::answer::{error, invalid};
use super::{MOST, TwilioVerify, Verification, sid};
use crate::check::{is_e164, is_email};
use crate::exchange::{Call, Form, Reply};
use crate::ids;
use crate::vendor_api::Context;

impl TwilioVerify {
    pub(super) fn send(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let form = call.form().unwrap_or_default();
        let Some(to) = form.get("To") else { return invalid("To") };
        let Some(channel) = form.get("Channel") else { return invalid("Channel") };
        if let Some(refusal) = self.refusal(&form, to, channel) {
            return refusal;
        }
        let pending = self.pending(to, cx.now);
        let before = pending.as_ref().and_then(|sid| self.verifications.get(sid));
        if self.account.enforce_limits && before.is_some_and(|one| one.attempts.len() >= MOST) {
            return error(429, 60203, "Max send attempts reached");
        }
        let mut one = before.cloned().unwrap_or_else(|| Verification {
            to: to.to_owned(),
            channel: channel.to_owned(),
            code: self.new_code(),
            created: cx.now,
            updated: cx.now,
            attempts: Vec::new(),
            checks: 0,
        });
        // Not documented: what another custom code does while one is pending. Here it replaces it.
        if let Some(code) = form.get("CustomCode") {
            code.clone_into(&mut one.code);
        }
        channel.clone_into(&mut one.channel);
        one.updated = cx.now;
        one.attempts.push((cx.now, channel.to_owned(), sid("VL")));
        let name = form.get("CustomFriendlyName").unwrap_or(&self.account.friendly_name);
        let text = format!("Your {name} verification code is: {}", one.code);
        let (word, subject) = match channel {
            "call" => ("voice", None),
            "email" => ("email", Some(format!("Your {name} verification code"))),
            other => (other, None),
        };
        cx.deliver_with(word, to, subject.as_deref(), text, &one.code);
        let sid = pending.unwrap_or_else(|| sid("VE"));
        let reply = Reply::json(201, &self.view(&sid, &one, "pending"));
        // The place in the ledger is that of the first send: the life counts from there.
        match self.verifications.get_mut(&sid) {
            Some(before) => *before = one,
            None => self.verifications.insert(cx.now, sid, one),
        }
        reply
    }

    fn new_code(&self) -> String {
        let fixed = self.account.fixed_code.clone();
        fixed.unwrap_or_else(|| ids::code(self.account.code_length.clamp(4, 10)))
    }

    /// Returns the error for a send that Twilio refuses.
    fn refusal(&self, form: &Form, to: &str, channel: &str) -> Option<Reply> {
        let account = &self.account;
        let starts = |list: &[String]| list.iter().any(|prefix| to.starts_with(prefix.as_str()));
        if !["sms", "call", "whatsapp", "email"].contains(&channel) {
            return Some(invalid("Channel"));
        }
        let fits = if channel == "email" { is_email(to) } else { is_e164(to) };
        if !fits || account.invalid_numbers.iter().any(|number| number == to) {
            return Some(error(400, 60200, &format!("Invalid parameter `To`: {to}")));
        }
        let template = form.get("TemplateSid").unwrap_or_default();
        if account.unknown_templates.iter().any(|unknown| unknown == template) {
            return Some(invalid("TemplateSid"));
        }
        if let Some(parameter) = bad_option(form) {
            return Some(invalid(parameter));
        }
        if form.get("CustomCode").is_some() && !account.custom_codes {
            return Some(error(403, 60204, "Service does not support this feature"));
        }
        if account.disabled_channels.iter().any(|disabled| disabled == channel) {
            return Some(error(400, 60223, "Delivery channel disabled"));
        }
        if account.under_review {
            return Some(error(403, 60238, "Verification Creation Attempt blocked by Twilio"));
        }
        if channel == "sms" && account.landlines.iter().any(|number| number == to) {
            return Some(error(403, 60205, "SMS is not supported by landline phone number"));
        }
        let unchecked = form.get("RiskCheck") == Some("disable");
        if !unchecked && starts(&account.fraud_prefixes) {
            return Some(error(403, 60410, "Verification delivery attempt blocked"));
        }
        if starts(&account.blocked_prefixes) {
            return Some(error(403, 60605, "Verification delivery attempt blocked"));
        }
        None
    }
}

/// Returns the name of an option that does not have the documented form.
fn bad_option(form: &Form) -> Option<&'static str> {
    let sid = |text: &str| {
        text.strip_prefix("HJ")
            .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let object = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|it| it.is_object());
    let wrong = |name: &'static str, fits: &dyn Fn(&str) -> bool| {
        form.get(name).is_some_and(|value| !fits(value)).then_some(name)
    };
    wrong("CustomCode", &|code| (4..=10).contains(&code.chars().count()))
        .or_else(|| wrong("TemplateSid", &sid))
        .or_else(|| wrong("TemplateCustomSubstitutions", &object))
        .or_else(|| wrong("RateLimits", &object))
        .or_else(|| wrong("Tags", &object))
        .or_else(|| wrong("DeviceIp", &|ip| ip.parse::<IpAddr>().is_ok()))
        .or_else(|| wrong("RiskCheck", &|word| ["enable", "disable"].contains(&word)))
}
