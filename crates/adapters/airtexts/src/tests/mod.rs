//! Tests of this adapter that are longer than the code that they test.

mod assumptions;
mod config;
mod properties;
mod provider;

use std::time::{Duration, SystemTime};

use otpmux_core::{Error, ProviderId};
use otpmux_http::Answer;

/// 2025-08-20T10:00:00Z, five minutes before the expiry in the answers.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_755_684_000)
}

pub(crate) fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(ProviderId::new("p").unwrap(), status, None, body)
}

/// Returns an error in one line: kind, certainty, blame, and the time for the next try.
pub(crate) fn in_short(error: &Error) -> String {
    let (kind, certainty) = (error.kind().as_str(), error.certainty().as_str());
    let after = error.retry_after().map(|after| format!(" in {}s", after.as_secs()));
    let blame = error.blame().as_str();
    format!("{kind} {certainty} {blame}{}", after.unwrap_or_default())
}
