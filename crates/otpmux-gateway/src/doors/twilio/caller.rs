use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::failure::Failure;
use crate::app::App;
use crate::auth::{Caller, Refused};
use crate::doors::basic::Credentials;

/// The API key of an authenticated request, and the user name that came with it.
#[derive(Debug)]
#[expect(dead_code, reason = "for the calls of the door")]
pub(super) struct TwilioCaller {
    pub(super) user: String,
    pub(super) caller: Caller,
}

impl FromRequestParts<Arc<App>> for TwilioCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let settings = app.settings();
        // A reload has removed the door.
        let door = settings.doors.twilio.as_ref().ok_or_else(Failure::not_found)?;
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Failure::unauthenticated)?;
        let read = Credentials::read(header.as_bytes()).ok_or_else(Failure::unauthenticated)?;
        if door.user.as_ref().is_some_and(|user| **user != *read.user) {
            return Err(Failure::unauthenticated());
        }
        match Caller::of_key(app, read.password.expose().as_bytes()) {
            Ok(caller) => Ok(Self { user: read.user, caller }),
            Err(Refused::Unknown) => Err(Failure::unauthenticated()),
            Err(Refused::TooMany { wait }) => Err(Failure::too_many_requests(wait)),
        }
    }
}
