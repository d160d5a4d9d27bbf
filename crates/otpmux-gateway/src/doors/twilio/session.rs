use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::header::AUTHORIZATION;
use http::request::Parts;
use otpmux::{Purpose, Scope, ScopedClient};

use super::failure::Failure;
use super::{Settings, sid};
use crate::app::App;
use crate::auth::{Caller, Refused};
use crate::doors::basic::Credentials;

/// An authenticated request, of any path.
#[derive(Debug)]
pub(super) struct TwilioCaller {
    /// The user name, if it is an account SID.
    pub(super) account: Option<String>,
    pub(super) caller: Caller,
    pub(super) door: Arc<Settings>,
}

impl FromRequestParts<Arc<App>> for TwilioCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        // Without its settings, a reload has removed the door.
        let door = app.settings().doors.twilio.clone().ok_or_else(Failure::not_found)?;
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Failure::unauthenticated)?;
        let read = Credentials::read(header.as_bytes()).ok_or_else(Failure::unauthenticated)?;
        if !door.takes_user(&read.user) {
            return Err(Failure::unauthenticated());
        }
        match Caller::of_key(app, read.password.expose().as_bytes()) {
            Ok(caller) => {
                let account = Some(read.user).filter(|user| sid::is(user, "AC"));
                Ok(Self { account, caller, door })
            }
            Err(Refused::Unknown) => Err(Failure::unauthenticated()),
            Err(Refused::TooMany { wait }) => Err(Failure::too_many_requests(wait)),
        }
    }
}

/// An authenticated request below a service.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) account: Option<String>,
    pub(super) service: String,
    pub(super) purpose: Purpose,
    /// For the purpose of the service alone.
    pub(super) client: ScopedClient,
    pub(super) caller: Caller,
    pub(super) door: Arc<Settings>,
    /// The verification in the path, as it is there.
    pub(super) sid: String,
}

impl FromRequestParts<Arc<App>> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let TwilioCaller { account, caller, door } =
            TwilioCaller::from_request_parts(parts, app).await?;
        let path = RawPathParams::from_request_parts(parts, app).await;
        let path = path.map_err(|_| Failure::not_found())?;
        let param = |name: &str| path.iter().find(|(other, _)| *other == name);
        let param =
            |name: &str| param(name).map_or_else(String::new, |(_, value)| value.to_owned());
        let (service, sid) = (param("service"), param("sid"));
        let purpose = door.purpose(&service).filter(|purpose| caller.scope.contains(purpose));
        let purpose = purpose.ok_or_else(Failure::not_found)?.clone();
        let client = app.client.scoped(Scope::of([purpose.clone()]));
        let client = client.of_tenant(Arc::clone(&caller.name));
        Ok(Self { account, service, purpose, client, caller, door, sid })
    }
}
