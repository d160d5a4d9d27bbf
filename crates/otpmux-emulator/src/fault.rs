//! Faults: the behaviour of a vendor instead of, or after, its usual answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of a fault.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers with this status.
    Status {
        /// From 200 to 599; any other value is answered as 500.
        status: u16,
        /// The body: a string is sent unchanged, any other value as JSON. `None`: the vendor's own
        /// error for the status.
        body: Option<Value>,
        /// Headers of the answer. They can replace the content type.
        headers: BTreeMap<String, String>,
    },
    /// Gives the usual answer, late.
    Latency(Duration),
    /// Gives no answer; the connection stays open.
    Hang,
    /// Reads the request, then resets the connection (TCP RST).
    ResetAfterRead,
    /// Reads the request, then closes the connection (TCP FIN) without an answer.
    CloseBeforeAnswer,
    /// Answers with bytes that are not a valid answer.
    Garbage(Garbage),
    /// Accepts a send as usual, but never delivers the message.
    AcceptButNeverDeliver,
    /// Shuts the vendor's port: connections are refused and open ones are cut, so no request
    /// reaches the vendor. Lasts until it is cleared: refused connections cannot be counted and
    /// have no path, so [`Fault::times`] and [`Fault::at`] have no effect.
    Refuse,
}

/// The layer that [`FaultKind::Garbage`] breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Garbage {
    /// Bytes that are not HTTP.
    Http,
    /// Status 200 and a JSON content type, with a body that is not JSON.
    Json,
}

/// Fault of a vendor, with its conditions. In JSON, for example,
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
    /// Returns a fault of this kind, for every request until it is cleared.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, count: None, endpoint: None, after_work: false }
    }

    /// Returns a fault that answers with the vendor's own error for this status.
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status { status, body: None, headers: BTreeMap::new() })
    }

    /// Returns a fault that answers with this status and body: a string is sent unchanged, another
    /// value as JSON.
    pub fn status_with_body(status: u16, body: impl Into<Value>) -> Self {
        let body = Some(body.into());
        Self::new(FaultKind::Status { status, body, headers: BTreeMap::new() })
    }

    /// Limits the fault to the next `count` requests.
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Limits the fault to requests whose path ends in this (`/send`).
    pub fn at(mut self, path_suffix: impl Into<String>) -> Self {
        self.endpoint = Some(path_suffix.into());
        self
    }

    /// Adds a header to the answer of a [`FaultKind::Status`]; other kinds ignore it.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let FaultKind::Status { headers, .. } = &mut self.kind {
            headers.insert(name.into(), value.into());
        }
        self
    }

    /// Lets the vendor do its work first (the message is sent, the code is used up); only its
    /// answer is lost. No effect on `Latency`, `AcceptButNeverDeliver` and `Refuse`.
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// Returns the remaining number of requests; `None` for all.
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

/// The JSON form: flat, without the fields of other kinds.
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
    fn an_unfitting_combination_is_refused() {
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
