//! Twilio's API for messages (`api.twilio.com`): send, fetch, the balance, and delivery receipts.

mod account;
mod message;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::{Fate, TwilioAccount};

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use message::Message;

pub(crate) const FACTS: Facts = Facts { key: "twilio", name: "Twilio", base_path: "" };

#[derive(Debug)]
pub(crate) struct Twilio {
    account: TwilioAccount,
    messages: Ledger<Message>,
}

impl Twilio {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self { account: TwilioAccount::default(), messages: Ledger::default() }
    }

    fn is_authentic(&self, call: &Call) -> bool {
        let account = &self.account;
        let Some((user, password)) = call.basic() else { return false };
        let fits =
            |sid: &str, secret: &str| same_secret(&user, sid) & same_secret(&password, secret);
        fits(&account.account_sid, &account.auth_token)
            | fits(&account.api_key_sid, &account.api_key_secret)
    }
}

impl VendorApi for Twilio {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        if !self.is_authentic(call) {
            return usual_error(401);
        }
        let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        let ["2010-04-01", "Accounts", account, rest @ ..] = path.as_slice() else {
            return usual_error(404);
        };
        if *account != self.account.account_sid {
            return usual_error(404);
        }
        match (&call.method, rest) {
            (&Method::POST, ["Messages.json"]) => self.send(call, cx),
            (&Method::GET, ["Messages", file]) => {
                let sid = file.strip_suffix(".json").unwrap_or(file);
                match self.messages.get(sid) {
                    Some(one) => Reply::json(200, &one.view(sid, &self.account, cx.now)),
                    None => usual_error(404),
                }
            }
            (&Method::GET, ["Balance.json"]) => {
                let balance = &self.account.balance;
                Reply::json(
                    200,
                    &json!({ "account_sid": account, "balance": balance, "currency": "USD" }),
                )
            }
            (_, ["Messages.json" | "Balance.json"]) => usual_error(405),
            _ => usual_error(404),
        }
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn fault_path(&self, call: &Call) -> String {
        let is_send = call.path.ends_with("/Messages.json");
        if is_send { format!("{}/send", call.path) } else { call.path.clone() }
    }

    fn credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "account_sid": account.account_sid,
            "auth_token": account.auth_token,
            "api_key_sid": account.api_key_sid,
            "api_key_secret": account.api_key_secret,
        })
    }

    /// With a sender, without which it sends nothing.
    fn usual_credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "account_sid": account.account_sid,
            "auth_token": account.auth_token,
            "sender": "+14155550100",
        })
    }

    fn account(&self) -> Value {
        to_json(&self.account)
    }

    fn set_account(&mut self, account: Value) -> Result<(), String> {
        assign(&mut self.account, account)
    }

    fn lift_limits(&mut self) {
        // It has none.
    }
}

/// Returns an error: code, text and status.
fn error(status: u16, code: u32, text: &str) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    Reply::json(
        status,
        &json!({ "code": code, "message": text, "more_info": more, "status": status }),
    )
}

/// Returns the vendor's usual error for a status, for faults that set only a status.
fn usual_error(status: u16) -> Reply {
    match status {
        400 => error(400, 21211, "Invalid 'To' Phone Number"),
        401 => error(401, 20003, "Authenticate"),
        403 => error(403, 20403, "Forbidden"),
        404 => error(404, 20404, "The requested resource was not found"),
        405 => error(405, 20004, "Method not allowed"),
        429 => error(429, 20429, "Too many requests"),
        500 => error(500, 20500, "Internal Server Error"),
        503 => error(503, 20503, "Service Unavailable"),
        _ => error(status, 20001, "An error occurred"),
    }
}
