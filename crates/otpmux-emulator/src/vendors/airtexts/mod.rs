//! AirTexts, the "appid" API. Paths and request fields are documented; every answer is assumed.

mod account;
mod answer;
mod send;
mod verify;
mod views;

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::{AirTextsAccount, ErrorShape, ExpiryField, SendShape, VerifyShape, WrongCode};

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::limits::Window;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::{Problem, usual_error};

pub(crate) const FACTS: Facts = Facts { key: "airtexts", name: "AirTexts", base_path: "" };

type Answer = Result<Reply, Problem>;

const HOUR: u64 = 3600;
const NEWEST_EVENTS: usize = 10_000;

/// A verification at the vendor.
#[derive(Debug)]
struct Otp {
    recipient: String,
    channel: String,
    code: String,
    length: u8,
    from: String,
    expires_at: Timestamp,
    wrong: u32,
    used: bool,
    /// The time and success of each attempt to verify, up to the most attempts that it allows.
    attempts: Vec<(Timestamp, bool)>,
}

/// A line of `GET /otp/logs`.
#[derive(Debug)]
struct Event {
    id: String,
    what: &'static str,
    at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct AirTexts {
    account: AirTextsAccount,
    otps: Ledger<Otp>,
    sends: Window,
    events: VecDeque<Event>,
}

impl VendorApi for AirTexts {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let on_verify = call.path == "/otp/verify";
        self.route(call, cx)
            .unwrap_or_else(|problem| problem.answer(self.account.error_shape, on_verify))
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status, self.account.error_shape)
    }

    fn credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "appid": account.appid,
            "api_key": account.api_key,
            "api_secret": account.api_secret,
            "username": account.username,
            "password": account.password,
            "bearer": account.bearer,
        })
    }

    fn usual_credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "appid": account.appid,
            "api_key": account.api_key,
            "api_secret": account.api_secret,
        })
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

impl AirTexts {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self {
            account: AirTextsAccount::default(),
            otps: Ledger::default(),
            sends: Window::new(HOUR),
            events: VecDeque::new(),
        }
    }

    fn route(&mut self, call: &Call, cx: &mut Context) -> Answer {
        let method = match call.path.as_str() {
            "/otp/send" | "/otp/verify" | "/otp/resend" => Method::POST,
            "/otp/status" | "/otp/list" | "/otp/logs" | "/otp/rate-limits" | "/otp/attempts"
            | "/otp/reports" => Method::GET,
            _ => return Err(Problem::NoRoute),
        };
        if call.method != method {
            return Err(Problem::Method);
        }
        if !self.is_authentic(call) {
            return Err(Problem::Unauthorized);
        }
        if method == Method::GET {
            self.check_app(call.query("appid").as_deref())?;
            return self.view(call, cx.now);
        }
        let body = if call.is_json() { call.object() } else { None };
        let body = body.ok_or(Problem::Invalid {
            code: "INVALID_REQUEST",
            message: "Request body must be a JSON object",
        })?;
        self.check_app(body["appid"].as_str())?;
        match call.path.as_str() {
            "/otp/send" => self.send(&body, cx),
            "/otp/resend" => self.resend(&body, cx),
            _ => self.verify(&body, cx.now),
        }
    }

    /// Returns whether the request is authenticated. One of the three ways is enough, but a wrong
    /// one beside a right one is refused.
    fn is_authentic(&self, call: &Call) -> bool {
        let account = &self.account;
        let pair = match (call.header("x-api-key"), call.header("x-api-secret")) {
            (None, None) => None,
            (key, secret) => {
                // Not `&&`: always compares both.
                let key = same_secret(key.unwrap_or_default(), &account.api_key);
                let secret = same_secret(secret.unwrap_or_default(), &account.api_secret);
                Some(key & secret)
            }
        };
        let authorization = call.header("authorization").map(|_| {
            let basic = BASE64.encode(format!("{}:{}", account.username, account.password));
            call.authorization("Basic").is_some_and(|given| same_secret(given, &basic))
                || call
                    .authorization("Bearer")
                    .is_some_and(|given| same_secret(given, &account.bearer))
        });
        match (pair, authorization) {
            (None, None) => false,
            (pair, authorization) => pair.unwrap_or(true) && authorization.unwrap_or(true),
        }
    }

    fn check_app(&self, appid: Option<&str>) -> Result<(), Problem> {
        match appid {
            None | Some("") => {
                Err(Problem::Invalid { code: "INVALID_REQUEST", message: "appid is required" })
            }
            Some(appid) if appid == self.account.appid && !self.account.disabled => Ok(()),
            Some(_) => Err(Problem::AppNotAllowed),
        }
    }

    fn log(&mut self, now: Timestamp, id: &str, what: &'static str) {
        if self.events.len() == NEWEST_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { id: id.to_owned(), what, at: now });
    }

    /// Returns the id in the body, or the newest of the recipient in the body.
    fn find(&self, body: &Value) -> Result<String, Problem> {
        let recipient = send::recipient(body).and_then(Value::as_str);
        if let Some(id) = body["verification_id"].as_str() {
            let otp = self.otps.get(id).ok_or(Problem::NotFound)?;
            let fits = recipient.is_none_or(|recipient| recipient == otp.recipient);
            return if fits { Ok(id.to_owned()) } else { Err(Problem::NotFound) };
        }
        let recipient = recipient.ok_or(Problem::Invalid {
            code: "INVALID_REQUEST",
            message: "verification_id or recipient is required",
        })?;
        let mut newest = self.otps.newest();
        let found = newest.find(|(_, otp)| otp.recipient == recipient);
        found.map(|(id, _)| id.to_owned()).ok_or(Problem::NotFound)
    }
}
