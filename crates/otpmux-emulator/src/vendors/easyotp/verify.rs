//! `POST /verify`.

use serde_json::Value;

use super::{Behaviour, EasyOtp, answer};
use crate::check::{is_digits, same_secret};
use crate::clock::{plus, seconds_until};
use crate::exchange::Reply;
use crate::vendor_api::Context;

const MOST_FAILED: u32 = 5;
const LOCK_SECONDS: u64 = 900;

impl EasyOtp {
    pub(super) fn verify(&mut self, body: &Value, cx: &mut Context) -> Reply {
        let Some(id) = body["verification_id"].as_str().filter(|id| !id.is_empty()) else {
            return answer::error(400, "verification_id is required");
        };
        let Some(code) = body["code"].as_str().filter(|code| is_digits(code, 4..=10)) else {
            return answer::error(400, answer::CODE);
        };
        let Some(row) = self.codes.get_mut(id) else {
            return answer::error(404, "Verification not found");
        };
        // The lock takes precedence over everything, even a right code. The answer to the fifth
        // wrong code is not documented; here it is a plain "Invalid code".
        if let Some(until) = row.locked_until {
            let wait = seconds_until(cx.now, until);
            if wait > 0 {
                return locked(wait);
            }
            row.locked_until = None;
            row.failed = 0;
        }
        if row.behaviour == Behaviour::AlwaysInvalid {
            return answer::verdict(false, "Invalid code");
        }
        if row.used {
            return answer::verdict(false, "Code already used");
        }
        if row.expires_at <= cx.now {
            return answer::verdict(false, "Code expired");
        }
        if same_secret(code, &row.code) {
            row.used = true;
            return answer::verdict(true, "Code verified successfully");
        }
        row.failed += 1;
        if row.failed >= MOST_FAILED {
            row.locked_until = Some(plus(cx.now, LOCK_SECONDS));
        }
        answer::verdict(false, "Invalid code")
    }
}

fn locked(wait: u64) -> Reply {
    let minutes = wait.div_ceil(60);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    let text = format!(
        "Too many failed attempts. Please try again in {minutes} {unit} or request a new code."
    );
    answer::error_with_wait(&text, wait)
}
