//! Reading of bodies, with limits on size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;

/// The time limit for reading a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It did not come in time.
    TooSlow,
    /// It is longer than it may be.
    TooLarge,
    /// The connection ended before it did.
    Cut,
}

/// Reads a body of at most this many bytes.
pub(crate) async fn read(body: Body, largest: usize) -> Result<Bytes, Unread> {
    let whole = timeout(PATIENCE, Limited::new(body, largest).collect()).await;
    match whole.map_err(|_| Unread::TooSlow)? {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Cut),
    }
}
