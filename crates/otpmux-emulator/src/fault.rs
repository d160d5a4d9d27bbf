//! Faults: what a vendor does instead of, or after, answering as it should.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::fault_json::FaultJson;
use crate::vendor::Vendor;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// An answer with this status.
    Status {
        /// From 200 to 599; anything else is answered as 500.
        status: u16,
        /// A string is sent as it is, any other value as JSON; without one, the answer is the
        /// vendor's own error for the status.
        body: Option<Value>,
        /// Headers of the answer, on top of the content type or in place of it.
        headers: BTreeMap<String, String>,
    },
    /// The right answer, late.
    Latency(Duration),
    /// No answer; the connection stays open.
    Hang,
    /// The request is read, then the connection is reset (TCP RST).
    ResetAfterRead,
    /// The request is read, then the connection is closed (TCP FIN) without an answer.
    CloseBeforeAnswer,
    /// Bytes that are no answer.
    Garbage(Garbage),
    /// The right answer to a send, but no message ever arrives.
    AcceptButNeverDeliver,
    /// The connection is closed at once; the vendor reads nothing.
    Refuse,
}

/// Which layer the bytes of [`FaultKind::Garbage`] break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Garbage {
    /// Bytes that are not HTTP.
    Http,
    /// Status 200 and a JSON content type, with a body that is not JSON.
    Json,
}

/// A fault and when it happens. In JSON, for example,
/// `{"kind":"status","status":500,"count":3,"endpoint":"/send"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FaultJson", into = "FaultJson")]
pub struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) count: Option<u32>,
    pub(crate) endpoint: Option<String>,
    pub(crate) after_work: bool,
}

impl Fault {
    /// A fault of the kind, for every request until it is cleared.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, count: None, endpoint: None, after_work: false }
    }

    /// The vendor's own error answer with this status.
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status { status, body: None, headers: BTreeMap::new() })
    }

    /// An answer with this status and body: a string is sent as it is, another value as JSON.
    pub fn status_with_body(status: u16, body: impl Into<Value>) -> Self {
        let body = Some(body.into());
        Self::new(FaultKind::Status { status, body, headers: BTreeMap::new() })
    }

    /// Only the next `count` requests.
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Only requests whose path ends in this (`/send`).
    pub fn at(mut self, path_suffix: impl Into<String>) -> Self {
        self.endpoint = Some(path_suffix.into());
        self
    }

    /// Adds a header to the answer of a [`FaultKind::Status`]; other kinds have no use for it.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let FaultKind::Status { headers, .. } = &mut self.kind {
            headers.insert(name.into(), value.into());
        }
        self
    }

    /// The vendor does its work first (the message goes out, the code is used up); only its
    /// answer is lost. Without effect on `Latency`, `AcceptButNeverDeliver` and `Refuse`.
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }

    /// What goes wrong.
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// How many more requests; `None` for all.
    pub fn count(&self) -> Option<u32> {
        self.count
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self::new(kind)
    }
}

/// The fault of each vendor, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: HashMap<Vendor, Fault>,
    changes: watch::Sender<()>,
}

impl Faults {
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self { changes, ..Self::default() }
    }

    pub(crate) fn set(&mut self, vendor: Vendor, fault: Fault) {
        self.active.insert(vendor, fault);
        self.changes.send_replace(());
    }

    pub(crate) fn clear(&mut self, vendor: Vendor) {
        self.active.remove(&vendor);
        self.changes.send_replace(());
    }

    pub(crate) fn get(&self, vendor: Vendor) -> Option<&Fault> {
        self.active.get(&vendor)
    }

    pub(crate) fn any_refusal(&self) -> bool {
        self.active.values().any(|fault| fault.kind == FaultKind::Refuse)
    }

    /// The fault that this request meets; counts it.
    pub(crate) fn take(&mut self, vendor: Vendor, path: &str) -> Option<Fault> {
        let fault = self.active.get_mut(&vendor)?;
        if fault.endpoint.as_ref().is_some_and(|suffix| !path.ends_with(suffix.as_str())) {
            return None;
        }
        match &mut fault.count {
            None => Some(fault.clone()),
            Some(0) => {
                self.active.remove(&vendor);
                None
            }
            Some(left) => {
                *left -= 1;
                let taken = fault.clone();
                if fault.count == Some(0) {
                    self.active.remove(&vendor);
                }
                self.changes.send_replace(());
                Some(taken)
            }
        }
    }

    /// As `take`, but only when the fault is a refusal: what is known before a request is read.
    pub(crate) fn take_refusal(&mut self, vendor: Vendor, path: &str) -> bool {
        self.get(vendor).is_some_and(|fault| fault.kind == FaultKind::Refuse)
            && self.take(vendor, path).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_ends() {
        let mut faults = Faults::default();
        faults.set(Vendor::EasyOtp, Fault::status(500).times(2).at("/send"));
        assert!(faults.take(Vendor::EasyOtp, "/verify").is_none());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_some());
        assert!(faults.take(Vendor::AirTexts, "/otp/send").is_none());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_some());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_none());
        assert!(faults.get(Vendor::EasyOtp).is_none());
    }
}
