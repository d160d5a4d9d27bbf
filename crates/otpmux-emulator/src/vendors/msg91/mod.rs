//! The OTP API of MSG91 (`control.msg91.com/api/v5/otp`). It finds codes by number.

mod account;
mod answer;
mod otp;
mod parameters;
mod report;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::Msg91Account;

use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::ledger::Ledger;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::{bad_key, refusal, usual_error};
use otp::Otp;
use parameters::Parameters;

pub(crate) const FACTS: Facts = Facts { key: "msg91", name: "MSG91", base_path: "/api/v5" };

#[derive(Debug)]
pub(crate) struct Msg91 {
    account: Msg91Account,
    /// By number.
    codes: Ledger<Otp>,
}

impl Msg91 {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self { account: Msg91Account::default(), codes: Ledger::default() }
    }
}

impl VendorApi for Msg91 {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let handler = match call.path.trim_end_matches('/') {
            "/otp" => Self::send,
            "/otp/verify" => Self::verify,
            "/otp/retry" => Self::resend,
            _ => return usual_error(404),
        };
        if call.method != Method::POST && call.method != Method::GET {
            return usual_error(405);
        }
        let parameters = Parameters::of(call);
        match call.header("authkey").or(parameters.get("authkey")) {
            None => return refusal("Auth Key missing"),
            Some(key) if !same_secret(key, &self.account.auth_key) => return bad_key(),
            Some(_) => {}
        }
        if self.account.address_blocked {
            return refusal("IPBlocked");
        }
        handler(self, &parameters, cx)
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn fault_path(&self, call: &Call) -> String {
        let is_send = call.path.trim_end_matches('/') == "/otp";
        if is_send { "/otp/send".to_owned() } else { call.path.clone() }
    }

    fn credentials(&self) -> Value {
        json!({ "auth_key": self.account.auth_key })
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
