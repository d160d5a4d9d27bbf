//! EasyOTP (`easyotp.dev`): `POST /send` and `POST /verify`.

mod account;
mod answer;
mod send;
mod verify;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::EasyOtpAccount;

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::limits::Window;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::usual_error;

pub(crate) const FACTS: Facts = Facts { key: "easyotp", name: "EasyOTP", base_path: "/api/v1" };

const KEY_LIMIT: usize = 120;
const KEY_LIMIT_SECONDS: u64 = 60;
const DAY: u64 = 24 * 3600;

/// How a verify of this code is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Ordinary,
    /// A test recipient for which every code is invalid; it never locks, since the vendor says "any
    /// code".
    AlwaysInvalid,
}

#[derive(Debug)]
struct Verification {
    code: String,
    behaviour: Behaviour,
    expires_at: Timestamp,
    used: bool,
    failed: u32,
    locked_until: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct EasyOtp {
    account: EasyOtpAccount,
    codes: Ledger<Verification>,
    sends: Window,
    requests: Window,
}

impl EasyOtp {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self {
            account: EasyOtpAccount::default(),
            codes: Ledger::default(),
            sends: Window::new(DAY),
            requests: Window::new(KEY_LIMIT_SECONDS),
        }
    }
}

impl VendorApi for EasyOtp {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let handler = match call.path.as_str() {
            "/send" => Self::send,
            "/verify" => Self::verify,
            _ => return usual_error(404),
        };
        if call.method != Method::POST {
            return usual_error(405);
        }
        let key = call.authorization("Bearer").unwrap_or_default();
        if !same_secret(key, &self.account.api_key) {
            return usual_error(401);
        }
        if self.account.disabled {
            return usual_error(403);
        }
        if self.account.enforce_limits {
            if self.requests.wait("", cx.now, KEY_LIMIT_SECONDS, KEY_LIMIT).is_some() {
                // No `retry_after`: the vendor documents it only for its other two limits.
                return usual_error(429);
            }
            self.requests.record("", cx.now);
        }
        if !call.is_json() {
            return answer::error(400, "Content-Type must be application/json");
        }
        match call.object() {
            Some(body) => handler(self, &body, cx),
            None => answer::error(400, "request body must be a JSON object"),
        }
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn credentials(&self) -> Value {
        json!({ "api_key": self.account.api_key })
    }

    fn account(&self) -> Value {
        to_json(&self.account)
    }

    fn set_account(&mut self, account: Value) -> Result<(), String> {
        assign(&mut self.account, account)
    }

    fn lift_limits(&mut self) {
        self.account.enforce_limits = false;
    }
}
