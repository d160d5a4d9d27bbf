use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{FromRequestParts, RawPathParams};
use http::header::AUTHORIZATION;
use http::request::Parts;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux::{Purpose, Scope, ScopedClient, VerificationId};

use super::failure::Failure;
use super::{Settings, id, token};
use crate::app::App;
use crate::auth::{Caller, Refused, bearer};
use crate::doors::basic::Credentials;

/// An authenticated request.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) purpose: Purpose,
    /// For this purpose alone.
    pub(super) client: ScopedClient,
    pub(super) caller: Caller,
    pub(super) door: Arc<Settings>,
    id: Option<VerificationId>,
}

impl Session {
    /// The verification in the path; a malformed id is treated like any unknown one.
    pub(super) fn id(&self) -> Result<VerificationId, Failure> {
        self.id.ok_or_else(Failure::no_such_request)
    }
}

impl FromRequestParts<Arc<App>> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        // Without its settings, a reload has removed the door.
        let door = app.settings().doors.vonage.clone();
        let door = door.ok_or_else(|| Failure::not_found("no such path"))?;
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Failure::unauthenticated)?;
        let (caller, purpose) = authenticate(app, &door, header.as_bytes(), SystemClock.now())?;
        if !caller.scope.contains(&purpose) {
            // The operator's mistake: the door's purpose is none of the key's.
            return Err(Failure::unauthenticated());
        }
        let path = RawPathParams::from_request_parts(parts, app).await.ok();
        let id = path.and_then(|path| {
            let (_, text) = path.iter().find(|(name, _)| *name == "id")?;
            id::read(text)
        });
        let client = app.client.scoped(Scope::of([purpose.clone()]));
        let client = client.of_tenant(Arc::clone(&caller.name));
        Ok(Self { purpose, client, caller, door, id })
    }
}

fn authenticate(
    app: &App,
    door: &Settings,
    header: &[u8],
    now: SystemTime,
) -> Result<(Caller, Purpose), Failure> {
    let refused = |refused| match refused {
        Refused::Unknown => Failure::unauthenticated(),
        Refused::TooMany { wait } => Failure::too_many_requests(wait),
    };
    if let Some(token) = bearer(header) {
        let application = token::check(token, &door.applications, door.token_ttl, now);
        let application = application.ok_or_else(Failure::unauthenticated)?;
        let caller = Caller::named(app, &application.caller).map_err(refused)?;
        let purpose = application.purpose.as_ref().unwrap_or(&door.purpose);
        return Ok((caller, purpose.clone()));
    }
    let read = Credentials::read(header).ok_or_else(Failure::unauthenticated)?;
    if !door.takes_user(&read.user) {
        return Err(Failure::unauthenticated());
    }
    let caller = Caller::of_key(app, read.password.expose().as_bytes()).map_err(refused)?;
    Ok((caller, door.purpose.clone()))
}
