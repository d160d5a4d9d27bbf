//! `POST /otp/verify`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{VerifyShape, WrongCode};
use super::answer::Problem;
use super::{AirTexts, Answer};
use crate::check::{first, same_secret};
use crate::clock::seconds_until;
use crate::exchange::Reply;

impl AirTexts {
    pub(super) fn verify(&mut self, body: &Value, now: Timestamp) -> Answer {
        let code = first(body, &["otp_code", "code"])
            .and_then(Value::as_str)
            .ok_or(Problem::Invalid { code: "INVALID_REQUEST", message: "otp_code is required" })?;
        let id = self.find(body)?;
        let most = self.account.max_attempts;
        let otp = self.otps.get_mut(&id).ok_or(Problem::NotFound)?;
        if otp.used {
            return Err(Problem::Used);
        }
        if otp.expires_at <= now {
            return Err(Problem::Expired);
        }
        if otp.wrong >= most {
            return Err(Problem::Exhausted { wait: seconds_until(now, otp.expires_at) });
        }
        let right = same_secret(code, &otp.code);
        otp.attempts.push((now, right));
        if right {
            otp.used = true;
            self.log(now, &id, "verified");
            return Ok(self.approved(&id));
        }
        otp.wrong += 1;
        let left = most - otp.wrong;
        self.log(now, &id, "failed");
        let status = match self.account.wrong_code {
            WrongCode::Status400 => 400,
            WrongCode::Status422 => 422,
            WrongCode::Status200 => 200,
        };
        Err(Problem::WrongCode { status, left })
    }

    fn approved(&self, id: &str) -> Reply {
        let message = "OTP verified successfully";
        let body = match self.account.verify_shape {
            VerifyShape::Full => json!({
                "success": true, "verified": true, "message": message, "verification_id": id,
            }),
            VerifyShape::WithoutMessage => {
                json!({ "success": true, "verified": true, "verification_id": id })
            }
            VerifyShape::Nested => {
                json!({ "success": true, "data": { "verified": true, "verification_id": id } })
            }
            VerifyShape::Valid => json!({ "success": true, "valid": true }),
            VerifyShape::StatusWord => json!({ "status": "approved", "verification_id": id }),
            VerifyShape::MessageOnly => json!({ "success": true, "message": message }),
        };
        Reply::json(200, &body)
    }
}
