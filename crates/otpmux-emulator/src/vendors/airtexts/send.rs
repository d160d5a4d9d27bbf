//! `POST /otp/send` and `POST /otp/resend`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{ExpiryField, SendShape};
use super::answer::Problem;
use super::{AirTexts, Answer, HOUR, Otp};
use crate::check::{first, is_e164};
use crate::clock::{plus, seconds};
use crate::exchange::Reply;
use crate::ids;
use crate::vendor_api::Context;

/// Returns the recipient under any of its documented names.
pub(super) fn recipient(body: &Value) -> Option<&Value> {
    first(body, &["recipient", "phone", "to"])
}

fn read_channel(body: &Value) -> Result<Option<&str>, Problem> {
    match first(body, &["channel"]).map(Value::as_str) {
        None => Ok(None),
        Some(Some(channel @ ("sms" | "whatsapp"))) => Ok(Some(channel)),
        Some(_) => Err(Problem::Invalid { code: "INVALID_CHANNEL", message: "Invalid channel" }),
    }
}

impl AirTexts {
    pub(super) fn send(&mut self, body: &Value, cx: &mut Context) -> Answer {
        // The vendor's SMS product splits its recipient at commas; here such a recipient is
        // refused.
        let to = recipient(body)
            .and_then(Value::as_str)
            .filter(|to| is_e164(to))
            .ok_or(Problem::Invalid { code: "INVALID_RECIPIENT", message: "Invalid recipient" })?;
        let channel = read_channel(body)?.unwrap_or("sms");
        let length = match first(body, &["otp_length"]) {
            None => 6,
            Some(value) => value
                .as_u64()
                .and_then(|length| u8::try_from(length).ok())
                .filter(|length| (4..=8).contains(length))
                .ok_or(Problem::Invalid {
                    code: "INVALID_OTP_LENGTH",
                    message: "otp_length must be between 4 and 8",
                })?,
        };
        if first(body, &["templateId"]).is_some_and(|id| !id.is_i64()) {
            return Err(Problem::Invalid {
                code: "INVALID_TEMPLATE",
                message: "templateId must be an integer",
            });
        }
        let from = first(body, &["from", "sender"]).and_then(Value::as_str).unwrap_or("OTP");
        self.take_place(to, cx.now)?;
        let otp = Otp {
            recipient: to.to_owned(),
            channel: channel.to_owned(),
            code: self.new_code(length),
            length,
            from: from.to_owned(),
            expires_at: plus(cx.now, self.account.code_lifetime_seconds),
            wrong: 0,
            used: false,
            attempts: Vec::new(),
        };
        let id = ids::prefixed("otp_");
        Ok(self.open(id, otp, "sent", cx))
    }

    /// Makes a new code with a new lifetime and new attempts, under the same id unless set
    /// otherwise.
    pub(super) fn resend(&mut self, body: &Value, cx: &mut Context) -> Answer {
        let channel = read_channel(body)?;
        let id = self.find(body)?;
        let old = self.otps.get(&id).ok_or(Problem::NotFound)?;
        if old.used {
            return Err(Problem::Used);
        }
        let (to, length, from) = (old.recipient.clone(), old.length, old.from.clone());
        let channel = channel.unwrap_or(&old.channel).to_owned();
        self.take_place(&to, cx.now)?;
        let otp = Otp {
            recipient: to,
            channel,
            code: self.new_code(length),
            length,
            from,
            expires_at: plus(cx.now, self.account.code_lifetime_seconds),
            wrong: 0,
            used: false,
            attempts: Vec::new(),
        };
        let id = if self.account.resend_gives_new_id {
            self.otps.remove(&id);
            ids::prefixed("otp_")
        } else {
            id
        };
        Ok(self.open(id, otp, "resent", cx))
    }

    fn take_place(&mut self, to: &str, now: Timestamp) -> Result<(), Problem> {
        if self.account.enforce_limits {
            let most = usize::try_from(self.account.sends_per_hour).unwrap_or(usize::MAX);
            if let Some(wait) = self.sends.wait(to, now, HOUR, most) {
                return Err(Problem::RateLimited { wait });
            }
        }
        self.account.balance = self.account.balance.checked_sub(1).ok_or(Problem::Balance)?;
        self.sends.record(to, now);
        Ok(())
    }

    fn new_code(&self, length: u8) -> String {
        self.account.fixed_code.clone().unwrap_or_else(|| ids::code(length))
    }

    fn open(&mut self, id: String, otp: Otp, event: &'static str, cx: &mut Context) -> Reply {
        let text = format!("{}: your code is {}", otp.from, otp.code);
        cx.deliver(&otp.channel, &otp.recipient, text, &otp.code);
        let reply = self.accepted(&id, &otp);
        self.log(cx.now, &id, event);
        self.otps.insert(cx.now, id, otp);
        reply
    }

    fn accepted(&self, id: &str, otp: &Otp) -> Reply {
        let account = &self.account;
        let mut data = json!({ "recipient": otp.recipient, "channel": otp.channel });
        match account.expiry_field {
            ExpiryField::ExpiresAt => data["expires_at"] = json!(seconds(otp.expires_at)),
            ExpiryField::ExpiresIn => data["expires_in"] = json!(account.code_lifetime_seconds),
            ExpiryField::Absent => {}
        }
        if account.reveal_code {
            data["code"] = json!(otp.code);
        }
        let body = match account.send_shape {
            SendShape::Flat => {
                data["success"] = json!(true);
                data["message"] = json!("OTP sent successfully");
                data["verification_id"] = json!(id);
                data
            }
            SendShape::Nested => {
                data["verification_id"] = json!(id);
                json!({ "status": "success", "code": account.send_status, "data": data })
            }
            SendShape::ResultCamelCase => {
                data["verificationId"] = json!(id);
                json!({ "success": true, "result": data })
            }
            SendShape::BareId => {
                data["id"] = json!(id);
                data
            }
        };
        Reply::json(account.send_status, &body)
    }
}
