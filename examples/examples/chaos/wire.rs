//! What the two sides tell each other: one JSON object a line, in any order of answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first line that a worker reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// What every message of this process is signed with, such as `B3`.
    pub(crate) name: String,
    pub(crate) redis: String,
    pub(crate) server_key: String,
    /// In the order of preference.
    pub(crate) vendors: Vec<Place>,
}

/// Where a vendor is, and what it knows the application by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) vendor: String,
    pub(crate) url: String,
    /// In the vendor's own order: its key, then what belongs to it.
    pub(crate) credentials: Vec<String>,
}

/// What a worker says once it can be asked.
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
    /// How long the client took, without the way to it and back.
    pub(crate) took: Duration,
    pub(crate) answer: Answer,
}

/// Everything that the client's caller was told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Sent(Sent),
    Verdict(String),
    Failed(Failed),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) verification: String,
    /// The vendor that has said that it took the message; `None` is `confirmed: false`.
    pub(crate) confirmed_by: Option<String>,
    /// Who was called and who was not, for whoever looks into a broken promise.
    pub(crate) history: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) kind: String,
    pub(crate) certainty: String,
    pub(crate) blame: String,
    /// The whole error, for whoever looks into a broken promise.
    pub(crate) words: String,
}

impl Failed {
    /// Whether the caller was told that no message went out.
    pub(crate) fn says_nothing_went_out(&self) -> bool {
        self.certainty != "unknown"
    }
}
