//! The vendor's JSON, exactly as its API reference shows it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /messages`.
#[derive(Serialize)]
pub(crate) struct Send<'a> {
    pub to: &'a str,
    pub code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<&'a str>,
}

/// The answer to a send and to a status. Every field is optional to the reader, and those that
/// nothing depends on may have any type: a strange one must not turn a success into a doubt.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub id: Option<String>,
    pub status: Option<Value>,
}

/// The body of every answer that is not a success.
#[derive(Deserialize)]
pub(crate) struct ErrorAnswer {
    pub error: Option<ErrorBody>,
}

#[derive(Deserialize)]
pub(crate) struct ErrorBody {
    /// The vendor's word, such as `invalid_number`.
    pub code: Option<String>,
    /// A text for people. Not fit to be shown as it is.
    pub message: Option<String>,
}
