//! The door for clients of Twilio Verify v2.

mod caller;
mod failure;

use std::sync::Arc;

use axum::Router;
use otpmux::config::TwilioDoor;

use crate::app::App;
use caller::TwilioCaller;
use failure::Failure;

/// The settings of the door.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The user name of clients.
    user: Option<Box<str>>,
}

impl Settings {
    pub(crate) fn new(door: &TwilioDoor) -> Self {
        Self { user: door.account_sid.as_deref().map(Into::into) }
    }
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .method_not_allowed_fallback(|| async { Failure::method_not_allowed() })
        .fallback(|_: TwilioCaller| async { Failure::not_found() })
}

/// Returns the path of a call below the door's path, for labels.
pub(super) fn label(_: &str) -> &'static str {
    "/twilio/other"
}
