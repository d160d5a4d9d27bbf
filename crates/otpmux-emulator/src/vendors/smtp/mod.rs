//! A mail server with its mailboxes. [`crate::mail_server`] speaks its protocol; a mail that was handed over
//! comes here.

mod account;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::SmtpAccount;

use crate::exchange::{Call, Reply};
use crate::mail::{Mail, SEND};
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};

pub(crate) const FACTS: Facts = Facts { key: "smtp", name: "SMTP", base_path: "" };

#[derive(Debug)]
pub(crate) struct Smtp {
    account: SmtpAccount,
}

impl Smtp {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self { account: SmtpAccount::default() }
    }
}

impl VendorApi for Smtp {
    /// The body of the call is a mail; `to` in its query is the recipient.
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        if !call.is(&Method::POST, SEND) {
            return self.usual_error(502, cx.now);
        }
        let to = call.query("to").unwrap_or_default();
        let mail = Mail::parse(&call.body);
        let code = mail.code().unwrap_or_default();
        cx.deliver_mail(&to, &mail.subject, mail.text, mail.html, &code);
        Reply::bytes(250, "text/plain", "2.0.0 Ok: queued")
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        // Faults that have names are those of HTTP.
        let (code, text) = match status {
            402 => (550, "5.7.1 Sending quota exceeded"),
            429 => (450, "4.7.1 Too many messages, try again later"),
            421 => (421, "4.3.2 Service shutting down"),
            452 => (452, "4.2.2 Mailbox full"),
            530 => (530, "5.7.0 Authentication required"),
            535 => (535, "5.7.8 Authentication credentials invalid"),
            550 => (550, "5.1.1 No such mailbox"),
            552 => (552, "5.3.4 Message too large"),
            554 => (554, "5.7.1 Message refused"),
            400..=499 => (status, "4.3.0 Try again later"),
            _ => (status, "5.3.0 Command refused"),
        };
        Reply::bytes(code, "text/plain", text)
    }

    fn credentials(&self) -> Value {
        json!({ "username": self.account.username, "password": self.account.password })
    }

    fn account(&self) -> Value {
        to_json(&self.account)
    }

    fn set_account(&mut self, account: Value) -> Result<(), String> {
        assign(&mut self.account, account)
    }

    fn lift_limits(&mut self) {}
}
