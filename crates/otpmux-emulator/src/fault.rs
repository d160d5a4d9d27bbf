//! Faults: what a vendor does instead of, or after, answering as it should.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// The vendor's port is shut: connections are refused and open ones are cut, so no request
    /// reaches the vendor. Lasts until it is cleared: nobody can count connections that are refused,
    /// nor see their paths, so [`Fault::times`] and [`Fault::at`] change nothing.
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

/// The names of [`FaultKind`] in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindName {
    Status,
    Latency,
    Hang,
    ResetAfterRead,
    CloseBeforeAnswer,
    Garbage,
    AcceptButNeverDeliver,
    Refuse,
}

/// The JSON form: flat, without fields that do not belong to the kind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultJson {
    kind: KindName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    millis: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    garbage: Option<Garbage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    after_work: bool,
}

impl FaultJson {
    fn refuse_strangers(&self) -> Result<(), String> {
        use KindName as K;
        let no_after_work = [K::Latency, K::AcceptButNeverDeliver, K::Refuse];
        let given = [
            ("status", self.status.is_some(), self.kind == K::Status),
            ("body", self.body.is_some(), self.kind == K::Status),
            ("headers", !self.headers.is_empty(), self.kind == K::Status),
            ("millis", self.millis.is_some(), self.kind == K::Latency),
            ("garbage", self.garbage.is_some(), self.kind == K::Garbage),
            ("after_work", self.after_work, !no_after_work.contains(&self.kind)),
            ("count", self.count.is_some(), self.kind != K::Refuse),
            ("endpoint", self.endpoint.is_some(), self.kind != K::Refuse),
        ];
        match given.into_iter().find(|(_, is_given, belongs)| *is_given && !belongs) {
            Some((field, ..)) => Err(format!("`{field}` does not belong to this kind of fault")),
            None => Ok(()),
        }
    }
}

impl TryFrom<FaultJson> for Fault {
    type Error = String;

    fn try_from(json: FaultJson) -> Result<Self, String> {
        json.refuse_strangers()?;
        let kind = match json.kind {
            KindName::Status => {
                let status = json.status.ok_or("a fault of kind `status` needs `status`")?;
                if !(200..=599).contains(&status) {
                    return Err("`status` must be from 200 to 599".to_owned());
                }
                FaultKind::Status { status, body: json.body, headers: json.headers }
            }
            KindName::Latency => {
                let millis = json.millis.ok_or("a fault of kind `latency` needs `millis`")?;
                FaultKind::Latency(Duration::from_millis(millis))
            }
            KindName::Hang => FaultKind::Hang,
            KindName::ResetAfterRead => FaultKind::ResetAfterRead,
            KindName::CloseBeforeAnswer => FaultKind::CloseBeforeAnswer,
            KindName::Garbage => FaultKind::Garbage(json.garbage.unwrap_or(Garbage::Http)),
            KindName::AcceptButNeverDeliver => FaultKind::AcceptButNeverDeliver,
            KindName::Refuse => FaultKind::Refuse,
        };
        if json.count == Some(0) {
            return Err("`count` must be at least 1".to_owned());
        }
        Ok(Self { kind, count: json.count, endpoint: json.endpoint, after_work: json.after_work })
    }
}

impl From<Fault> for FaultJson {
    fn from(fault: Fault) -> Self {
        let mut json = Self {
            kind: KindName::Hang,
            status: None,
            body: None,
            headers: BTreeMap::new(),
            millis: None,
            garbage: None,
            count: fault.count,
            endpoint: fault.endpoint,
            after_work: fault.after_work,
        };
        json.kind = match fault.kind {
            FaultKind::Status { status, body, headers } => {
                (json.status, json.body, json.headers) = (Some(status), body, headers);
                KindName::Status
            }
            FaultKind::Latency(delay) => {
                json.millis = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                KindName::Latency
            }
            FaultKind::Garbage(garbage) => {
                json.garbage = Some(garbage);
                KindName::Garbage
            }
            FaultKind::Hang => KindName::Hang,
            FaultKind::ResetAfterRead => KindName::ResetAfterRead,
            FaultKind::CloseBeforeAnswer => KindName::CloseBeforeAnswer,
            FaultKind::AcceptButNeverDeliver => KindName::AcceptButNeverDeliver,
            FaultKind::Refuse => KindName::Refuse,
        };
        json
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_survives_the_round_trip() {
        for json in [
            json!({"kind": "status", "status": 503, "body": {"a": 1}, "headers": {"x": "y"}}),
            json!({"kind": "latency", "millis": 200, "count": 3}),
            json!({"kind": "hang", "after_work": true}),
            json!({"kind": "reset_after_read", "endpoint": "/send"}),
            json!({"kind": "close_before_answer"}),
            json!({"kind": "garbage", "garbage": "json"}),
            json!({"kind": "accept_but_never_deliver"}),
            json!({"kind": "refuse"}),
        ] {
            let fault: Fault = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&fault).unwrap(), json);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (json, word) in [
            (json!({"kind": "explode"}), "reset_after_read"),
            (json!({"kind": "status"}), "needs `status`"),
            (json!({"kind": "status", "status": 100}), "200 to 599"),
            (json!({"kind": "latency"}), "millis"),
            (json!({"kind": "hang", "millis": 1}), "millis"),
            (json!({"kind": "refuse", "after_work": true}), "after_work"),
            (json!({"kind": "refuse", "count": 1}), "count"),
            (json!({"kind": "refuse", "endpoint": "/send"}), "endpoint"),
            (json!({"kind": "hang", "counts": 1}), "counts"),
            (json!({"kind": "hang", "count": 0}), "at least 1"),
        ] {
            let error = serde_json::from_value::<Fault>(json.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
