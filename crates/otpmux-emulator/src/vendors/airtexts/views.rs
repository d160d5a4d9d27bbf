//! The six GET endpoints.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Problem;
use super::{AirTexts, Answer, HOUR, Otp};
use crate::clock::{plus, seconds};
use crate::exchange::{Call, Reply};

impl AirTexts {
    pub(super) fn view(&self, call: &Call, now: Timestamp) -> Answer {
        match call.path.as_str() {
            "/otp/status" => self.status(call),
            "/otp/attempts" => self.attempts(call),
            "/otp/rate-limits" => self.rate_limits(call, now),
            "/otp/list" => Ok(self.list(call, now)),
            "/otp/logs" => Ok(self.logs(call)),
            _ => Ok(self.reports()),
        }
    }

    fn named(&self, call: &Call) -> Result<(String, &Otp), Problem> {
        let id = call.query("verification_id").ok_or(Problem::Invalid {
            code: "INVALID_REQUEST",
            message: "verification_id is required",
        })?;
        let otp = self.otps.get(&id).ok_or(Problem::NotFound)?;
        Ok((id, otp))
    }

    /// `status` is that of the delivery here; in the list it is that of the verification.
    fn status(&self, call: &Call) -> Answer {
        let (id, otp) = self.named(call)?;
        Ok(with_data(&json!({
            "verification_id": id,
            "recipient": otp.recipient,
            "channel": otp.channel,
            "status": "delivered",
            "verified": otp.used,
            "expires_at": seconds(otp.expires_at),
        })))
    }

    fn attempts(&self, call: &Call) -> Answer {
        let (id, otp) = self.named(call)?;
        let line = |(at, right): &(Timestamp, bool)| json!({ "verification_id": id, "success": right, "created_at": seconds(*at) });
        Ok(with_data(&otp.attempts.iter().map(line).collect()))
    }

    fn rate_limits(&self, call: &Call, now: Timestamp) -> Answer {
        let recipient = call.query("recipient").ok_or(Problem::Invalid {
            code: "INVALID_REQUEST",
            message: "recipient is required",
        })?;
        let limit = self.account.sends_per_hour;
        let sent = u32::try_from(self.sends.count(&recipient, now, HOUR)).unwrap_or(u32::MAX);
        let reset = self.sends.wait(&recipient, now, HOUR, 1).unwrap_or(0);
        Ok(with_data(&json!({
            "limit": limit,
            "remaining": limit.saturating_sub(sent),
            "reset_at": seconds(plus(now, reset)),
        })))
    }

    fn list(&self, call: &Call, now: Timestamp) -> Reply {
        let all: Vec<Value> = self
            .otps
            .newest()
            .map(|(id, otp)| {
                let status = match otp {
                    Otp { used: true, .. } => "verified",
                    Otp { expires_at, .. } if *expires_at <= now => "expired",
                    Otp { wrong, .. } if *wrong >= self.account.max_attempts => "failed",
                    _ => "pending",
                };
                json!({
                    "verification_id": id,
                    "recipient": otp.recipient,
                    "channel": otp.channel,
                    "status": status,
                })
            })
            .collect();
        paginated(call, &all)
    }

    fn logs(&self, call: &Call) -> Reply {
        let all: Vec<Value> = self
            .events
            .iter()
            .rev()
            .map(|event| {
                json!({
                    "verification_id": event.id,
                    "event": event.what,
                    "created_at": seconds(event.at),
                })
            })
            .collect();
        paginated(call, &all)
    }

    /// Reports over all present records; the optional dates are not emulated.
    fn reports(&self) -> Reply {
        let count =
            |of: &[&str]| self.events.iter().filter(|event| of.contains(&event.what)).count();
        with_data(&json!({
            "sent": count(&["sent", "resent"]),
            "verified": count(&["verified"]),
            "failed": count(&["failed"]),
        }))
    }
}

fn with_data(data: &Value) -> Reply {
    Reply::json(200, &json!({ "success": true, "data": data }))
}

fn paginated(call: &Call, all: &[Value]) -> Reply {
    let (page, limit) = call.page();
    let shown: Vec<&Value> =
        all.iter().skip((page - 1).saturating_mul(limit)).take(limit).collect();
    Reply::json(
        200,
        &json!({
            "success": true,
            "data": shown,
            "pagination": { "page": page, "limit": limit, "total": all.len() },
        }),
    )
}
