//! The interface of an emulated vendor: the rest of the emulator uses no other.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::callback::Callback;
use crate::exchange::{Call, Reply};

/// The constant facts of a vendor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The name in URLs, in JSON and in configuration.
    pub(crate) key: &'static str,
    /// The name as the vendor writes it.
    pub(crate) name: &'static str,
    /// The base path of the API, the same as at the vendor, without a trailing slash.
    pub(crate) base_path: &'static str,
}

/// An emulated vendor with its account and its records.
pub(crate) trait VendorApi: fmt::Debug + Send {
    /// Answers one request as the vendor does.
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply;

    /// Returns the vendor's usual error for a status, for faults that set only a status.
    fn usual_error(&self, status: u16, now: Timestamp) -> Reply;

    /// Returns the path by which faults match a request. That of a send ends in `/send`, whatever
    /// the vendor calls it.
    fn fault_path(&self, call: &Call) -> String {
        call.path.clone()
    }

    /// Returns the credentials that it accepts, by name, for the ready line.
    fn credentials(&self) -> Value;

    /// Returns the credentials of the usual way to authenticate, where there are several.
    fn usual_credentials(&self) -> Value {
        self.credentials()
    }

    /// Returns the account with all its settings.
    fn account(&self) -> Value;

    /// Replaces the account. After an error it is unchanged.
    fn set_account(&mut self, account: Value) -> Result<(), String>;

    /// Disables the vendor's own limits.
    fn lift_limits(&mut self);

    /// Returns when the vendor does something by itself next, such as a second message.
    fn next_due(&self) -> Option<Timestamp> {
        None
    }

    /// Does what is due at the time of the context. Is called at each such time.
    fn act(&mut self, _cx: &mut Context) {}
}

/// Context of one request: the time, and what the vendor sends for it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) now: Timestamp,
    pub(crate) deliveries: Vec<Delivery>,
    /// The delivery receipts, each with its time.
    pub(crate) callbacks: Vec<Callback>,
}

/// A message that a vendor accepted for delivery.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) channel: String,
    pub(crate) to: String,
    /// The subject of an e-mail.
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    /// The HTML of an e-mail.
    pub(crate) html: Option<String>,
    pub(crate) code: String,
}

impl Context {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self { now, deliveries: Vec::new(), callbacks: Vec::new() }
    }

    pub(crate) fn deliver(&mut self, channel: &str, to: &str, text: String, code: &str) {
        self.deliver_with(channel, to, None, text, code);
    }

    pub(crate) fn deliver_with(
        &mut self,
        channel: &str,
        to: &str,
        subject: Option<&str>,
        text: String,
        code: &str,
    ) {
        self.deliveries.push(Delivery {
            channel: channel.to_owned(),
            to: to.to_owned(),
            subject: subject.map(str::to_owned),
            text,
            html: None,
            code: code.to_owned(),
        });
    }

    /// Delivers an e-mail with its plain part and its HTML.
    pub(crate) fn deliver_mail(
        &mut self,
        to: &str,
        subject: &str,
        text: String,
        html: Option<String>,
        code: &str,
    ) {
        self.deliveries.push(Delivery {
            channel: "email".to_owned(),
            to: to.to_owned(),
            subject: Some(subject.to_owned()),
            text,
            html,
            code: code.to_owned(),
        });
    }
}

/// Returns the JSON form of an account.
#[expect(clippy::expect_used, reason = "invariant: accounts are structs of plain fields")]
pub(crate) fn to_json(account: &impl Serialize) -> Value {
    serde_json::to_value(account).expect("plain fields have a JSON form")
}

/// Replaces an account by its JSON form.
pub(crate) fn assign<A: DeserializeOwned>(account: &mut A, json: Value) -> Result<(), String> {
    *account = serde_json::from_value(json).map_err(|error| error.to_string())?;
    Ok(())
}

/// Replaces the named fields of a vendor's account and returns all of it.
pub(crate) fn patch(
    vendor: &mut dyn VendorApi,
    changes: Map<String, Value>,
) -> Result<Value, String> {
    let mut account = vendor.account();
    for (field, value) in changes {
        account[field] = value;
    }
    vendor.set_account(account)?;
    Ok(vendor.account())
}
