//! `POST /otp/verify`, which the live deployment does not have.

use jiff::Timestamp;
use serde_json::json;

use super::account::Dialect;
use super::answer::{Problem, success};
use super::request::object;
use super::{Answer, StartMessaging};
use crate::check::same_secret;
use crate::exchange::{Call, Reply};

impl StartMessaging {
    pub(super) fn verify(&mut self, call: &Call, now: Timestamp) -> Answer {
        let dialect = self.account.dialect;
        let body = object(call)?;
        let (id_field, code_field, missing) = match dialect {
            Dialect::February => {
                ("otpRequestId", "otp", vec!["otpRequestId and otp must be strings"])
            }
            _ => ("requestId", "otpCode", vec!["requestId and otpCode must be strings"]),
        };
        let (Some(id), Some(code)) = (body[id_field].as_str(), body[code_field].as_str()) else {
            return Err(Problem::Validation(missing));
        };
        let request = self.requests.get_mut(id).ok_or(Problem::UnknownRequest)?;
        if request.used {
            return Err(Problem::Used);
        }
        if request.expires_at <= now {
            return Err(Problem::Expired);
        }
        request.guesses_left = request.guesses_left.checked_sub(1).ok_or(Problem::Exhausted)?;
        if !same_secret(code, &request.code) {
            return Err(Problem::WrongCode);
        }
        request.used = true;
        Ok(match dialect {
            Dialect::Tutorial if self.account.bare_data => {
                Reply::json(200, &json!({ "data": { "verified": true } }))
            }
            Dialect::Tutorial => {
                Reply::json(200, &json!({ "success": true, "data": { "verified": true } }))
            }
            Dialect::February => success(200, json!({ "verified": true, "otpRequestId": id }), now),
            _ => success(200, json!({ "verified": true }), now),
        })
    }
}
