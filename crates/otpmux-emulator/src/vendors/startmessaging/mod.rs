//! StartMessaging, in one of four dialects.

mod account;
mod answer;
mod message;
mod request;
mod send;
mod verify;
mod views;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::check::same_secret;
use crate::clock::millis;
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::ledger::Ledger;
use crate::limits::Window;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
pub use account::{
    Delivery, Dialect, Idempotency, MessageShape, Onboarding, StartMessagingAccount, Template,
};
use answer::{Problem, usual_error};
use message::SentMessage;

pub(crate) const FACTS: Facts =
    Facts { key: "startmessaging", name: "StartMessaging", base_path: "" };

type Answer = Result<Reply, Problem>;

/// The vendor's price of a message.
const PRICE_PAISE: u64 = 25;
const OVERALL: &str = "overall";
const SENDS: &str = "sends";

/// A code that the vendor can verify.
#[derive(Debug)]
struct OtpRequest {
    phone: String,
    code: String,
    expires_at: Timestamp,
    guesses_left: u32,
    used: bool,
}

/// The first use of an idempotency key.
#[derive(Debug)]
struct KeyUse {
    at: Timestamp,
    phone: String,
    reply: Reply,
}

#[derive(Debug)]
pub(crate) struct StartMessaging {
    account: StartMessagingAccount,
    user_id: String,
    wallet_id: String,
    wallet_version: u64,
    created_at: Timestamp,
    requests: Ledger<OtpRequest>,
    messages: Ledger<SentMessage>,
    /// When messages arrive or fail, soonest first.
    unsettled: BinaryHeap<Reverse<(Timestamp, String)>>,
    keys: Ledger<KeyUse>,
    numbers: Window,
    throttle: Window,
}

impl VendorApi for StartMessaging {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        self.record_outcome(cx.now);
        let dialect = self.account.dialect;
        let reply = self.route(call, cx).unwrap_or_else(|problem| problem.answer(dialect, cx.now));
        if dialect == Dialect::Live && reply.status < 400 {
            self.with_rate_limit_headers(reply, call, cx.now)
        } else {
            reply
        }
    }

    fn usual_error(&self, status: u16, now: Timestamp) -> Reply {
        usual_error(status, self.account.dialect, now)
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

impl StartMessaging {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            account: StartMessagingAccount::default(),
            user_id: ids::uuid(),
            wallet_id: ids::uuid(),
            wallet_version: 1,
            created_at: now,
            requests: Ledger::default(),
            messages: Ledger::default(),
            unsettled: BinaryHeap::new(),
            keys: Ledger::default(),
            numbers: Window::new(300),
            throttle: Window::new(60),
        }
    }

    fn route(&mut self, call: &Call, cx: &mut Context) -> Answer {
        let dialect = self.account.dialect;
        let segments: Vec<&str> = call.path.split('/').skip(1).collect();
        let get = call.method == Method::GET;
        let post = call.method == Method::POST;
        match segments.as_slice() {
            ["otp", "send"] if post => {
                self.admit(call, true, cx)?;
                self.send(call, cx)
            }
            ["otp", "verify"] if post && dialect != Dialect::Live => {
                self.admit(call, false, cx)?;
                self.verify(call, cx.now)
            }
            ["otp", "resend"] if post && dialect == Dialect::February => {
                self.admit(call, true, cx)?;
                self.resend(call, cx)
            }
            ["messages"] if get => {
                self.admit(call, false, cx)?;
                Ok(self.list_messages(call, cx.now))
            }
            ["messages", id] if get => {
                self.admit(call, false, cx)?;
                self.get_message(id, cx.now)
            }
            ["messages", id, "check-status"] if post => {
                self.admit(call, false, cx)?;
                self.check_status(id, cx.now)
            }
            ["wallet"] if get => {
                self.admit(call, false, cx)?;
                Ok(self.wallet(cx.now))
            }
            ["templates"] if get => {
                self.admit(call, false, cx)?;
                Ok(self.list_templates(call, cx.now))
            }
            // An unknown route is answered before any check.
            _ => Err(Problem::NoRoute(call.method.clone(), call.path.clone())),
        }
    }

    /// Runs the checks before every route, in the server's order: throttler, key, account.
    fn admit(&mut self, call: &Call, is_send: bool, cx: &Context) -> Result<(), Problem> {
        if self.account.enforce_limits {
            for (key, most, seconds) in self.throttles(is_send) {
                if let Some(wait) = self.throttle.wait(key, cx.now, seconds, most) {
                    return Err(Problem::Throttled(wait));
                }
            }
            self.throttle.record(OVERALL, cx.now);
            if is_send {
                self.throttle.record(SENDS, cx.now);
            }
        }
        let key = call.header("x-api-key").unwrap_or_default();
        if key.is_empty() || self.account.address_refused {
            return Err(Problem::NoCredentials);
        }
        if !same_secret(key, &self.account.api_key) {
            return Err(Problem::InvalidKey);
        }
        if self.account.suspended {
            return Err(Problem::Suspended);
        }
        match self.account.onboarding {
            Some(lack) if is_send => Err(Problem::Onboarding(lack)),
            _ => Ok(()),
        }
    }

    /// Returns counter, most requests, and seconds. The server allows bursts that the documents do
    /// not.
    fn throttles(&self, is_send: bool) -> Vec<(&'static str, usize, u64)> {
        let mut throttles = vec![(OVERALL, 1200, 60)];
        match self.account.dialect {
            Dialect::Live if is_send => throttles.push((SENDS, 200, 10)),
            Dialect::Live => {}
            _ => throttles.push((OVERALL, 20, 1)),
        }
        throttles
    }

    fn with_rate_limit_headers(&self, reply: Reply, call: &Call, now: Timestamp) -> Reply {
        let is_send = call.is(&Method::POST, "/otp/send");
        let (key, most, seconds) = if is_send { (SENDS, 200, 10) } else { (OVERALL, 1200, 60) };
        let left = most - self.throttle.count(key, now, seconds).min(most);
        reply
            .with_header("x-ratelimit-limit", most.to_string())
            .with_header("x-ratelimit-remaining", left.to_string())
            .with_header("x-ratelimit-reset", seconds.to_string())
    }

    fn created_at(&self) -> String {
        millis(self.created_at)
    }
}
