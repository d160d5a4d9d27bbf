//! Send, resend and verify.

use jiff::Timestamp;

use super::answer::{refusal, sent, success};
use super::{Msg91, Parameters};
use crate::check::{is_digits, same_secret};
use crate::clock::plus;
use crate::exchange::Reply;
use crate::ids;
use crate::vendor_api::Context;

/// A day, unless the send says otherwise.
const DEFAULT_MINUTES: u64 = 1440;
const DEFAULT_LENGTH: u8 = 4;

/// The code of a number. A new one replaces it.
#[derive(Debug)]
pub(super) struct Otp {
    pub(super) request_id: String,
    code: String,
    text: String,
    expires_at: Timestamp,
    wrong: u32,
    resends: u32,
    used: bool,
}

impl Msg91 {
    pub(super) fn send(&mut self, given: &Parameters, cx: &mut Context) -> Reply {
        let Some(template) = given.get("template_id") else {
            return refusal("Template ID missing or invalid");
        };
        if !self.account.templates.iter().any(|known| known == template) {
            return refusal("Template ID missing or invalid");
        }
        let Some(mobile) = given.get("mobile") else {
            return refusal("Please enter atleast one number to send sms.");
        };
        if !is_digits(mobile, 7..=15) {
            return refusal("Mobile no. empty or not numeric");
        }
        let code = match (given.get("otp"), &self.account.fixed_code) {
            (Some(own), _) if !is_digits(own, 4..=9) => return refusal("Invalid otp"),
            (Some(own), _) => own.to_owned(),
            (None, Some(fixed)) => fixed.clone(),
            (None, None) => {
                let length = given.get("otp_length").and_then(|text| text.parse().ok());
                ids::code(length.unwrap_or(DEFAULT_LENGTH).clamp(4, 9))
            }
        };
        let minutes = given.get("otp_expiry").and_then(|text| text.parse::<u64>().ok());
        let lifetime = minutes.unwrap_or(DEFAULT_MINUTES).clamp(1, DEFAULT_MINUTES) * 60;
        let Some(left) = self.account.credits.checked_sub(1) else {
            return refusal("Insufficient balance");
        };
        self.account.credits = left;
        let text = given.fill(&self.account.text.replace("##otp##", &code));
        let otp = Otp {
            request_id: ids::prefixed("30696d74"),
            expires_at: plus(cx.now, lifetime),
            wrong: 0,
            resends: 0,
            used: false,
            code,
            text,
        };
        self.deliver("sms", mobile, &otp, cx);
        let answer = sent(&otp.request_id);
        self.codes.insert(cx.now, mobile.to_owned(), otp);
        answer
    }

    pub(super) fn resend(&mut self, given: &Parameters, cx: &mut Context) -> Reply {
        let mobile = given.get("mobile").unwrap_or_default();
        let channel = match given.get("retrytype") {
            Some("text") => "sms",
            // Voice is the API's default.
            Some("voice") | None => "voice",
            Some(_) => return refusal("Invalid retrytype"),
        };
        let limit = if self.account.enforce_limits { self.account.resends } else { u32::MAX };
        let Some(otp) = self.codes.get_mut(mobile).filter(|otp| !otp.used) else {
            return refusal("No OTP request found to retryotp");
        };
        if otp.expires_at <= cx.now {
            return refusal("otp_expired");
        }
        if otp.resends >= limit {
            return refusal("OTP retry count maxed out");
        }
        otp.resends += 1;
        if let Some(otp) = self.codes.get(mobile) {
            self.deliver(channel, mobile, otp, cx);
        }
        success("retry send successfully")
    }

    pub(super) fn verify(&mut self, given: &Parameters, cx: &mut Context) -> Reply {
        let mobile = given.get("mobile").unwrap_or_default();
        if !is_digits(mobile, 7..=15) {
            return refusal("Mobile no. empty or not numeric");
        }
        let limit = if self.account.enforce_limits { self.account.guesses } else { u32::MAX };
        let Some(otp) = self.codes.get_mut(mobile) else {
            return refusal("Mobile no. not found");
        };
        if otp.used {
            let text = "Mobile no. already verified";
            return if self.account.used_is_success { success(text) } else { refusal(text) };
        }
        if otp.expires_at <= cx.now {
            return refusal("OTP expired");
        }
        if otp.wrong >= limit {
            return refusal("Max limit reached for this otp verification");
        }
        if same_secret(given.get("otp").unwrap_or_default(), &otp.code) {
            otp.used = true;
            return success("OTP verified success");
        }
        otp.wrong += 1;
        refusal("OTP not match")
    }

    fn deliver(&self, channel: &str, mobile: &str, otp: &Otp, cx: &mut Context) {
        let reached = !self.account.unreachable.iter().any(|number| number == mobile);
        if reached {
            cx.deliver(channel, mobile, otp.text.clone(), &otp.code);
        }
        if channel == "sms" {
            self.report(mobile, &otp.request_id, reached, cx);
        }
    }
}
