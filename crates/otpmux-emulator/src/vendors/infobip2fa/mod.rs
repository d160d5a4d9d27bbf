//! Infobip's 2FA API (`{account}.api.infobip.com/2fa/2`), and the balance of the account.

mod account;
mod answer;
mod pin;
mod report;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::Infobip2faAccount;

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::limits::Window;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::usual_error;
use pin::{By, Pin};

pub(crate) const FACTS: Facts = Facts { key: "infobip2fa", name: "Infobip 2FA", base_path: "" };

const DAY: u64 = 24 * 3600;
const HOUR: u64 = 3600;

#[derive(Debug)]
pub(crate) struct Infobip2fa {
    account: Infobip2faAccount,
    pins: Ledger<Pin>,
    /// By number.
    sends: Window,
    /// By id.
    verifies: Window,
}

impl Infobip2fa {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self {
            account: Infobip2faAccount::default(),
            pins: Ledger::default(),
            sends: Window::new(DAY),
            verifies: Window::new(HOUR),
        }
    }

    fn balance(&self) -> Reply {
        let value: Value = serde_json::from_str(&self.account.balance).unwrap_or_default();
        Reply::json(200, &json!({ "balance": value, "currency": "EUR" }))
    }
}

impl VendorApi for Infobip2fa {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let key = call.authorization("App").unwrap_or_default();
        if !same_secret(key, &self.account.api_key) {
            return usual_error(401);
        }
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (&call.method, path.as_slice()) {
            (&Method::POST, ["2fa", "2", "pin"]) => self.send(call, By::Sms, cx),
            (&Method::POST, ["2fa", "2", "pin", "voice"]) => self.send(call, By::Voice, cx),
            (&Method::POST, ["2fa", "2", "pin", "email"]) => self.send(call, By::Email, cx),
            (&Method::POST, ["2fa", "2", "pin", id, "verify"]) => self.verify(call, id, cx),
            (&Method::POST, ["2fa", "2", "pin", id, "resend"]) => {
                self.resend(call, id, By::Sms, cx)
            }
            (&Method::POST, ["2fa", "2", "pin", id, "resend", "voice"]) => {
                self.resend(call, id, By::Voice, cx)
            }
            (&Method::POST, ["2fa", "2", "pin", id, "resend", "email"]) => {
                self.resend(call, id, By::Email, cx)
            }
            (&Method::GET, ["account", "1", "balance"]) => self.balance(),
            (_, ["2fa", "2", "pin", ..] | ["account", "1", "balance"]) => usual_error(405),
            _ => usual_error(404),
        }
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn fault_path(&self, call: &Call) -> String {
        let path = call.path.trim_matches('/');
        let is_send = matches!(path, "2fa/2/pin" | "2fa/2/pin/voice" | "2fa/2/pin/email");
        if is_send { format!("/{path}/send") } else { call.path.clone() }
    }

    fn credentials(&self) -> Value {
        json!({ "api_key": self.account.api_key, "application_id": self.account.application_id })
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
