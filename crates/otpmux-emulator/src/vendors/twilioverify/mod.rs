//! Twilio Verify v2 (`verify.twilio.com`), and the balance of the account.

mod account;
mod answer;
mod send;
mod verify;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::TwilioVerifyAccount;

use crate::check::same_secret;
use crate::clock::{plus, seconds};
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::ledger::Ledger;
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::{error, not_found, usual_error};

pub(crate) const FACTS: Facts = Facts { key: "twilioverify", name: "Twilio Verify", base_path: "" };

/// The most sends and the most checks of one verification.
const MOST: usize = 5;

/// A verification that is pending. One that has ended is deleted.
#[derive(Clone, Debug)]
struct Verification {
    to: String,
    channel: String,
    code: String,
    created: Timestamp,
    updated: Timestamp,
    /// Time, channel and SID of each send.
    attempts: Vec<(Timestamp, String, String)>,
    checks: usize,
}

#[derive(Debug)]
pub(crate) struct TwilioVerify {
    account: TwilioVerifyAccount,
    verifications: Ledger<Verification>,
}

impl TwilioVerify {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self { account: TwilioVerifyAccount::default(), verifications: Ledger::default() }
    }

    fn is_authentic(&self, call: &Call) -> bool {
        let account = &self.account;
        let Some((user, password)) = call.basic() else { return false };
        let fits =
            |sid: &str, secret: &str| same_secret(&user, sid) & same_secret(&password, secret);
        fits(&account.account_sid, &account.auth_token)
            | fits(&account.api_key_sid, &account.api_key_secret)
    }

    /// Returns the SID of the pending verification of a recipient.
    fn pending(&self, to: &str, now: Timestamp) -> Option<String> {
        let mut newest = self.verifications.newest();
        let found = newest.find(|(_, one)| one.to == to && self.is_alive(one, now));
        found.map(|(sid, _)| sid.to_owned())
    }

    fn is_alive(&self, one: &Verification, now: Timestamp) -> bool {
        plus(one.created, self.account.ttl) > now
    }

    /// Returns the JSON form of a verification.
    fn view(&self, sid: &str, one: &Verification, status: &str) -> Value {
        let service = &self.account.service_sid;
        let attempts = one.attempts.iter().map(|(at, channel, sid)| {
            // The vendor's example writes these two in capitals.
            let channel = match channel.as_str() {
                "sms" => "SMS",
                "email" => "EMAIL",
                other => other,
            };
            json!({ "time": seconds(*at), "channel": channel, "attempt_sid": sid })
        });
        json!({
            "sid": sid,
            "service_sid": service,
            "account_sid": self.account.account_sid,
            "to": one.to,
            "channel": one.channel,
            "status": status,
            "valid": status == "approved",
            "date_created": seconds(one.created),
            "date_updated": seconds(one.updated),
            "lookup": {},
            "amount": null,
            "payee": null,
            "send_code_attempts": attempts.collect::<Vec<_>>(),
            "sna": null,
            "url": format!("https://verify.twilio.com/v2/Services/{service}/Verifications/{sid}"),
        })
    }
}

/// Returns a SID: the prefix and 32 hexadecimal digits.
fn sid(prefix: &str) -> String {
    format!("{prefix}{}", ids::uuid().replace('-', ""))
}

impl VendorApi for TwilioVerify {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        if !self.is_authentic(call) {
            return usual_error(401);
        }
        let path: Vec<&str> = call.path.trim_start_matches('/').split('/').collect();
        match path.as_slice() {
            ["v2", "Services", service, rest @ ..] => {
                if *service != self.account.service_sid {
                    return not_found(&call.path);
                }
                match (&call.method, rest) {
                    (&Method::POST, ["Verifications"]) => self.send(call, cx),
                    (&Method::POST, ["Verifications", sid]) => self.update(call, sid, cx),
                    (&Method::GET, ["Verifications", sid]) => self.fetch(call, sid, cx.now),
                    (&Method::POST, ["VerificationCheck"]) => self.check(call, cx),
                    (_, ["Verifications" | "VerificationCheck", ..]) => usual_error(405),
                    _ => not_found(&call.path),
                }
            }
            ["2010-04-01", "Accounts", account, "Balance.json"]
                if *account == self.account.account_sid =>
            {
                let balance = &self.account.balance;
                Reply::json(
                    200,
                    &json!({ "account_sid": account, "balance": balance, "currency": "USD" }),
                )
            }
            _ => error(404, 20404, "The requested resource was not found"),
        }
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn fault_path(&self, call: &Call) -> String {
        let is_send = call.method == Method::POST && call.path.ends_with("/Verifications");
        if is_send { format!("{}/send", call.path) } else { call.path.clone() }
    }

    fn credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "account_sid": account.account_sid,
            "auth_token": account.auth_token,
            "api_key_sid": account.api_key_sid,
            "api_key_secret": account.api_key_secret,
            "service_sid": account.service_sid,
        })
    }

    fn usual_credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "account_sid": account.account_sid,
            "auth_token": account.auth_token,
            "service_sid": account.service_sid,
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
