//! EasyOTP (`easyotp.dev`): `POST /send` and `POST /verify`.

mod account;
mod answer;
mod send;
mod verify;

use http::Method;
use jiff::Timestamp;

pub use account::EasyOtpAccount;
pub(crate) use answer::usual_error;

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::limits::Window;
use crate::world::Context;

const KEY_LIMIT: usize = 120;
const KEY_LIMIT_SECONDS: u64 = 60;
const DAY: u64 = 24 * 3600;

/// How a code answers to being verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Ordinary,
    /// A test recipient for which every code is invalid; it never locks, for the vendor says
    /// "any code".
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
    pub(crate) account: EasyOtpAccount,
    codes: Ledger<Verification>,
    sends: Window,
    requests: Window,
}

impl EasyOtp {
    pub(crate) fn new(account: EasyOtpAccount) -> Self {
        Self {
            account,
            codes: Ledger::default(),
            sends: Window::new(DAY),
            requests: Window::new(KEY_LIMIT_SECONDS),
        }
    }

    pub(crate) fn serve(&mut self, call: &Call, cx: &mut Context<'_>) -> Reply {
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
                // No `retry_after`: the vendor promises it for its other two limits only.
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
}
