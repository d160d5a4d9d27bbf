//! The messages between parent and worker: one JSON object per line, answers in any order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first line that a worker reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The signature of every message of this process, such as `B3`.
    pub(crate) name: String,
    pub(crate) redis: String,
    pub(crate) server_key: String,
    /// In the order of preference.
    pub(crate) vendors: Vec<Place>,
}

/// The address of a vendor, and the application's credentials there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) vendor: String,
    pub(crate) url: String,
    /// In the vendor's own order: its key, then the values that belong to it.
    pub(crate) credentials: Vec<String>,
}

/// The line of a worker that is ready for requests.
pub(crate) const READY: &str = "ready";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) what: Ask,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    Send { to: String, key: String },
    Resend { verification: String },
    Verify { verification: String, code: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) id: u64,
    /// The duration in the client, without the transfer.
    pub(crate) took: Duration,
    pub(crate) answer: Answer,
}

/// The whole answer to the client's caller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Sent(Sent),
    Verdict(String),
    Failed(Failed),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) verification: String,
    /// The vendor that has confirmed the message; `None` is `confirmed: false`.
    pub(crate) confirmed_by: Option<String>,
    /// The called and the skipped vendors, for the analysis of a broken promise.
    pub(crate) history: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) kind: String,
    pub(crate) certainty: String,
    pub(crate) blame: String,
    /// The whole error, for the analysis of a broken promise.
    pub(crate) words: String,
}

impl Failed {
    /// Returns whether the answer was that no message was sent.
    pub(crate) fn says_nothing_went_out(&self) -> bool {
        self.certainty != "unknown"
    }
}
