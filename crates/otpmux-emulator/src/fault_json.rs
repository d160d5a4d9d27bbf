//! The JSON form of a fault: flat, and refusing what does not belong to its kind.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{Fault, FaultKind, Garbage};

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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultJson {
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
            (json!({"kind": "hang", "counts": 1}), "counts"),
            (json!({"kind": "hang", "count": 0}), "at least 1"),
        ] {
            let error = serde_json::from_value::<Fault>(json.clone()).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
    }
}
